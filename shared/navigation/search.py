"""Near-optimal orders for more stops than can be solved exactly: `fast_order` started over, `descent` to finish.

fast_tsp stops by the clock and starts from random numbers, so it is run until the best order was found twice; ties
between equally long orders are broken by a fixed noise. So the same request gives the same answer.
"""

import numpy as np

from shared.navigation.descent import GAIN_M, descended
from shared.navigation.fast_order import fast_tsp_order
from shared.navigation.walk import Walk, best_places, per_stop
from shared.navigation.walkable import Floats, Ints

# Runs until the best order was found twice, at most this many.
MAX_RUNS = 10
# With several places per stop each run starts from other places, drawn from a fixed sequence.
PLACE_RUNS = 8
# A stop's place is drawn anew this often.
_REDRAWN = 0.3
# Larger than rounding, smaller than anybody's interest (metres).
_TIE_M = 1e-7


def good_order(walk: Walk) -> Ints:
    """(n,) places, one per stop, walkable whenever some order is."""
    finite = _with_finite_costs(walk)
    tied = _without_ties(finite)
    if len(walk.stop) == walk.stops:
        return _agreed_order(finite, tied)
    return _order_with_places(finite, tied)


def _agreed_order(finite: Walk, tied: Walk) -> Ints:
    best = descended(tied, best_places(tied, fast_tsp_order(*per_stop(finite))))
    for _ in range(MAX_RUNS - 1):
        order = descended(tied, best_places(tied, fast_tsp_order(*per_stop(finite))))
        if np.array_equal(order, best):
            break
        if tied.length(order) < tied.length(best) - GAIN_M:
            best = order
    return best


def _order_with_places(finite: Walk, tied: Walk) -> Ints:
    draw = np.random.default_rng(9)
    by_stop = [np.nonzero(finite.stop == stop)[0] for stop in range(finite.stops)]
    best = descended(tied, best_places(tied, fast_tsp_order(*per_stop(finite))))
    for _ in range(PLACE_RUNS):
        places = np.empty_like(best)
        places[finite.stop[best]] = best
        for stop in np.nonzero(draw.random(finite.stops) < _REDRAWN)[0]:
            places[stop] = draw.choice(by_stop[stop])
        order = descended(tied, places[fast_tsp_order(*_chosen(finite, places))])
        order = descended(tied, order[fast_tsp_order(*_chosen(finite, order))])
        if tied.length(order) < tied.length(best) - GAIN_M:
            best = order
    return best


def _chosen(walk: Walk, places: Ints) -> tuple[Floats, Floats, Floats]:
    """Costs between the stops when each is visited at the given place."""
    return walk.first[places], walk.between[np.ix_(places, places)], walk.last[places]


def _with_finite_costs(walk: Walk) -> Walk:
    """Where there is no way: so long that no other walk is longer."""
    finite = [costs[np.isfinite(costs)] for costs in (walk.first, walk.between, walk.last)]
    longest = max(float(costs.max(initial=0.0)) for costs in finite)
    never = longest * (walk.stops + 1) + 1.0
    first, between, last = (
        np.where(np.isfinite(costs), costs, never) for costs in (walk.first, walk.between, walk.last)
    )
    return Walk(first, between, last, walk.stop)


def _without_ties(walk: Walk) -> Walk:
    noise = np.random.default_rng(4).random((len(walk.stop) + 2, len(walk.stop))) * _TIE_M
    symmetric = (noise[2:] + noise[2:].T) / 2
    return Walk(walk.first + noise[0], walk.between + symmetric, walk.last + noise[1], walk.stop)
