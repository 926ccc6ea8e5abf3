"""The order of the stops: an open walk from the start through one place of every stop to the end.

Small cases are solved exactly (Held and Karp 1962, with several places per stop). Larger ones go through `fast_tsp`
and our own descent (2-opt, Or 1976, best places for an order); `bounds` says how far from the best they may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import fast_tsp
import numpy as np

from shared.navigation.bounds import lower_bound
from shared.navigation.walkable import Floats, Ints

# States of Held-Karp, 2^stops * places^2: 4 million take some 50 ms.
EXACT_WORK = 4_000_000
EXACT_STOPS = 13
# fast_tsp stores distances as 16-bit integers.
_MAX_INTEGER = 65_535
# It finds the optimum of 60 stops within 2 ms; several short runs beat one long one, because ties differ.
_RUNS = 3
_RUN_S = 0.004
_ONE_WAY_RUN_S = 0.020
# Breaks ties between equally long walks, so that the answer does not depend on where fast_tsp happened to stop.
_TIE_M = 1e-7
_GAIN_M = 1e-11


@dataclass(frozen=True, eq=False)
class Walk:
    """What a walk may cost, in metres; `inf` where there is no way. For p places belonging to n stops.

    `first`: (p,) from the start. `between`: (p, p) from row to column. `last`: (p,) to the end, zero when the walk
    may end anywhere. `stop`: (p,) the stop 0..n-1 that each place belongs to.
    """

    first: Floats
    between: Floats
    last: Floats
    stop: Ints

    @property
    def stops(self) -> int:
        return int(self.stop.max()) + 1 if len(self.stop) else 0

    def length(self, order: Ints) -> float:
        return float(self.first[order[0]] + self.between[order[:-1], order[1:]].sum() + self.last[order[-1]])


@dataclass(frozen=True, eq=False)
class Tour:
    """`order`: (n,) places, one per stop. `gap`: 0 when proven optimal, else how much shorter a walk could be at
    most, relative to the best conceivable; `None` when nothing is known."""

    order: Ints
    length: float
    gap: float | None


def best_tour(walk: Walk, previous: Sequence[int] = (), keep_within: float = 0.0) -> Tour:
    """The shortest tour found; or the order `previous` of some stops with the others slipped in where they cost
    least, unless the new one is shorter by at least `keep_within` (a fraction). A walk through all must exist."""
    exact = walk.stops <= EXACT_STOPS and 2**walk.stops * len(walk.stop) ** 2 <= EXACT_WORK
    order = exact_order(walk) if exact else _good_order(walk)
    length = walk.length(order)
    bound = length if exact else lower_bound(*_per_stop(walk), length)
    if previous:
        kept = best_places(walk, _slipped_in(walk, previous))
        if length > walk.length(kept) * (1 - keep_within):
            order, length = kept, walk.length(kept)
    return Tour(order, length, _gap(length, bound))


def exact_order(walk: Walk) -> Ints:
    """Held-Karp over sets of stops, one layer of equally large sets at a time; O(2^n p^2)."""
    stops, places = walk.stops, len(walk.stop)
    best = np.full((1 << stops, places), np.inf)
    came_from = np.zeros((1 << stops, places), dtype=np.int16)
    bits = 1 << walk.stop
    best[bits, np.arange(places)] = walk.first
    sets = np.arange(1 << stops)
    sizes = sum(sets >> bit & 1 for bit in range(stops))
    for size in range(1, stops):
        layer = sets[sizes == size]
        for place in range(places):
            without = layer[layer & bits[place] == 0]
            via = best[without] + walk.between[:, place]
            nearest = via.argmin(axis=1)
            best[without | bits[place], place] = via[np.arange(len(without)), nearest]
            came_from[without | bits[place], place] = nearest
    visited = (1 << stops) - 1
    place = int((best[visited] + walk.last).argmin())
    order = [place]
    for _ in range(stops - 1):
        before = int(came_from[visited, place])
        visited &= ~int(bits[place])
        place = before
        order.append(place)
    return np.array(order[::-1], dtype=np.int64)


def _slipped_in(walk: Walk, previous: Sequence[int]) -> Ints:
    """The order `previous`, each missing stop inserted where the walk grows least."""
    first, between, last = _per_stop(walk)
    order = list(previous)
    for stop in sorted(set(range(walk.stops)) - set(order)):
        rows = np.array(order)
        arriving = np.concatenate([first[[stop]], between[rows, stop]])
        leaving = np.concatenate([between[stop, rows], last[[stop]]])
        direct = np.concatenate([first[rows[:1]], between[rows[:-1], rows[1:]], last[rows[-1:]]])
        with np.errstate(invalid="ignore"):
            growth = np.nan_to_num(arriving + leaving - direct, nan=np.inf)
        order.insert(int(growth.argmin()), stop)
    return np.array(order, dtype=np.int64)


def best_places(walk: Walk, stops: Ints) -> Ints:
    """The place of each stop that makes walking the stops in this order shortest; O(p^2), exact."""
    layers = [np.nonzero(walk.stop == stop)[0] for stop in stops]
    cost, came_from = walk.first[layers[0]], []
    for before, after in pairwise(layers):
        via = cost[:, None] + walk.between[np.ix_(before, after)]
        came_from.append(via.argmin(axis=0))
        cost = via.min(axis=0)
    chosen = [int((cost + walk.last[layers[-1]]).argmin())]
    for back in reversed(came_from):
        chosen.append(int(back[chosen[-1]]))
    return np.array([layer[i] for layer, i in zip(layers, reversed(chosen), strict=True)], dtype=np.int64)


def _good_order(walk: Walk) -> Ints:
    """Near-optimal; equal walks always give the equal order, up to what the descent cannot reach from a tie."""
    finite = _with_finite_costs(walk)
    tied = _without_ties(finite)
    best: Ints | None = None
    for _ in range(_RUNS):
        stops = _fast_tsp_order(*_per_stop(finite))
        order = _descended(tied, best_places(tied, stops))
        if len(walk.stop) > walk.stops:
            order = _descended(tied, best_places(tied, _fast_tsp_order(*_chosen(finite, order))))
        if best is None or tied.length(order) < tied.length(best) - _GAIN_M:
            best = order
    assert best is not None
    return best


def _per_stop(walk: Walk) -> tuple[Floats, Floats, Floats]:
    """Costs between stops instead of places, each the least over their places: (n,), (n, n), (n,)."""
    if len(walk.stop) == walk.stops:
        rank = np.argsort(walk.stop)
        return walk.first[rank], walk.between[np.ix_(rank, rank)], walk.last[rank]
    by_stop = [np.nonzero(walk.stop == stop)[0] for stop in range(walk.stops)]
    between = np.array([[walk.between[np.ix_(a, b)].min() for b in by_stop] for a in by_stop])
    first, last = (np.array([costs[a].min() for a in by_stop]) for costs in (walk.first, walk.last))
    return first, between, last


def _chosen(walk: Walk, order: Ints) -> tuple[Floats, Floats, Floats]:
    """Costs between stops when each is visited at the place that `order` visits."""
    place = np.empty_like(order)
    place[walk.stop[order]] = order
    return walk.first[place], walk.between[np.ix_(place, place)], walk.last[place]


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


def _fast_tsp_order(first: Floats, between: Floats, last: Floats) -> Ints:
    """An order of the n stops from a closed symmetric tour."""
    if np.array_equal(between, between.T):
        return _symmetric_order(first, between, last)
    return _one_way_order(first, between, last)


def _symmetric_order(first: Floats, between: Floats, last: Floats) -> Ints:
    """Open walk as a closed tour: node n is the start, node n + 1 joins the last stop back to it.

    The joining node is free at the start and dear elsewhere, so that every good tour uses that edge.
    """
    n = len(first)
    costs = np.zeros((n + 2, n + 2))
    costs[:n, :n] = between
    costs[n, :n] = costs[:n, n] = first
    costs[n + 1, :n] = costs[:n, n + 1] = last + 2 * max(costs.max(), last.max()) + 1e-3
    tour = _closed_tour(costs, _RUN_S)
    at = tour.index(n)
    around = tour[at:] + tour[:at]
    if around[-1] != n + 1:
        around = around[:1] + around[:0:-1]
    return np.array([node for node in around if node < n], dtype=np.int64)


def _one_way_order(first: Floats, between: Floats, last: Floats) -> Ints:
    """Each node as an arrival and a departure tied together (Jonker and Volgenant 1983); start and end are one."""
    n = len(first) + 1
    directed = np.zeros((n, n))
    directed[:-1, :-1], directed[-1, :-1], directed[:-1, -1] = between, first, last
    # Lengths for "no way" would leave the others no resolution in 16 bits.
    directed = np.minimum(directed, 3 * np.quantile(directed, 0.9) + 1e-3)
    dear = 2 * directed.max() + 1e-3
    costs = np.full((2 * n, 2 * n), 2 * dear)
    costs[n:, :n] = directed + dear
    costs[:n, n:] = costs[n:, :n].T
    same = np.arange(n)
    costs[same, same + n] = costs[same + n, same] = 0.0
    np.fill_diagonal(costs, 0.0)
    tour = _closed_tour(costs, _ONE_WAY_RUN_S)
    at = tour.index(n - 1)
    around = tour[at:] + tour[:at]
    if around[1] != 2 * n - 1:
        around = around[:1] + around[:0:-1]
    return np.array([node for node in around[1:] if node < n], dtype=np.int64)


def _closed_tour(costs: Floats, duration_s: float) -> list[int]:
    if len(costs) <= 3:
        return list(range(len(costs)))
    integers = np.rint(costs * (_MAX_INTEGER / max(float(costs.max()), 1e-9))).astype(np.int64)
    return [int(node) for node in fast_tsp.find_tour(integers, duration_seconds=duration_s)]


def _descended(walk: Walk, order: Ints) -> Ints:
    """2-opt and Or-opt with the best place for every stop, steepest first, until nothing gets shorter."""
    while True:
        order = best_places(walk, walk.stop[order])
        gain, better = max((_reversed(walk, order), _moved(walk, order)), key=lambda found: found[0])
        if gain <= _GAIN_M:
            return order
        order = better


def _reversed(walk: Walk, order: Ints) -> tuple[float, Ints]:
    """The best reversal of a run of stops (2-opt; on one-way costs the run itself changes length too)."""
    n = len(order)
    costs = _framed(walk, order)
    forward = np.concatenate([[0.0], np.cumsum(costs[np.arange(1, n), np.arange(2, n + 1)])])
    backward = np.concatenate([[0.0], np.cumsum(costs[np.arange(2, n + 1), np.arange(1, n)])])
    i, j = np.triu_indices(n, k=1)
    old = costs[i, i + 1] + costs[j + 1, j + 2] + forward[j] - forward[i]
    new = costs[i, j + 1] + costs[i + 1, j + 2] + backward[j] - backward[i]
    best = int((old - new).argmax())
    first, last = int(i[best]), int(j[best])
    better = np.concatenate([order[:first], order[first : last + 1][::-1], order[last + 1 :]])
    return float((old - new)[best]), better


def _moved(walk: Walk, order: Ints) -> tuple[float, Ints]:
    """The best move of one to three neighbouring stops to elsewhere, either way round (Or-opt)."""
    n = len(order)
    costs = _framed(walk, order)
    best: tuple[float, Ints] = (0.0, order)
    for size in range(1, min(3, n - 1) + 1):
        start = np.arange(1, n - size + 2)[:, None]
        end = start + size - 1
        gap = np.arange(0, n + 1)[None, :]
        closed = costs[start - 1, start] + costs[end, end + 1] - costs[start - 1, end + 1]
        opened = costs[gap, gap + 1]
        outside = (gap < start - 1) | (gap > end)
        inside = sum(costs[start + k, start + k + 1] - costs[start + k + 1, start + k] for k in range(size - 1))
        same_way = closed + opened - costs[gap, start] - costs[end, gap + 1]
        other_way = closed + opened - costs[gap, end] - costs[start, gap + 1] + inside
        for gains, step in ((same_way, 1), (other_way, -1)):
            gains = np.where(outside, gains, -np.inf)
            row, column = np.unravel_index(int(gains.argmax()), gains.shape)
            if gains[row, column] > best[0]:
                run = order[row : row + size][::step]
                rest = np.concatenate([order[:row], order[row + size :]])
                at = int(column) if column <= row else int(column) - size
                best = float(gains[row, column]), np.concatenate([rest[:at], run, rest[at:]])
    return best


def _framed(walk: Walk, order: Ints) -> Floats:
    """(n + 2, n + 2) costs in walking order: row and column 0 the start, n + 1 the end."""
    n = len(order)
    costs = np.zeros((n + 2, n + 2))
    costs[1:-1, 1:-1] = walk.between[np.ix_(order, order)]
    costs[0, 1:-1] = walk.first[order]
    costs[1:-1, -1] = walk.last[order]
    return costs


def _gap(length: float, bound: float) -> float | None:
    if bound <= 0:
        return 0.0 if length <= 1e-9 else None
    gap = max(0.0, length / bound - 1)
    return 0.0 if gap < 1e-9 else gap
