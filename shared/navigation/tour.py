"""The order of the stops: an open walk from the start through one place of every stop to the end.

Small cases are solved exactly (Held and Karp 1962, with several places per stop), larger ones by `search`; `bounds`
says how far from the best those may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.navigation.search import good_order
from shared.navigation.walk import Walk, best_places, per_stop
from shared.navigation.walkable import Ints

# States of Held-Karp, 2^stops * places^2: 4 million take some 50 ms.
EXACT_WORK = 4_000_000
EXACT_STOPS = 14
# Fewer stops with one place each are sooner tried in all orders.
FEWEST_SEARCHED = 4


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
    has_choices = len(walk.stop) > walk.stops
    is_small = walk.stops <= EXACT_STOPS and 2**walk.stops * len(walk.stop) ** 2 <= EXACT_WORK
    if is_small and (has_choices or walk.stops < FEWEST_SEARCHED):
        order, bound = _exact(walk)
    else:
        order, bound = good_order(walk)
        if is_small and _gap(walk.length(order), bound) != 0:
            order, bound = _exact(walk)
    length = walk.length(order)
    if previous:
        kept = best_places(walk, _slipped_in(walk, previous))
        if length > walk.length(kept) * (1 - keep_within):
            order, length = kept, walk.length(kept)
    return Tour(order, length, _gap(length, bound))


def _exact(walk: Walk) -> tuple[Ints, float]:
    order = exact_order(walk)
    return order, walk.length(order)


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
    first, between, last = per_stop(walk)
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


def _gap(length: float, bound: float) -> float | None:
    if bound <= 0:
        return 0.0 if length <= 1e-9 else None
    gap = max(0.0, length / bound - 1)
    return 0.0 if gap < 1e-9 else gap
