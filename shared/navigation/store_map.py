"""The walking graph of a whole store: built once per layout, immutable, shared by all threads.

Nodes are the ends of connectors and the convex corners of shelves and one-way zones. A blocked aisle or a closed
connector is an `Overlay`, applied per request by `walking_graph` without touching the base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shared.navigation.layout import Floor, Layout, Rect
from shared.navigation.visibility import against_one_way, crosses_any, visible_pairs
from shared.navigation.walkable import (
    Floats,
    FloorSpace,
    Ints,
    build_floor_space,
    convex_corners,
    nearest_walkable,
    with_blocked,
)

# A connector, entrance or checkout drawn inside a shelf or wall is moved at most this far, as a cart is.
SNAP_M = 2.0


class Place(NamedTuple):
    """A spot of the store in metres, in the layout's own axes."""

    floor: int
    x: float
    y: float


class BlockedRect(NamedTuple):
    """A rectangle that nobody may enter for now, in metres."""

    floor: int
    rect: Rect


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is closed at the moment: rectangles, and connectors by their index in the layout."""

    blocked: tuple[BlockedRect, ...] = ()
    closed_connectors: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class FloorGraph:
    """The visibility graph of one floor. `points` (n, 2), `bends` (n,); `edges` (e, 2) are directed, `lengths` (e,)."""

    plan: Floor
    space: FloorSpace
    points: Floats
    bends: Ints
    edges: Ints
    lengths: Floats


@dataclass(frozen=True, slots=True)
class Ride:
    """One direction of a connector: from a node to a node, each given as (floor, row of the floor's points)."""

    connector: int
    start: tuple[int, int]
    end: tuple[int, int]
    cost_m: float


@dataclass(frozen=True, eq=False)
class StoreMap:
    """Everything `plan_route` needs of a layout. Immutable; one instance serves any number of threads."""

    layout: Layout
    floors: dict[int, FloorGraph]
    rides: tuple[Ride, ...]


def build_store_map(layout: Layout) -> StoreMap:
    """Build the graphs of all floors: O(n^2) pairs of n corners per floor; 0.1 s for 100 shelves, 6 s for 800."""
    spaces = {plan.floor: build_floor_space(plan, layout.clearance_m) for plan in layout.floors}
    stands: dict[int, list[tuple[float, float]]] = {floor: [] for floor in spaces}
    ends: list[list[tuple[int, int]]] = []
    for connector in layout.connectors:
        ends.append([])
        for spot in (connector.start, connector.end):
            place = snapped(spaces, Place(*spot))
            if place is not None:
                ends[-1].append((place.floor, len(stands[place.floor])))
                stands[place.floor].append((place.x, place.y))
    floors = {plan.floor: _build_floor_graph(plan, spaces[plan.floor], stands[plan.floor]) for plan in layout.floors}
    rides = []
    for index, (connector, nodes) in enumerate(zip(layout.connectors, ends, strict=True)):
        if len(nodes) == 2:
            start, end = nodes
            rides.append(Ride(index, start, end, connector.cost_m))
            if not connector.one_way:
                rides.append(Ride(index, end, start, connector.cost_m))
    return StoreMap(layout=layout, floors=floors, rides=tuple(rides))


def snapped(spaces: dict[int, FloorSpace], place: Place) -> Place | None:
    """The nearest spot within `SNAP_M` where a cart can stand, `None` when there is none or no such floor."""
    if place.floor not in spaces:
        return None
    for (x, y), _ in nearest_walkable(spaces[place.floor], (place.x, place.y))[:1]:
        if np.hypot(x - place.x, y - place.y) <= SNAP_M:
            return Place(place.floor, x, y)
    return None


def block(floor: FloorGraph, rects: Sequence[Rect]) -> FloorGraph:
    """The same floor with rectangles closed: edges through them dropped, their corners added. O(e + n m)."""
    if not rects:
        return floor
    space, added = with_blocked(floor.space, rects)
    starts, ends = floor.points[floor.edges[:, 0]], floor.points[floor.edges[:, 1]]
    open_still = ~crosses_any(starts, ends, added)
    corners, bends = convex_corners(space, added[: len(rects)])
    kept = FloorGraph(floor.plan, space, floor.points, floor.bends, floor.edges[open_still], floor.lengths[open_still])
    return with_points(kept, corners, bends)


def with_points(floor: FloorGraph, points: Floats, bends: Ints) -> FloorGraph:
    """The same floor with (k, 2) more nodes, linked to every node and to each other where they see each other."""
    if not len(points):
        return floor
    all_points, all_bends = np.vstack([floor.points, points]), np.concatenate([floor.bends, bends])
    i, j = visible_pairs(points, bends, all_points, all_bends, floor.space.obstacles)
    edges, lengths = _directed(floor.space, all_points, i + len(floor.points), j)
    return FloorGraph(
        plan=floor.plan,
        space=floor.space,
        points=all_points,
        bends=all_bends,
        edges=np.vstack([floor.edges, edges]),
        lengths=np.concatenate([floor.lengths, lengths]),
    )


def _build_floor_graph(plan: Floor, space: FloorSpace, stands: list[tuple[float, float]]) -> FloorGraph:
    """`stands` come first among the nodes, then the corners of shelves, then those of one-way zones."""
    corners, bends = convex_corners(space, space.obstacles[: len(plan.shelves)])
    zone_corners, _ = convex_corners(space, space.zones)
    points = np.vstack([np.array(stands).reshape(-1, 2), corners, zone_corners])
    bends = np.concatenate([np.zeros(len(stands), dtype=np.int64), bends, np.zeros(len(zone_corners), dtype=np.int64)])
    i, j = visible_pairs(points, bends, points, bends, space.obstacles, half=True)
    edges, lengths = _directed(space, points, i, j)
    for array in (points, bends, edges, lengths):
        array.setflags(write=False)
    return FloorGraph(plan=plan, space=space, points=points, bends=bends, edges=edges, lengths=lengths)


def _directed(space: FloorSpace, points: Floats, i: Ints, j: Ints) -> tuple[Ints, Floats]:
    """Both directions of each pair once, without those against a one-way zone."""
    pairs = np.unique(np.vstack([np.column_stack([i, j]), np.column_stack([j, i])]), axis=0)
    starts, ends = points[pairs[:, 0]], points[pairs[:, 1]]
    allowed = ~against_one_way(starts, ends, space.zones, space.zone_directions)
    lengths = np.hypot(*(ends - starts).T)
    return pairs[allowed], lengths[allowed]
