"""Which points of a floor see each other: the edges of the visibility graph.

A shortest path among polygons bends only at convex corners, and only where it is tangent to them (Lozano-Perez and
Wesley 1979; the "reduced" or tangent visibility graph, Rohnert 1986). So an edge is worth testing only if it is
tangent at both ends; along an axis-parallel line only the nearest neighbour is kept, because farther ones are reached
through it. What is left is tested against the nearest obstacles first, since most blocked edges are blocked nearby.
"""

from dataclasses import dataclass

import numpy as np

from shared.navigation.walkable import TOLERANCE_M, Bools, Floats, Ints

# Obstacles near each end that a candidate edge meets first. 12 rejects nearly all blocked edges of a grid store.
NEAREST_OBSTACLES = 12
# Rows of the candidate matrix, and edges of the last full test, handled at once: bounds memory to some 10 MB.
_ROWS_AT_ONCE = 64
_TESTS_AT_ONCE = 400_000
# So few candidates are tested against every obstacle as quickly as against a near one. Where the near ones hardly
# drop any more, the rest are mostly visible, and as many as are handled at once go to the full test.
_FEW_TESTS = 15_000


@dataclass(frozen=True, eq=False)
class Viewpoints:
    """Walkable points (n, 2) with their bends (n,), -1 or 1 for corners (`walkable.convex_corners`) and 0 for free
    points, and the obstacles (n, k) that are nearest to each, nearest first."""

    points: Floats
    bends: Ints
    near: Ints

    def __add__(self, other: "Viewpoints") -> "Viewpoints":
        width = min(self.near.shape[1], other.near.shape[1])
        return Viewpoints(
            np.vstack([self.points, other.points]),
            np.concatenate([self.bends, other.bends]),
            np.vstack([self.near[:, :width], other.near[:, :width]]),
        )


def visible_pairs(
    sources: Viewpoints, targets: Viewpoints, obstacles: Floats, *, half: bool = False
) -> tuple[Ints, Ints]:
    """Indexes (e,), (e,) of the worthwhile pairs source -> target that see each other.

    Coincident pairs are left out. With `half`, sources and targets are the same and each oblique pair is given once,
    which halves the work. Takes O(n^2 k + e m) for m obstacles and k nearest ones.
    """
    found: list[tuple[Ints, Ints]] = []
    for start in range(0, len(sources.points), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        oblique, parallel = _worthwhile(sources.points[rows], sources.bends[rows], targets.points, targets.bends)
        candidates = (np.triu(oblique, k=start + 1) if half else oblique) | parallel
        i, j = np.nonzero(candidates)
        i += start
        found.append(clear_pairs(sources, targets, i, j, obstacles))
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate([i for i, _ in found]), np.concatenate([j for _, j in found])


def clear_pairs(sources: Viewpoints, targets: Viewpoints, i: Ints, j: Ints, obstacles: Floats) -> tuple[Ints, Ints]:
    """Those of the pairs source i -> target j between which no obstacle stands."""
    boxes = _boxes(obstacles)
    segments = _segments(np.take(sources.points.T, i, axis=1), np.take(targets.points.T, j, axis=1))
    for rank in range(min(sources.near.shape[1], targets.near.shape[1])):
        tested = len(i)
        for of_source in (True, False):
            beside = sources.near[i, rank] if of_source else targets.near[j, rank]
            clear = np.nonzero(~_meets(segments, np.take(boxes, beside, axis=1)))[0]
            i, j, segments = i[clear], j[clear], np.take(segments, clear, axis=1)
        few = _FEW_TESTS if len(i) < 0.95 * tested else _TESTS_AT_ONCE
        if len(i) * len(obstacles) <= few:
            break
    seen = ~crosses_any(sources.points[i], targets.points[j], obstacles)
    return i[seen], j[seen]


def crosses_any(starts: Floats, ends: Floats, rects: Floats) -> Bools:
    """(e,) whether each segment passes through the inside of at least one of the (m, 4) rectangles."""
    hit = np.zeros(len(starts), dtype=np.bool_)
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    x1, y1, x2, y2 = rects.T
    boxes, segments = _boxes(rects), _segments(starts.T, ends.T)
    step = max(1, _TESTS_AT_ONCE // max(len(rects), 1))
    for first in range(0, len(starts), step):
        part = slice(first, first + step)
        (left, top), (right, bottom) = low[part, :, None].swapaxes(0, 1), high[part, :, None].swapaxes(0, 1)
        edge, rect = np.nonzero((left < x2) & (right > x1) & (top < y2) & (bottom > y1))
        edge += first
        hit[edge[_meets(np.take(segments, edge, axis=1), np.take(boxes, rect, axis=1))]] = True
    return hit


def against_one_way(starts: Floats, ends: Floats, zones: Floats, directions: Floats) -> Bools:
    """(e,) whether walking each segment from start to end goes against a one-way zone it passes through."""
    forbidden = np.zeros(len(starts), dtype=np.bool_)
    for box, direction in zip(_boxes(zones).T, directions, strict=True):
        against = (ends - starts) @ direction < -TOLERANCE_M
        forbidden[against] |= _meets(_segments(starts[against].T, ends[against].T), box)
    return forbidden


def _segments(starts: Floats, ends: Floats) -> Floats:
    """(2, e) starts and ends -> (4, e) x and y of the starts, and how far it is to the ends along x and y."""
    return np.concatenate([starts, ends - starts])


def _boxes(rects: Floats) -> Floats:
    """(4, m) x and y of the middles, and half the widths and heights, without the border of one tolerance."""
    low, high = rects[:, :2] + TOLERANCE_M, rects[:, 2:] - TOLERANCE_M
    return np.concatenate([((low + high) / 2).T, ((high - low) / 2).T])


def _meets(segments: Floats, boxes: Floats) -> Bools:
    """(e,) whether each segment passes through its box: separating axes (x, y and the segment's normal), broadcast."""
    x, y, dx, dy = segments
    to_x, to_y, half_x, half_y = boxes[0] - x, boxes[1] - y, boxes[2], boxes[3]
    reach_x, reach_y = np.abs(dx), np.abs(dy)
    return np.asarray(
        (np.abs(dx / 2 - to_x) < reach_x / 2 + half_x)
        & (np.abs(dy / 2 - to_y) < reach_y / 2 + half_y)
        & (np.abs(dx * to_y - dy * to_x) < half_x * reach_y + half_y * reach_x)
    )


def nearest_obstacles(points: Floats, obstacles: Floats) -> Ints:
    """(n, k) the obstacles nearest to each point, nearest first."""
    count = min(NEAREST_OBSTACLES, len(obstacles))
    nearest = np.empty((len(points), count), dtype=np.int64)
    if not count:
        return nearest
    for start in range(0, len(points), _ROWS_AT_ONCE):
        rows = points[start : start + _ROWS_AT_ONCE]
        beside = np.maximum(obstacles[None, :, :2] - rows[:, None], rows[:, None] - obstacles[None, :, 2:])
        squared = (np.maximum(beside, 0.0) ** 2).sum(axis=2)
        some = np.argpartition(squared, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(squared, some, axis=1), axis=1, kind="stable")
        nearest[start : start + _ROWS_AT_ONCE] = np.take_along_axis(some, order, axis=1)
    return nearest


def _worthwhile(sources: Floats, source_bends: Ints, targets: Floats, target_bends: Ints) -> tuple[Bools, Bools]:
    """(n, t) oblique pairs that are tangent at both ends; (n, t) axis-parallel pairs that are nearest."""
    dx = targets[None, :, 0] - sources[:, None, 0]
    dy = targets[None, :, 1] - sources[:, None, 1]
    dx[np.abs(dx) <= TOLERANCE_M] = 0.0
    dy[np.abs(dy) <= TOLERANCE_M] = 0.0
    slope = np.sign(dx) * np.sign(dy)
    tangent = (slope * source_bends[:, None] <= 0) & (slope * target_bends[None, :] <= 0)
    parallel = np.zeros(slope.shape, dtype=np.bool_)
    for offset, across in ((dx, dy), (dy, dx)):
        for sign in (1.0, -1.0):
            distance = np.where((across == 0) & (offset * sign > 0), np.abs(offset), np.inf)
            nearest = distance.argmin(axis=1) if distance.shape[1] else np.empty(0, dtype=np.int64)
            rows = np.nonzero(np.isfinite(distance[np.arange(len(nearest)), nearest]))[0]
            parallel[rows, nearest[rows]] = True
    return tangent & (slope != 0), parallel
