"""Orders of stops: the shortest where that can be proven in a few milliseconds, else near it.

A local search finds a walk, `bounds` prices that show how short one could be, and `bounded_order` the shortest of
those that the two leave. Everything is a function of the costs alone. `descent` takes care of stops with several
places.
"""

import numpy as np

from shared.navigation.bounded_order import priced_costs, shortest_order_within
from shared.navigation.bounds import lower_bound
from shared.navigation.closed_tour import GAIN_M, ClosedTour
from shared.navigation.descent import descended
from shared.navigation.walk import Walk, best_places, per_stop
from shared.navigation.walkable import Floats, Ints

# So many stops are proven without kicks: nearly always in the first, at most in the third of these widths.
FEW_STOPS = 30
WIDTHS = (64, 512, 2048)
# More stops are kicked first, so often for each pair of them; then four of five walks of forty can be proven.
KICKS_PER_PAIR = 0.1
WIDTHS_AFTER_KICKS = (512,)
# A proof of still more would take longer than all the rest.
MOST_PROVEN_STOPS = 45
# With one-way costs a kick finds less.
ONE_WAY_KICKS_PER_STOP = 12
# How much longer kicks may make a tour at first, as a share of it; with one-way costs this helps nothing.
SLACK = 0.02
# With several places per stop: this share of the stops is forgotten and slipped in again, this often.
# Half and 60 rounds come within 0.1 % of the best on average; more stops get fewer rounds to stay within 0.2 s.
FORGOTTEN = 0.5
RECREATED_STOPS = 1200


def good_order(walk: Walk) -> tuple[Ints, float]:
    """(n,) places, one per stop, walkable whenever some order is; and a length that no walk falls short of.

    For three stops or more. Where that length is the order's own, the order is the shortest of all.
    """
    finite = _with_finite_costs(walk)
    order, bound = _order_of_stops(*per_stop(finite))
    order = best_places(finite, order)
    if walk.length(order) <= bound + GAIN_M:
        return order, bound
    order = descended(finite, order)
    if len(walk.stop) > walk.stops:
        order = _recreated(finite, order)
    return order, bound


def _order_of_stops(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float]:
    walk = Walk(first, between, last, np.arange(len(first)))
    if np.abs(between - between.T).max() <= 1e-6:
        between = (between + between.T) / 2
        order, bound, prices = _symmetric_order(first, between, last)
    else:
        order, bound, prices = _one_way_order(first, between, last)
    length = walk.length(order)
    widths = _widths(len(first))
    if length <= bound + GAIN_M or not widths:
        return order, min(bound, length)
    costs = priced_costs(first, between, last, prices)
    for width in widths:
        found = shortest_order_within(costs, length, width)
        bound = max(bound, found.bound_m)
        if found.order is not None and walk.length(found.order) < length:
            order, length = found.order, walk.length(found.order)
        if length <= bound + GAIN_M:
            break
    return order, min(bound, length)


def _widths(stops: int) -> tuple[int, ...]:
    if stops <= FEW_STOPS:
        return WIDTHS
    return WIDTHS_AFTER_KICKS if stops <= MOST_PROVEN_STOPS else ()


def _symmetric_order(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float, Floats]:
    """An order, a bound and the prices that prove it.

    With the prices added the local search is sharper: they lower the cost of edges that short tours need (Helsgaun
    2000).
    """
    n = len(first)
    tour = ClosedTour(_closed(first, between, last, np.zeros(n + 1)))
    bound, prices = lower_bound(first, between, last, tour.length)
    if n > FEW_STOPS and tour.length > bound + GAIN_M:
        tour = ClosedTour(_closed(first, between, last, prices))
        tour.kick(
            int(KICKS_PER_PAIR * n * (n - 1) / 2),
            SLACK * bound,
            until=bound + 2 * prices.sum() - prices[n] + GAIN_M,
        )
    order = _from_the_start(tour.order, start=n, before=n + 1)
    return np.array(order[:-1], dtype=np.int64), max(bound, 0.0), prices


def _closed(first: Floats, between: Floats, last: Floats, prices: Floats) -> Floats:
    """(n + 2, n + 2) costs with the prices of both ends on each edge. Node n is the start; node n + 1 joins the last
    stop to it, for less than nothing there and so dear elsewhere that it stays. Without prices a tour is as long as its
    walk."""
    n = len(first)
    costs = np.zeros((n + 2, n + 2))
    costs[:n, :n] = between
    costs[n, :n] = costs[:n, n] = first
    costs[n + 1, :n] = costs[:n, n + 1] = last
    priced = np.append(prices, 0.0)
    costs += priced[:, None] + priced
    dear = 2 * np.abs(costs).max() + 1.0
    costs[n + 1, :n] += dear
    costs[:n, n + 1] += dear
    costs[n, n + 1] = costs[n + 1, n] = -dear
    return costs


def _one_way_order(first: Floats, between: Floats, last: Floats) -> tuple[Ints, float, Floats]:
    """The same, with each node as an arrival and a departure tied together (Jonker and Volgenant 1983); start and end
    are one."""
    n = len(first) + 1
    directed = np.zeros((n, n))
    directed[:-1, :-1], directed[-1, :-1], directed[:-1, -1] = between, first, last
    dear = 2 * directed.max() + 1.0
    costs = np.full((2 * n, 2 * n), 2 * dear)
    costs[n:, :n] = directed + dear
    costs[:n, n:] = costs[n:, :n].T
    same = np.arange(n)
    costs[same, same + n] = costs[same + n, same] = 0.0
    tour = ClosedTour(costs, paired=True)
    tour.kick(ONE_WAY_KICKS_PER_STOP * n, slack_m=0.0)
    order = _from_the_start(tour.order, start=2 * n - 1, before=n - 1)
    order = [node for node in order if node < n - 1]
    bound, prices = lower_bound(first, between, last, tour.length - n * dear)
    return np.array(order, dtype=np.int64), bound, prices


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
