"""The visibility graphs of all floors and the rides between them, joined into one graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from shared.navigation.floor_graph import FloorGraph
from shared.navigation.places import Place, Ride
from shared.navigation.walkable import Floats, Ints

# An edge of length zero would be no edge in a sparse graph; a free ride costs this instead (metres).
_FREE_RIDE_M = 1e-12


@dataclass(frozen=True, eq=False)
class StoreGraph:
    """`lengths`: (n, n) sparse, metres of the edge from row to column. `spots`: where the n nodes are.

    `first_node`: for each floor the node of its first point, the others follow. `rides`: the connector ridden along
    an edge, for those that are not walked.
    """

    lengths: csr_array
    spots: tuple[Place, ...]
    first_node: dict[int, int]
    rides: dict[tuple[int, int], int]


def joined(floors: dict[int, FloorGraph], rides: Sequence[Ride]) -> StoreGraph:
    """O(e) for e edges."""
    spots: list[Place] = []
    first_node: dict[int, int] = {}
    for number, floor in floors.items():
        first_node[number] = len(spots)
        spots += [Place(number, x, y) for x, y in floor.nodes.points.tolist()]
    edges = np.concatenate([floor.edges + first_node[number] for number, floor in floors.items()])
    length = np.concatenate([floor.lengths for floor in floors.values()])
    tail, head, length, ridden = _with_rides(edges[:, 0], edges[:, 1], length, rides, first_node)
    lengths = csr_array((length, (tail, head)), shape=(len(spots), len(spots)))
    return StoreGraph(lengths, tuple(spots), first_node, ridden)


def _with_rides(
    tail: Ints, head: Ints, length: Floats, rides: Sequence[Ride], first_node: dict[int, int]
) -> tuple[Ints, Ints, Floats, dict[tuple[int, int], int]]:
    """The edges plus rides, one edge per pair of nodes: the shorter of walking and the cheapest ride."""
    cheapest: dict[tuple[int, int], tuple[float, int]] = {}
    for ride in rides:
        step = (first_node[ride.start[0]] + ride.start[1], first_node[ride.end[0]] + ride.end[1])
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
