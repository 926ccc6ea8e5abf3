"""Shortest walks from every corner to every other, computed with the map, and walks between places read off it.

A shortest line leaves its start for a corner that it sees, follows corners, and comes to its end from a corner that
sees it; or it is straight. So a request needs to know only which corners its places see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from shared.navigation.floor_graph import FloorGraph
from shared.navigation.places import Place, Ride
from shared.navigation.store_graph import StoreGraph, joined
from shared.navigation.visibility import Viewpoints, against_one_way, clear_pairs, nearest_obstacles, visible_pairs
from shared.navigation.walkable import TOLERANCE_M, Floats, Ints

# 800 nodes (200 shelves) make a table of 8 MB, in 1 s; a larger store does without.
MAX_NODES = 800
# SciPy holds Python's lock while it runs: so many sources keep other threads waiting for 10 ms.
_SOURCES_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class CornerTable:
    """`metres`: (n, n) from row to column, `inf` where there is no way. `before`: (n, n) the node before the column
    on the shortest way from the row."""

    graph: StoreGraph
    metres: Floats
    before: NDArray[np.int32]

    def way(self, start: int, end: int) -> list[int]:
        """The nodes of the shortest way, both ends included."""
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(int(self.before[start, nodes[-1]]))
        return nodes[::-1]


@dataclass(frozen=True, eq=False)
class _Links:
    """Straight lines: from each of k places to the nodes it sees, to it from the nodes that see it, and among
    the places themselves, `inf` where there is none."""

    out: list[tuple[Ints, Floats]]
    into: list[tuple[Ints, Floats]]
    straight: Floats


def build_corner_table(floors: dict[int, FloorGraph], rides: Sequence[Ride]) -> CornerTable | None:
    """O(n e + n^2 log n) for n nodes and e edges; `None` for more than `MAX_NODES`."""
    count = sum(len(floor.nodes.points) for floor in floors.values())
    if count > MAX_NODES:
        return None
    graph = joined(floors, rides)
    metres, before = np.empty((count, count)), np.empty((count, count), dtype=np.int32)
    for start in range(0, count, _SOURCES_AT_ONCE):
        rows = np.arange(start, min(start + _SOURCES_AT_ONCE, count))
        metres[rows], before[rows] = dijkstra(graph.lengths, directed=True, indices=rows, return_predecessors=True)
    metres.setflags(write=False)
    before.setflags(write=False)
    return CornerTable(graph, metres, before)


def walks_by_table(
    table: CornerTable, floors: dict[int, FloorGraph], places: Sequence[Place], sources: int
) -> tuple[Floats, Callable[[int, int], list[int]]]:
    """Metres (sources, k) from the first places to all, and the way between two of them as nodes of the table, where
    node n + i is place i. O(k n v) for n nodes of which a place sees v."""
    nodes = len(table.metres)
    links = _linked(table.graph, floors, places)
    metres = links.straight[:sources].copy()
    to_nodes = np.full((sources, nodes), np.inf)
    for source in range(sources):
        seen, lengths = links.out[source]
        if len(seen):
            to_nodes[source] = (table.metres[seen] + lengths[:, None]).min(axis=0)
    for place, (seen, lengths) in enumerate(links.into):
        if len(seen):
            metres[:, place] = np.minimum(metres[:, place], (to_nodes[:, seen] + lengths).min(axis=1))

    def way(start: int, end: int) -> list[int]:
        if links.straight[start, end] <= metres[start, end]:
            return [nodes + start, nodes + end]
        seen, lengths = links.into[end]
        last = int(seen[(to_nodes[start, seen] + lengths).argmin()])
        seen, lengths = links.out[start]
        first = int(seen[(lengths + table.metres[seen, last]).argmin()])
        return [nodes + start, *table.way(first, last), nodes + end]

    return metres, way


def _linked(graph: StoreGraph, floors: dict[int, FloorGraph], places: Sequence[Place]) -> _Links:
    none = np.empty(0, dtype=np.int64), np.empty(0)
    links = _Links([none] * len(places), [none] * len(places), np.full((len(places), len(places)), np.inf))
    for number, floor in floors.items():
        here = np.array([row for row, place in enumerate(places) if place.floor == number], dtype=np.int64)
        if len(here):
            _link_floor(floor, graph.first_node[number], np.array([places[row][1:] for row in here]), here, links)
    return links


def _link_floor(floor: FloorGraph, first_node: int, points: Floats, here: Ints, links: _Links) -> None:
    """Fill in the places `here`, which are the (k, 2) points of one floor."""
    space, corners = floor.space, floor.nodes.points
    links.straight[here, here] = 0.0
    # What a free node sees is in the table. A shelf's corner is there for lines that bend round it only: whoever starts
    # at one looks around anew.
    free = np.nonzero(floor.nodes.bends == 0)[0]
    is_node = np.zeros(len(points), dtype=np.bool_)
    for row, node in np.argwhere((np.abs(points[:, None] - corners[free]) <= TOLERANCE_M).all(axis=2)).tolist():
        is_node[row] = True
        links.out[here[row]] = links.into[here[row]] = np.array([first_node + free[node]]), np.zeros(1)
    points, here = points[~is_node], here[~is_node]
    added = Viewpoints(points, np.zeros(len(points), dtype=np.int64), nearest_obstacles(points, space.obstacles))
    at, corner = visible_pairs(added, floor.nodes, space.obstacles)
    lengths = np.hypot(*(points[at] - corners[corner]).T)
    # The pairs come in the order of their places.
    mine = np.searchsorted(at, np.arange(len(points) + 1)).tolist()
    for side, starts, ends in ((links.out, points[at], corners[corner]), (links.into, corners[corner], points[at])):
        against = against_one_way(starts, ends, space.zones, space.zone_directions)
        nodes, metres = corner + first_node, np.where(against, np.inf, lengths)
        for place, first, end in zip(here.tolist(), mine, mine[1:], strict=False):
            side[place] = nodes[first:end], metres[first:end]
    i, j = clear_pairs(added, added, *np.triu_indices(len(points), k=1), space.obstacles)
    i, j = np.concatenate([i, j]), np.concatenate([j, i])
    allowed = ~against_one_way(points[i], points[j], space.zones, space.zone_directions)
    i, j = i[allowed], j[allowed]
    links.straight[here[i], here[j]] = np.hypot(*(points[j] - points[i]).T)
