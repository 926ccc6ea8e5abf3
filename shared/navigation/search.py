"""Near-optimal orders for more stops than can be solved exactly; a function of the costs alone.

An open walk is made a closed tour for `ClosedTour`. The prices of `bounds` make the local search sharper: they lower
the cost of edges that short tours need (Helsgaun 2000). `descent` takes care of stops with several places.
"""

import numpy as np

from shared.navigation.bounds import lower_bound
from shared.navigation.closed_tour import GAIN_M, ClosedTour
from shared.navigation.descent import descended
from shared.navigation.walk import Walk, best_places, per_stop
from shared.navigation.walkable import Floats, Ints

# 20 stops end at the optimum, 60 stops 0.02 % above it on average (worst of 60 walks 0.3 %), in 5 and 33 ms.
# With one-way costs a kick finds less.
KICKS = 30
KICKS_PER_STOP = 2.5
ONE_WAY_KICKS_PER_STOP = 12
# How much longer kicks may make a tour at first, as a share of it; with one-way costs this helps nothing.
SLACK = 0.01
# With several places per stop: this share of the stops is forgotten and slipped in again, this often.
# Half and 60 rounds come within 0.1 % of the best on average; more stops get fewer rounds to stay within 0.2 s.
FORGOTTEN = 0.5
RECREATED_STOPS = 1200


def good_order(walk: Walk) -> tuple[Ints, float]:
    """(n,) places, one per stop, walkable whenever some order is; and a length that no walk falls short of."""
    finite = _with_finite_costs(walk)
    order, bound = _order_of_stops(*per_stop(finite))
    best = descended(finite, best_places(finite, order))
    if len(walk.stop) > walk.stops:
        best = _recreated(finite, best)
    return best, bound


def _order_of_stops(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float]:
    if np.allclose(between, between.T, rtol=0.0, atol=1e-6):
        return _symmetric_order(first, (between + between.T) / 2, last)
    return _one_way_order(first, between, last)


def _symmetric_order(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float]:
    """Node n is the start; node n + 1 joins the last stop to it, free there and so dear elsewhere that it stays."""
    n = len(first)
    dear = between.max() + first.max() + last.max() + 1.0
    costs = np.zeros((n + 2, n + 2))
    costs[:n, :n] = between
    costs[n, :n] = costs[:n, n] = first
    costs[n + 1, :n] = costs[:n, n + 1] = last + dear
    tour = ClosedTour(costs, [n, *_nearest_first(first, between), n + 1])
    bound, prices = lower_bound(first, between, last, tour.length - dear)
    if tour.length - dear > bound + GAIN_M:
        priced = np.append(prices, 0.0)
        costs += priced[:, None] + priced
        costs[n, n + 1] = costs[n + 1, n] = 0.0
        tour = ClosedTour(costs, tour.order)
        tour.kick(
            int(KICKS + KICKS_PER_STOP * n),
            SLACK * bound,
            until=bound + dear + 2 * prices.sum() - prices[n] + GAIN_M,
        )
    order = _from_the_start(tour.order, start=n, before=n + 1)
    return np.array(order[:-1], dtype=np.int64), max(bound, 0.0)


def _one_way_order(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float]:
    """Each node as an arrival and a departure tied together (Jonker and Volgenant 1983); start and end are one."""
    n = len(first) + 1
    directed = np.zeros((n, n))
    directed[:-1, :-1], directed[-1, :-1], directed[:-1, -1] = between, first, last
    dear = 2 * directed.max() + 1.0
    costs = np.full((2 * n, 2 * n), 2 * dear)
    costs[n:, :n] = directed + dear
    costs[:n, n:] = costs[n:, :n].T
    same = np.arange(n)
    costs[same, same + n] = costs[same + n, same] = 0.0
    stops = [n - 1, *_nearest_first(first, between)]
    tour = ClosedTour(costs, [node for stop in stops for node in (stop, stop + n)], paired=True)
    tour.kick(ONE_WAY_KICKS_PER_STOP * n, slack_m=0.0)
    order = _from_the_start(tour.order, start=2 * n - 1, before=n - 1)
    order = [node for node in order if node < n - 1]
    bound, _ = lower_bound(first, between, last, tour.length - n * dear)
    return np.array(order, dtype=np.int64), bound


def _nearest_first(first: Floats, between: Floats) -> list[int]:
    """From the start always on to the nearest stop left."""
    left = np.ones(len(first), dtype=np.bool_)
    order, costs = [], first
    for _ in range(len(first)):
        stop = int(np.where(left, costs, np.inf).argmin())
        left[stop] = False
        order.append(stop)
        costs = between[stop]
    return order


def _from_the_start(tour: list[int], start: int, before: int) -> list[int]:
    """The nodes after `start`, the way round that ends with its neighbour `before`."""
    at = tour.index(start)
    around = tour[at + 1 :] + tour[:at]
    return around if around[-1] == before else around[::-1]


def _recreated(walk: Walk, order: Ints) -> Ints:
    """Ruin and recreate (Schrimpf et al. 2000): forget some stops, slip each in again where it costs least."""
    draw = np.random.default_rng(9)
    best = order
    for _ in range(min(60, RECREATED_STOPS // walk.stops)):
        order = best[draw.random(walk.stops) >= FORGOTTEN]
        for stop in draw.permutation(np.setdiff1d(walk.stop, walk.stop[order])):
            order = _slipped_in(walk, order, int(stop))
        order = descended(walk, order)
        if walk.length(order) < walk.length(best) - GAIN_M:
            best = order
    return best


def _slipped_in(walk: Walk, order: Ints, stop: int) -> Ints:
    """The order with one more stop, at the place and position where the walk grows least."""
    places = np.nonzero(walk.stop == stop)[0]
    into = np.column_stack([walk.first[places], walk.between[order][:, places].T])
    out = np.column_stack([walk.between[np.ix_(places, order)], walk.last[places]])
    direct = np.concatenate([walk.first[order[:1]], walk.between[order[:-1], order[1:]], walk.last[order[-1:]]])
    growth = into + out - (direct if len(order) else 0.0)
    place, position = np.unravel_index(int(growth.argmin()), growth.shape)
    return np.insert(order, position, places[place])


def _with_finite_costs(walk: Walk) -> Walk:
    """Where there is no way: so long that no other walk is longer."""
    finite = [costs[np.isfinite(costs)] for costs in (walk.first, walk.between, walk.last)]
    longest = max(float(costs.max(initial=0.0)) for costs in finite)
    never = longest * (walk.stops + 1) + 1.0
    first, between, last = (
        np.where(np.isfinite(costs), costs, never) for costs in (walk.first, walk.between, walk.last)
    )
    return Walk(first, between, last, walk.stop)
