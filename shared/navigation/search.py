"""Near-optimal orders for more stops than can be solved exactly: `fast_order` started over, `descent` to finish.

fast_tsp stops by the clock and starts from random numbers. So it runs, from ever other starts, until the best order
was found several times, and ties between equally long orders are broken by a fixed noise: the same request gives
the same answer, on a busy machine too.
"""

import numpy as np

from shared.navigation.bounds import lower_bound
from shared.navigation.descent import GAIN_M, descended
from shared.navigation.fast_order import fast_tsp_order
from shared.navigation.walk import Walk, best_places, per_stop
from shared.navigation.walkable import Ints

# The best order must be found once, once more for each of these gaps to the bound that it exceeds, and once more
# above so many stops; at most so many runs.
DOUBTFUL_GAPS = (1e-7, 2e-3, 6e-3)
FEW_STOPS = 30
MAX_RUNS = 16
# With several places per stop: this share of the stops is forgotten and slipped in again, this often.
# Half and 60 rounds come within 0.1 % of the best on average; more stops get fewer rounds to stay within 0.2 s.
FORGOTTEN = 0.5
RECREATED_STOPS = 1200
# Larger than rounding, smaller than anybody's interest (metres).
_TIE_M = 1e-7


def good_order(walk: Walk) -> tuple[Ints, float]:
    """(n,) places, one per stop, walkable whenever some order is; and a length that no walk falls short of."""
    finite = _with_finite_costs(walk)
    tied = _without_ties(finite)
    if len(walk.stop) == walk.stops:
        return _agreed_order(finite, tied)
    return _order_with_places(finite, tied)


def _agreed_order(finite: Walk, tied: Walk) -> tuple[Ints, float]:
    costs = per_stop(finite)
    polished: dict[bytes, Ints] = {}

    def found(run: int) -> Ints:
        rough = fast_tsp_order(*costs, run)
        key = rough.tobytes()
        if key not in polished:
            polished[key] = descended(tied, best_places(tied, rough))
        return polished[key]

    best = found(0)
    bound = lower_bound(*costs, finite.length(best))
    agreed = 1
    for run in range(1, MAX_RUNS):
        gap = finite.length(best) / max(bound, GAIN_M) - 1
        if agreed >= 1 + sum(gap > doubtful for doubtful in DOUBTFUL_GAPS) + (finite.stops > FEW_STOPS):
            break
        order = found(run)
        if tied.length(order) < tied.length(best) - GAIN_M:
            best, agreed = order, 1
            # From the length of the final order alone, so that the proof does not depend on the runs before.
            bound = lower_bound(*costs, finite.length(best))
        elif np.array_equal(order, best):
            agreed += 1
    return best, bound


def _order_with_places(finite: Walk, tied: Walk) -> tuple[Ints, float]:
    """Ruin and recreate (Schrimpf et al. 2000): forget some stops, slip each in again where it costs least."""
    draw = np.random.default_rng(9)
    stops = np.arange(finite.stops)
    rough, bound = _agreed_order(Walk(*per_stop(finite), stops), Walk(*per_stop(tied), stops))
    best = descended(tied, best_places(tied, rough))
    for _ in range(min(60, RECREATED_STOPS // finite.stops)):
        order = best[draw.random(finite.stops) >= FORGOTTEN]
        for stop in draw.permutation(np.setdiff1d(finite.stop, finite.stop[order])):
            order = _slipped_in(tied, order, int(stop))
        order = descended(tied, order)
        if tied.length(order) < tied.length(best) - GAIN_M:
            best = order
    return best, bound


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


def _without_ties(walk: Walk) -> Walk:
    noise = np.random.default_rng(4).random((len(walk.stop) + 2, len(walk.stop))) * _TIE_M
    symmetric = (noise[2:] + noise[2:].T) / 2
    return Walk(walk.first + noise[0], walk.between + symmetric, walk.last + noise[1], walk.stop)
