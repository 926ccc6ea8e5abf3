"""The straight lines between the places of one request, and from them to the nodes of a store's graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.navigation.floor_graph import FloorGraph
from shared.navigation.places import Place
from shared.navigation.store_graph import StoreGraph
from shared.navigation.visibility import Viewpoints, against_one_way, clear_pairs, nearest_obstacles, visible_pairs
from shared.navigation.walkable import TOLERANCE_M, Floats, Ints


@dataclass(frozen=True, eq=False)
class Links:
    """Straight lines: from each of k places to the nodes it sees, to it from the nodes that see it, and among
    the places themselves, `inf` where there is none."""

    out: list[tuple[Ints, Floats]]
    into: list[tuple[Ints, Floats]]
    straight: Floats


def linked(graph: StoreGraph, floors: dict[int, FloorGraph], places: Sequence[Place]) -> Links:
    none = np.empty(0, dtype=np.int64), np.empty(0)
    links = Links([none] * len(places), [none] * len(places), np.full((len(places), len(places)), np.inf))
    for number, floor in floors.items():
        here = np.array([row for row, place in enumerate(places) if place.floor == number], dtype=np.int64)
        if len(here):
            _link_floor(floor, graph.first_node[number], np.array([places[row][1:] for row in here]), here, links)
    return links


def _link_floor(floor: FloorGraph, first_node: int, points: Floats, here: Ints, links: Links) -> None:
    """Fill in the places `here`, which are the (k, 2) points of one floor."""
    space, corners = floor.space, floor.nodes.points
    links.straight[here, here] = 0.0
    # What a free node sees is in the graph. A shelf's corner is there for lines that bend round it only: whoever starts
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
    for side, starts, ends in ((links.out, points[at], corners[corner]), (links.into, corners[corner], points[at])):
        open_way = np.nonzero(~against_one_way(starts, ends, space.zones, space.zone_directions))[0]
        nodes, metres = corner[open_way] + first_node, lengths[open_way]
        # The pairs come in the order of their places.
        pairs = np.searchsorted(at[open_way], np.arange(len(points) + 1)).tolist()
        for place, first, end in zip(here.tolist(), pairs, pairs[1:], strict=False):
            side[place] = nodes[first:end], metres[first:end]
    i, j = clear_pairs(added, added, *np.triu_indices(len(points), k=1), space.obstacles)
    i, j = np.concatenate([i, j]), np.concatenate([j, i])
    allowed = ~against_one_way(points[i], points[j], space.zones, space.zone_directions)
    i, j = i[allowed], j[allowed]
    links.straight[here[i], here[j]] = np.hypot(*(points[j] - points[i]).T)
