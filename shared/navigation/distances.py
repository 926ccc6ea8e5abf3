"""Walking distances and shortest lines between places, over all floors and rides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse.csgraph import dijkstra

from shared.navigation.corner_table import walks_by_table
from shared.navigation.floor_graph import FloorGraph, block, with_points
from shared.navigation.places import NOTHING_CLOSED, Overlay, Place
from shared.navigation.store_graph import joined
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
    the visibility graphs, O(sources * (e + n log n)).
    """
    if store_map.corner_table is None or overlay != NOTHING_CLOSED:
        return _searched(store_map, floors, overlay, places, sources)
    metres, way = walks_by_table(store_map.corner_table, floors, places, sources)
    graph = store_map.corner_table.graph
    return Distances(metres, way, (*graph.spots, *places), graph.rides)


def _searched(
    store_map: StoreMap, floors: dict[int, FloorGraph], overlay: Overlay, places: Sequence[Place], sources: int
) -> Distances:
    distinct = list(dict.fromkeys(places))
    here = {number: [place for place in distinct if place.floor == number] for number in floors}
    linked = {
        number: with_points(
            floor, np.array([place[1:] for place in here[number]]).reshape(-1, 2), np.zeros(len(here[number]), np.int64)
        )
        for number, floor in floors.items()
    }
    graph = joined(linked, [ride for ride in store_map.rides if ride.connector not in overlay.closed_connectors])
    node_of = {
        place: graph.first_node[number] + len(floors[number].nodes.points) + row
        for number in floors
        for row, place in enumerate(here[number])
    }
    nodes = [node_of[place] for place in places]
    metres, before = dijkstra(graph.lengths, directed=True, indices=nodes[:sources], return_predecessors=True)

    def way(start: int, end: int) -> list[int]:
        found = [nodes[end]]
        while found[-1] != nodes[start]:
            found.append(int(before[start, found[-1]]))
        return found[::-1]

    return Distances(metres[:, nodes], way, graph.spots, graph.rides)
