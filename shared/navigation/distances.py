"""Walking distances and shortest lines between places, over all floors and rides.

A shortest line leaves its start for a node that it sees, follows nodes, and comes to its end from a node that sees it;
or it is straight. So a request adds nothing to the graph: it finds what its places see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from shared.navigation.corner_table import CornerTable
from shared.navigation.floor_graph import FloorGraph, block
from shared.navigation.links import Links, linked
from shared.navigation.places import NOTHING_CLOSED, Overlay, Place
from shared.navigation.store_graph import StoreGraph, joined
from shared.navigation.store_map import StoreMap
from shared.navigation.walkable import Floats


@dataclass(frozen=True, slots=True)
class Line:
    """A walked line: its spots in order, and for each step from spot to spot the connector ridden, or `None`."""

    spots: tuple[Place, ...]
    rides: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Distances:
    """Shortest walks among k places. `metres` (sources, k), from row to column, `inf` where there is no way."""

    metres: Floats
    _way: Callable[[int, int], list[int]]
    _spots: tuple[Place, ...]
    _rides: dict[tuple[int, int], int]

    def line(self, start: int, end: int) -> Line:
        """The shortest line between two of the places that have a finite distance; O(length of the line)."""
        nodes = self._way(start, end)
        rides = tuple(self._rides.get(step) for step in pairwise(nodes))
        return Line(tuple(self._spots[node] for node in nodes), rides)


def overlaid_floors(store_map: StoreMap, overlay: Overlay) -> dict[int, FloorGraph]:
    """The floors with the overlay's rectangles closed; a floor without any is the base's own."""
    return {
        number: block(floor, [blocked.rect for blocked in overlay.blocked if blocked.floor == number])
        for number, floor in store_map.floors.items()
    }


def walking_distances(
    store_map: StoreMap, floors: dict[int, FloorGraph], overlay: Overlay, places: Sequence[Place], sources: int
) -> Distances:
    """From the first `sources` places to all; `floors` as `overlaid_floors` gives them. All places must be walkable.

    The map's corner table holds only as long as nothing is closed: then, and where there is none, Dijkstra searches
    the visibility graphs. O(k n v) for k places that see v of n nodes, and for a search O(sources * (e + n log n)).
    """
    graph, table = store_map.graph, store_map.corner_table
    if overlay != NOTHING_CLOSED:
        rides = [ride for ride in store_map.rides if ride.connector not in overlay.closed_connectors]
        graph, table = joined(floors, rides), None
    links = linked(graph, floors, places)
    reach = _searched(graph, links, sources) if table is None else _read_off(table, links, sources)
    metres = links.straight[:sources].copy()
    for place, (seen, lengths) in enumerate(links.into):
        if len(seen):
            metres[:, place] = np.minimum(metres[:, place], (reach.metres[:, seen] + lengths).min(axis=1))
    nodes = len(graph.spots)

    def way(start: int, end: int) -> list[int]:
        if links.straight[start, end] <= metres[start, end]:
            return [nodes + start, nodes + end]
        seen, lengths = links.into[end]
        last = int(seen[(reach.metres[start, seen] + lengths).argmin()])
        return [nodes + start, *reach.way(start, last), nodes + end]

    return Distances(metres, way, (*graph.spots, *places), graph.rides)


@dataclass(frozen=True, eq=False)
class _Reach:
    """`metres`: (sources, n) from the first places to all nodes, `inf` where there is no way. `way`: the nodes on the
    shortest way from a source to a node, that node included."""

    metres: Floats
    way: Callable[[int, int], list[int]]


def _read_off(table: CornerTable, links: Links, sources: int) -> _Reach:
    metres = np.full((sources, len(table.metres)), np.inf)
    for source in range(sources):
        seen, lengths = links.out[source]
        if len(seen):
            metres[source] = (table.metres[seen] + lengths[:, None]).min(axis=0)

    def way(source: int, node: int) -> list[int]:
        seen, lengths = links.out[source]
        first = int(seen[(lengths + table.metres[seen, node]).argmin()])
        return table.way(first, node)

    return _Reach(metres, way)


def _searched(graph: StoreGraph, links: Links, sources: int) -> _Reach:
    """The sources are nodes to leave from only; so the graph just gets their rows."""
    nodes, lengths = len(graph.spots), graph.lengths
    seen = [links.out[source] for source in range(sources)]
    count = nodes + sources
    rows_end = lengths.indptr[-1] + np.cumsum([len(some) for some, _ in seen])
    extended = csr_array(
        (
            np.concatenate([lengths.data, *(metres for _, metres in seen)]),
            np.concatenate([lengths.indices, *(some for some, _ in seen)]),
            np.concatenate([lengths.indptr, rows_end]),
        ),
        shape=(count, count),
    )
    metres, before = dijkstra(extended, directed=True, indices=np.arange(nodes, count), return_predecessors=True)

    def way(source: int, node: int) -> list[int]:
        found = [node]
        while (following := int(before[source, found[-1]])) < nodes:
            found.append(following)
        return found[::-1]

    return _Reach(metres[:, :nodes], way)
