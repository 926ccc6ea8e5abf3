"""What a walk through the stops may cost: the input of every way of ordering them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.navigation.walkable import Floats, Ints


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


def best_places(walk: Walk, stops: Ints) -> Ints:
    """The place of each stop that makes walking the stops in this order shortest; O(p^2), exact."""
    if len(walk.stop) == walk.stops:
        return np.asarray(np.argsort(walk.stop)[stops])
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


def per_stop(walk: Walk) -> tuple[Floats, Floats, Floats]:
    """Costs between stops instead of places, each the least over their places: (n,), (n, n), (n,)."""
    if len(walk.stop) == walk.stops:
        rank = np.argsort(walk.stop)
        return walk.first[rank], walk.between[np.ix_(rank, rank)], walk.last[rank]
    by_stop = [np.nonzero(walk.stop == stop)[0] for stop in range(walk.stops)]
    between = np.array([[walk.between[np.ix_(a, b)].min() for b in by_stop] for a in by_stop])
    first, last = (np.array([costs[a].min() for a in by_stop]) for costs in (walk.first, walk.last))
    return first, between, last
