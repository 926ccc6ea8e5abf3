"""The walkable space of one floor: every shelf grown by the cart's clearance, the outside closed.

The cart is a square of side 2 * clearance that does not turn, so growing the obstacles by the clearance in the
Chebyshev metric (Minkowski sum, Lozano-Perez 1983) leaves exactly the spots where its centre may be. A gap narrower
than twice the clearance closes by itself; where nothing grows, touching shelves are fused by thin fillers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.navigation.layout import Floor, Rect

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Array = TypeVar("Array", Floats, Ints)

# Two coordinates closer than this are one; the inside of an obstacle begins this deep (metres).
TOLERANCE_M = 1e-9
# Half the width of a filler in the seam of two touching shelves, and the growth of a one-way zone that lets it
# reach into the shelves at its sides. Far above the tolerance, far below anything a cart could notice.
SEAM_M = 1e-6
# Points moved to the nearest face at once: bounds memory to some 10 MB.
_POINTS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class FloorSpace:
    """One floor, ready for geometry. Arrays are read-only; lengths in metres.

    `bounds`: (4,) where the cart's centre may be. `obstacles`: (m, 4) forbidden open rectangles, the grown shelves
    first. `bodies`: (b, 4) the real things before growing: the shelves, the four walls, then what was blocked.
    `faces`: (f, 4) axis-parallel pieces of the border of the walkable space, as rectangles without area.
    `face_body`: (f,) row of `bodies` whose side a face is. `zones`: (z, 4) one-way rectangles, grown by a hair.
    `zone_directions`: (z, 2) unit vectors.
    """

    floor: int
    clearance_m: float
    bounds: Floats
    obstacles: Floats
    bodies: Floats
    faces: Floats
    face_body: Ints
    zones: Floats
    zone_directions: Floats


def build_floor_space(floor: Floor, clearance_m: float) -> FloorSpace:
    """Takes O(m^2) for m shelves, vectorised."""
    x1, y1, x2, y2 = floor.bounds
    far = max(x2 - x1, y2 - y1)
    walls = [
        (x1 - far, y1 - far, x1, y2 + far),
        (x2, y1 - far, x2 + far, y2 + far),
        (x1 - far, y1 - far, x2 + far, y1),
        (x1 - far, y2, x2 + far, y2 + far),
    ]
    bodies = np.array([*floor.shelves, *walls], dtype=np.float64)
    grown = _snapped(_grown(bodies, clearance_m))
    left, right, top, bottom = grown[-4:]
    bounds = np.array([left[2], top[3], right[0], bottom[1]])
    obstacles = np.vstack([grown[:-4], _fillers(grown, grown, clearance_m)])
    faces, face_body = _faces(grown, obstacles, bounds)
    zones = np.array([zone.rect for zone in floor.one_way], dtype=np.float64).reshape(-1, 4)
    directions = np.array([zone.direction for zone in floor.one_way], dtype=np.float64).reshape(-1, 2)
    return FloorSpace(
        floor=floor.floor,
        clearance_m=clearance_m,
        bounds=_frozen(bounds),
        obstacles=_frozen(obstacles),
        bodies=_frozen(bodies),
        faces=_frozen(faces),
        face_body=_frozen(face_body),
        zones=_frozen(_grown(zones, SEAM_M)),
        zone_directions=_frozen(directions / np.linalg.norm(directions, axis=1, keepdims=True)),
    )


def with_blocked(space: FloorSpace, rects: Sequence[Rect]) -> tuple[FloorSpace, Floats]:
    """The space with more obstacles, and those obstacles (k, 4), grown: the `len(rects)` rectangles, then fillers."""
    blocked = np.array(rects, dtype=np.float64).reshape(-1, 4)
    bodies = np.vstack([space.bodies, blocked])
    grown = _grown(blocked, space.clearance_m)
    added = np.vstack([grown, _fillers(grown, _grown(bodies, space.clearance_m), space.clearance_m)])
    obstacles = np.vstack([space.obstacles, added])
    apart = ~_meets_any(space.faces, added)
    cut_faces, cut = _cut(space.faces[~apart], obstacles, space.bounds)
    new_faces, new = _faces(grown, obstacles, space.bounds)
    old_body = space.face_body
    return (
        replace(
            space,
            obstacles=_frozen(obstacles),
            bodies=_frozen(bodies),
            faces=_frozen(np.vstack([space.faces[apart], cut_faces, new_faces])),
            face_body=_frozen(np.concatenate([old_body[apart], old_body[~apart][cut], new + len(space.bodies)])),
        ),
        added,
    )


def is_walkable(space: FloorSpace, points: Floats) -> Bools:
    """(p, 2) points -> (p,) whether the cart's centre may be there."""
    return _within_bounds(space.bounds, points) & ~_inside_any(space.obstacles, points)


def nearest_walkable(
    space: FloorSpace, point: tuple[float, float], usable: Bools | None = None
) -> tuple[float, float] | None:
    """The point itself if it is walkable, else the nearest spot on a face (of the `usable` (f,) ones)."""
    return all_nearest_walkable(space, [point], usable)[0]


def all_nearest_walkable(
    space: FloorSpace, points: Sequence[tuple[float, float]], usable: Bools | None = None
) -> list[tuple[float, float] | None]:
    """`nearest_walkable` of each point; O(p (m + f)), vectorised."""
    faces = space.faces if usable is None else space.faces[usable]
    found: list[tuple[float, float] | None] = []
    for first in range(0, len(points), _POINTS_AT_ONCE):
        some = points[first : first + _POINTS_AT_ONCE]
        here = np.array(some, dtype=np.float64).reshape(-1, 1, 2)
        free = is_walkable(space, here[:, 0]).tolist()
        if all(free) or not len(faces):
            found += [point if is_free else None for point, is_free in zip(some, free, strict=True)]
            continue
        spots = np.clip(here, faces[:, :2], faces[:, 2:])
        apart = spots - here
        nearest = spots[np.arange(len(some)), np.hypot(apart[..., 0], apart[..., 1]).argmin(axis=1)].tolist()
        found += [point if is_free else (x, y) for point, is_free, (x, y) in zip(some, free, nearest, strict=True)]
    return found


def convex_corners(space: FloorSpace, rects: Floats) -> tuple[Floats, Ints]:
    """Walkable corners of `rects` (k, 4): points (c, 2) and bends (c,), the sign that `visibility` tests tangents by.

    The bend of a corner is sx * sy where (sx, sy) points from the corner into its obstacle.
    """
    x1, y1, x2, y2 = rects.T
    points = np.concatenate([np.column_stack(pair) for pair in ((x1, y1), (x2, y2), (x1, y2), (x2, y1))]).reshape(-1, 2)
    bends = np.repeat(np.array([1, 1, -1, -1]), len(rects))
    keep = is_walkable(space, points)
    return points[keep], bends[keep]


def _grown(rects: Floats, by_m: float) -> Floats:
    return rects + by_m * np.array([-1.0, -1.0, 1.0, 1.0])


def _snapped(rects: Floats) -> Floats:
    """Coordinates within the tolerance of each other become equal, so that lines along shelves stay lines."""
    snapped = rects.copy()
    for columns in ([0, 2], [1, 3]):
        values, inverse = np.unique(rects[:, columns], return_inverse=True)
        starts = np.concatenate([[True], np.diff(values) > TOLERANCE_M])
        representative = values[starts][np.cumsum(starts) - 1]
        snapped[:, columns] = representative[inverse].reshape(-1, 2)
    return snapped


def _fillers(rects: Floats, others: Floats, clearance_m: float) -> Floats:
    """Thin rectangles (s, 4) across the seams where `rects` touch `others`; none where growing closed the seams."""
    if clearance_m > 10 * SEAM_M:
        return np.empty((0, 4))
    low = np.maximum(rects[:, None, :2], others[None, :, :2])
    high = np.minimum(rects[:, None, 2:], others[None, :, 2:])
    overlap = high - low
    touching = (overlap >= -TOLERANCE_M).all(axis=2) & (overlap <= 2 * SEAM_M).any(axis=2)
    low, high = low[touching], high[touching]
    middle, thin = (low + high) / 2, high - low <= 2 * SEAM_M
    seams = np.hstack([np.where(thin, middle - SEAM_M, low), np.where(thin, middle + SEAM_M, high)])
    return np.asarray(np.unique(seams, axis=0))


def _faces(grown: Floats, obstacles: Floats, bounds: Floats) -> tuple[Floats, Ints]:
    """The walkable pieces of the sides of `grown`, and the row of `grown` that each belongs to."""
    sides = grown[:, [[0, 1, 0, 3], [2, 1, 2, 3], [0, 1, 2, 1], [0, 3, 2, 3]]].reshape(-1, 4)
    pieces, side = _cut(sides, obstacles, bounds)
    return pieces, side // 4


def _cut(sides: Floats, obstacles: Floats, bounds: Floats) -> tuple[Floats, Ints]:
    """The walkable pieces of axis-parallel sides, and the row of `sides` that each is a piece of."""
    pieces = [(piece, row) for row, side in enumerate(sides) for piece in _uncovered(side, obstacles, bounds)]
    return np.array([p for p, _ in pieces]).reshape(-1, 4), np.array([row for _, row in pieces], dtype=np.int64)


def _uncovered(side: Floats, obstacles: Floats, bounds: Floats) -> list[tuple[float, float, float, float]]:
    """The pieces of one axis-parallel side that are walkable, as degenerate rectangles."""
    along = 1 if side[0] == side[2] else 0
    across = 1 - along
    at = float(side[across])
    if not bounds[across] - TOLERANCE_M <= at <= bounds[across + 2] + TOLERANCE_M:
        return []
    start = float(max(side[along], bounds[along]))
    end = float(min(side[along + 2], bounds[along + 2]))
    covering = obstacles[
        (obstacles[:, across] < at - TOLERANCE_M)
        & (obstacles[:, across + 2] > at + TOLERANCE_M)
        & (obstacles[:, along] < end)
        & (obstacles[:, along + 2] > start)
    ]
    pieces = []
    for low, high in sorted((float(rect[along]), float(rect[along + 2])) for rect in covering):
        if low - start > TOLERANCE_M:
            pieces.append((start, low))
        start = max(start, high)
    if end - start > TOLERANCE_M:
        pieces.append((start, end))
    if along:
        return [(at, low, at, high) for low, high in pieces]
    return [(low, at, high, at) for low, high in pieces]


def _within_bounds(bounds: Floats, points: Floats) -> Bools:
    low, high = bounds[:2] - TOLERANCE_M, bounds[2:] + TOLERANCE_M
    return np.asarray(np.all((points >= low) & (points <= high), axis=1))


def _meets_any(rects: Floats, others: Floats) -> Bools:
    low = np.maximum(rects[:, None, :2], others[None, :, :2])
    high = np.minimum(rects[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.any(np.all(low <= high, axis=2), axis=1))


def _inside_any(rects: Floats, points: Floats) -> Bools:
    x, y = points[:, 0, None], points[:, 1, None]
    x1, y1, x2, y2 = rects.T
    across = (x > x1 + TOLERANCE_M) & (x < x2 - TOLERANCE_M)
    return np.asarray(np.any(across & (y > y1 + TOLERANCE_M) & (y < y2 - TOLERANCE_M), axis=1))


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
