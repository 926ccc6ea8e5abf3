"""Walking distances and shortest lines between places, over all floors and rides."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from shared.navigation.floor_graph import FloorGraph, block, with_points
from shared.navigation.store_map import Overlay, Place, Ride, StoreMap
from shared.navigation.walkable import Floats, Ints

# An edge of length zero would be no edge in a sparse graph; a free ride costs this instead (metres).
_FREE_RIDE_M = 1e-12


@dataclass(frozen=True, slots=True)
class Line:
    """A walked line: its spots in order, and for each step from spot to spot the connector ridden, or `None`."""

    spots: tuple[Place, ...]
    rides: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Distances:
    """Shortest walks among k places. `metres` (sources, k), from row to column, `inf` where there is no way."""

    metres: Floats
    _before: Ints
    _nodes: Ints
    _spots: tuple[Place, ...]
    _rides: dict[tuple[int, int], int]

    def line(self, start: int, end: int) -> Line:
        """The shortest line between two of the places that have a finite distance; O(length of the line)."""
        node, nodes = int(self._nodes[end]), []
        while node != self._nodes[start]:
            nodes.append(node)
            node = int(self._before[start, node])
        nodes = [node, *reversed(nodes)]
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
    """Dijkstra from the first `sources` places over the visibility graphs, O(sources * (e + n log n)).

    All places must be walkable.
    """
    spots: list[Place] = []
    offsets: dict[int, int] = {}
    node_of: dict[Place, int] = {}
    tails, heads, lengths = [], [], []
    for number, floor in floors.items():
        offset = offsets[number] = len(spots)
        here = list(dict.fromkeys(place for place in places if place.floor == number))
        points = np.array([(place.x, place.y) for place in here]).reshape(-1, 2)
        linked = with_points(floor, points, np.zeros(len(here), dtype=np.int64))
        node_of.update({place: offset + len(floor.nodes.points) + row for row, place in enumerate(here)})
        spots += [Place(number, x, y) for x, y in linked.nodes.points.tolist()]
        tails.append(linked.edges[:, 0] + offset)
        heads.append(linked.edges[:, 1] + offset)
        lengths.append(linked.lengths)
    tail, head, length = np.concatenate(tails), np.concatenate(heads), np.concatenate(lengths)
    open_rides = [ride for ride in store_map.rides if ride.connector not in overlay.closed_connectors]
    tail, head, length, rides = _with_rides(tail, head, length, open_rides, offsets)
    graph = csr_array((length, (tail, head)), shape=(len(spots), len(spots)))
    nodes = np.array([node_of[place] for place in places], dtype=np.int64)
    metres, before = dijkstra(graph, directed=True, indices=nodes[:sources], return_predecessors=True)
    return Distances(metres[:, nodes], before, nodes, tuple(spots), rides)


def _with_rides(
    tail: Ints, head: Ints, length: Floats, open_rides: Sequence[Ride], offsets: dict[int, int]
) -> tuple[Ints, Ints, Floats, dict[tuple[int, int], int]]:
    """The edges plus rides, one edge per pair of nodes: the shorter of walking and the cheapest ride."""
    cheapest: dict[tuple[int, int], tuple[float, int]] = {}
    for ride in open_rides:
        step = (offsets[ride.start[0]] + ride.start[1], offsets[ride.end[0]] + ride.end[1])
        if step[0] != step[1]:
            option = (max(ride.cost_m, _FREE_RIDE_M), ride.connector)
            cheapest[step] = min(cheapest.get(step, option), option)
    ridden: dict[tuple[int, int], int] = {}
    for (start, end), (cost_m, connector) in cheapest.items():
        walked = (tail == start) & (head == end)
        if walked.any() and length[walked].min() <= cost_m:
            continue
        tail, head = np.append(tail[~walked], start), np.append(head[~walked], end)
        length = np.append(length[~walked], cost_m)
        ridden[start, end] = connector
    return tail, head, length, ridden
