"""The visibility graph of one floor: building it, closing rectangles in it, linking more points to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from shared.navigation.layout import Floor, Rect
from shared.navigation.visibility import Viewpoints, against_one_way, crosses_any, nearest_obstacles, visible_pairs
from shared.navigation.walkable import Bools, Floats, FloorSpace, Ints, convex_corners, with_blocked

# Faces asked for at once in `seen_from`: bounds memory to some 10 MB.
_FACES_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class FloorGraph:
    """The visibility graph of one floor: n `nodes`, directed `edges` (e, 2) and their `lengths` (e,) in metres."""

    plan: Floor
    space: FloorSpace
    nodes: Viewpoints
    edges: Ints
    lengths: Floats


def block(floor: FloorGraph, rects: Sequence[Rect]) -> FloorGraph:
    """The same floor with rectangles closed: edges through them dropped, their corners added. O(e + n m)."""
    if not rects:
        return floor
    space, added = with_blocked(floor.space, rects)
    points = floor.nodes.points
    open_still = ~crosses_any(points[floor.edges[:, 0]], points[floor.edges[:, 1]], added)
    kept = replace(floor, space=space, edges=floor.edges[open_still], lengths=floor.lengths[open_still])
    corners, bends = convex_corners(space, added[: len(rects)])
    return with_points(kept, corners, bends)


def with_points(floor: FloorGraph, points: Floats, bends: Ints) -> FloorGraph:
    """The same floor with (k, 2) more nodes, linked to every node and to each other where they see each other."""
    if not len(points):
        return floor
    base = len(floor.nodes.points)
    added = Viewpoints(points, bends, nearest_obstacles(points, floor.space.obstacles))
    nodes = floor.nodes + added
    i, j = visible_pairs(added, nodes, floor.space.obstacles)
    edges, lengths = _directed(floor.space, nodes.points, i + base, j)
    return replace(
        floor,
        nodes=nodes,
        edges=np.vstack([floor.edges, edges]),
        lengths=np.concatenate([floor.lengths, lengths]),
    )


def seen_from(floor: FloorGraph, nodes: Bools) -> Bools:
    """(f,) which faces of the floor's space can be stepped to from at least one of the chosen (n,) nodes.

    A face is one piece of border, so its middle answers for all of it. The nearest nodes are asked first.
    """
    chosen = floor.nodes.points[nodes]
    middles = (floor.space.faces[:, :2] + floor.space.faces[:, 2:]) / 2
    seen = np.zeros(len(middles), dtype=np.bool_)
    if not len(chosen) or not len(middles):
        return seen
    tree = KDTree(chosen)
    for count in (8, len(chosen)):
        ranks = np.arange(1, min(count, len(chosen)) + 1)
        unseen = np.nonzero(~seen)[0]
        for start in range(0, len(unseen), _FACES_AT_ONCE):
            faces = unseen[start : start + _FACES_AT_ONCE]
            _, near = tree.query(middles[faces], k=ranks)
            starts, ends = chosen[near.ravel()], np.repeat(middles[faces], len(ranks), axis=0)
            blocked = crosses_any(starts, ends, floor.space.obstacles)
            blocked |= against_one_way(starts, ends, floor.space.zones, floor.space.zone_directions)
            seen[faces] = (~blocked).reshape(near.shape).any(axis=1)
    return seen


def build_floor_graph(plan: Floor, space: FloorSpace, stands: Floats) -> FloorGraph:
    """`stands` (s, 2) come first among the nodes, then the corners of shelves, then those of one-way zones."""
    corners, bends = convex_corners(space, space.obstacles[: len(plan.shelves)])
    zone_corners, _ = convex_corners(space, space.zones)
    points = np.vstack([stands, corners, zone_corners])
    bends = np.concatenate([np.zeros(len(stands), dtype=np.int64), bends, np.zeros(len(zone_corners), dtype=np.int64)])
    nodes = Viewpoints(points, bends, nearest_obstacles(points, space.obstacles))
    i, j = visible_pairs(nodes, nodes, space.obstacles, half=True)
    edges, lengths = _directed(space, points, i, j)
    for array in (nodes.points, nodes.bends, nodes.near, edges, lengths):
        array.setflags(write=False)
    return FloorGraph(plan=plan, space=space, nodes=nodes, edges=edges, lengths=lengths)


def _directed(space: FloorSpace, points: Floats, i: Ints, j: Ints) -> tuple[Ints, Floats]:
    """Both directions of each pair once, without those against a one-way zone."""
    pairs = np.unique(np.vstack([np.column_stack([i, j]), np.column_stack([j, i])]), axis=0)
    starts, ends = points[pairs[:, 0]], points[pairs[:, 1]]
    allowed = ~against_one_way(starts, ends, space.zones, space.zone_directions)
    lengths = np.hypot(*(ends - starts).T)
    return pairs[allowed], lengths[allowed]
