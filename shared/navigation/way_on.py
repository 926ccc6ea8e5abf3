"""Which places one walk can take in: with one-way zones a place may be reached from which no way leads on."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from shared.navigation.walkable import Floats, Ints


def mutually_reachable(first: Floats, between: Floats, last: Floats, stops: Sequence[str]) -> Ints:
    """Rows of the places that one walk start -> ... -> end can visit, for as many stops as possible.

    Costs as in `walk.Walk`, `inf` where there is no way. Places that reach each other form groups; between groups
    ways lead in one direction only, and reachability is transitive, so the walk is the heaviest chain of groups.
    """
    usable = np.nonzero(np.isfinite(first) & np.isfinite(last))[0]
    if not len(usable):
        return usable
    way = np.isfinite(between[np.ix_(usable, usable)])
    if way.all():
        return usable
    count, group = connected_components(csr_array(way), directed=True, connection="strong")
    members = [usable[group == index] for index in range(count)]
    reaches = np.array([[bool(way[group == a][:, group == b].any()) for b in range(count)] for a in range(count)])
    best: dict[int, list[int]] = {}
    # A group that reaches fewer groups comes later in any chain.
    for index in sorted(range(count), key=lambda a: (int(reaches[a].sum()), a)):
        tails = [best[later] for later in best if reaches[index, later] and later != index]
        tail = max(tails, key=lambda chain: _stop_count(chain, members, stops), default=[])
        best[index] = [index, *tail]
    chain = max(best.values(), key=lambda groups: _stop_count(groups, members, stops))
    return np.sort(np.concatenate([members[index] for index in chain]))


def _stop_count(chain: Sequence[int], members: Sequence[Ints], stops: Sequence[str]) -> int:
    return len({stops[row] for index in chain for row in members[index]})
