"""Shortest walks from every corner to every other, computed with the map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from shared.navigation.store_graph import StoreGraph
from shared.navigation.walkable import Floats

# 800 nodes (200 shelves) make a table of 8 MB, in 1 s; a larger store does without.
MAX_NODES = 800
# SciPy holds Python's lock while it runs: so many sources keep other threads waiting for 10 ms.
_SOURCES_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class CornerTable:
    """`metres`: (n, n) from row to column, `inf` where there is no way. `before`: (n, n) the node before the column
    on the shortest way from the row."""

    metres: Floats
    before: NDArray[np.int32]

    def way(self, start: int, end: int) -> list[int]:
        """The nodes of the shortest way, both ends included."""
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(int(self.before[start, nodes[-1]]))
        return nodes[::-1]


def build_corner_table(graph: StoreGraph) -> CornerTable | None:
    """O(n e + n^2 log n) for n nodes and e edges; `None` for more than `MAX_NODES`."""
    count = len(graph.spots)
    if count > MAX_NODES:
        return None
    metres, before = np.empty((count, count)), np.empty((count, count), dtype=np.int32)
    for start in range(0, count, _SOURCES_AT_ONCE):
        rows = np.arange(start, min(start + _SOURCES_AT_ONCE, count))
        metres[rows], before[rows] = dijkstra(graph.lengths, directed=True, indices=rows, return_predecessors=True)
    metres.setflags(write=False)
    before.setflags(write=False)
    return CornerTable(metres, before)
