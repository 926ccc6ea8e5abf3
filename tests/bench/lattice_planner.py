"""The method of the old system, rebuilt for comparison: lattice, straight-line nearest neighbour, 4-connected A*.

A lattice of 5 cm over the walkable floor is built for every request, each stop goes to its nearest lattice node, the
next stop is always the nearest one as the crow flies, and each leg is an A* over the four neighbours.
"""

import heapq
import math

import numpy as np

from shared.navigation import Layout

LATTICE_M = 0.05
Node = tuple[int, int]


def plan_on_lattice(layout: Layout, start: tuple[float, float], stops: list[tuple[float, float]]) -> float:
    """Metres walked from the start through all stops."""
    free, left, top = _lattice(layout)
    here, left_over, metres = start, list(stops), 0.0
    while left_over:
        following = min(left_over, key=lambda stop: math.dist(here, stop))
        left_over.remove(following)
        steps = _a_star(free, _nearest(free, here, left, top), _nearest(free, following, left, top))
        metres += steps * LATTICE_M
        here = following
    return metres


def _lattice(layout: Layout) -> tuple[np.ndarray, float, float]:
    floor, clearance = layout.floors[0], layout.clearance_m
    x1, y1, x2, y2 = floor.bounds
    left, top = x1 + clearance, y1 + clearance
    xs = np.arange(left, x2 - clearance + 1e-9, LATTICE_M)
    ys = np.arange(top, y2 - clearance + 1e-9, LATTICE_M)
    free = np.ones((len(xs), len(ys)), dtype=bool)
    for a1, b1, a2, b2 in floor.shelves:
        columns = (xs > a1 - clearance + 1e-9) & (xs < a2 + clearance - 1e-9)
        rows = (ys > b1 - clearance + 1e-9) & (ys < b2 + clearance - 1e-9)
        free[np.ix_(columns, rows)] = False
    return free, left, top


def _nearest(free: np.ndarray, spot: tuple[float, float], left: float, top: float) -> Node:
    x, y = round((spot[0] - left) / LATTICE_M), round((spot[1] - top) / LATTICE_M)
    for reach in range(max(free.shape)):
        a, b = max(x - reach, 0), max(y - reach, 0)
        near = np.argwhere(free[a : x + reach + 1, b : y + reach + 1])
        if len(near):
            node = near[np.hypot(near[:, 0] + a - x, near[:, 1] + b - y).argmin()]
            return int(node[0]) + a, int(node[1]) + b
    raise ValueError("nothing is walkable")


def _a_star(free: np.ndarray, start: Node, goal: Node) -> int:
    """Steps of the shortest 4-connected path."""
    walkable = free.tolist()
    width, height = free.shape
    best = {start: 0}
    queue = [(abs(start[0] - goal[0]) + abs(start[1] - goal[1]), 0, start)]
    while queue:
        _, steps, node = heapq.heappop(queue)
        if node == goal:
            return steps
        if steps > best[node]:
            continue
        x, y = node
        for a, b in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if 0 <= a < width and 0 <= b < height and walkable[a][b] and steps + 1 < best.get((a, b), 1 << 30):
                best[a, b] = steps + 1
                heapq.heappush(queue, (steps + 1 + abs(a - goal[0]) + abs(b - goal[1]), steps + 1, (a, b)))
    raise ValueError("no way")
