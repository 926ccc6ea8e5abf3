"""Independent answers: outlines traced on a raster for extremitypathfinder, and orders by OR-Tools CP-SAT and HiGHS."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from extremitypathfinder import PolygonEnvironment
from ortools.sat.python import cp_model
from scipy import ndimage
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from shared.navigation import Layout

Vertex = tuple[int, int]
# Moves outlines that touch themselves in a corner apart (raster cells).
PINCH = 1e-4


def environment_around(layout: Layout, spot: tuple[float, float], cell_m: float) -> PolygonEnvironment | None:
    """The part of the one floor that is connected with `spot`; all coordinates must be multiples of `cell_m`.

    `None` when the spot itself is not free. Cells touching in a corner only do not connect.
    """
    free, (left, top) = _free_cells(layout, cell_m)
    column, row = int((spot[0] - left) / cell_m), int((spot[1] - top) / cell_m)
    if not (0 <= column < free.shape[0] and 0 <= row < free.shape[1] and free[column, row]):
        return None
    outlines = _outlines(_flooded(free, (column, row)))
    environment = PolygonEnvironment()
    areas = [_area(outline) for outline in outlines]
    outer = int(np.argmax(areas))
    scaled = [[(x * cell_m + left, y * cell_m + top) for x, y in outline] for outline in outlines]
    environment.store(scaled[outer], [hole for index, hole in enumerate(scaled) if index != outer])
    return environment


def best_walk_m(metres: np.ndarray) -> float:
    """The shortest open walk from place 0 through all others, proven by CP-SAT; metres rounded to 1e-6."""
    count = len(metres)
    model = cp_model.CpModel()
    arcs, costs = [], []
    for i in range(count):
        for j in range(count):
            if i != j:
                chosen = model.new_bool_var("")
                arcs.append((i, j, chosen))
                # Going back to the start is free: that closes the open walk.
                costs.append(0 * chosen if j == 0 else round(metres[i, j] * 1e6) * chosen)
    model.add_circuit(arcs)
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = 60
    assert solver.solve(model) == cp_model.OPTIMAL
    return solver.objective_value / 1e6


def proven_walk_m(metres: np.ndarray) -> float:
    """As `best_walk_m` for symmetric distances and up to 60 stops: HiGHS with subtour cuts (Dantzig et al. 1954)."""
    count = len(metres) + 1
    # An extra node closes the open walk: free from everywhere, and its edge to the start is always used.
    costs = np.zeros((count, count))
    costs[:-1, :-1] = metres
    tail, head = np.triu_indices(count, k=1)
    edges = np.arange(len(tail))
    degree = csr_array((np.ones(2 * len(edges)), (np.concatenate([tail, head]), np.tile(edges, 2))))
    lower = ((tail == 0) & (head == count - 1)).astype(float)
    constraints = [LinearConstraint(degree, 2, 2)]
    while True:
        solved = milp(
            costs[tail, head],
            integrality=np.ones(len(edges)),
            bounds=Bounds(lower, 1),
            constraints=constraints,
            options={"mip_rel_gap": 0.0},
        )
        assert solved.status == 0, solved.message
        used = solved.x > 0.5
        graph = csr_array((np.ones(used.sum()), (tail[used], head[used])), shape=(count, count))
        parts, part = connected_components(graph, directed=False)
        if parts == 1:
            return float(solved.fun)
        for index in range(parts):
            inside = ((part[tail] == index) & (part[head] == index)).astype(float)
            constraints.append(LinearConstraint(inside[None, :], -np.inf, (part == index).sum() - 1))


def _free_cells(layout: Layout, cell_m: float) -> tuple[np.ndarray, tuple[float, float]]:
    floor, clearance = layout.floors[0], layout.clearance_m
    x1, y1, x2, y2 = floor.bounds
    left, top = x1 + clearance, y1 + clearance
    columns, rows = round((x2 - clearance - left) / cell_m), round((y2 - clearance - top) / cell_m)
    free = np.ones((columns, rows), dtype=bool)
    for a1, b1, a2, b2 in floor.shelves:
        first, last = round((a1 - clearance - left) / cell_m), round((a2 + clearance - left) / cell_m)
        low, high = round((b1 - clearance - top) / cell_m), round((b2 + clearance - top) / cell_m)
        free[max(first, 0) : max(last, 0), max(low, 0) : max(high, 0)] = False
    return free, (left, top)


def _flooded(free: np.ndarray, start: Vertex) -> np.ndarray:
    labels, _ = ndimage.label(free)
    return np.asarray(labels == labels[start])


def _outlines(region: np.ndarray) -> list[list[tuple[float, float]]]:
    """Closed outlines with the region on the left: the outer one counter-clockwise, holes clockwise (y up)."""
    padded = np.pad(region, 1)
    onward: dict[Vertex, list[Vertex]] = defaultdict(list)
    border = padded & ~ndimage.binary_erosion(padded)
    for x, y in np.argwhere(border).tolist():
        for dx, dy, start, step in (
            (0, -1, (0, 0), (1, 0)),
            (1, 0, (1, 0), (0, 1)),
            (0, 1, (1, 1), (-1, 0)),
            (-1, 0, (0, 1), (0, -1)),
        ):
            if not padded[x + dx, y + dy]:
                onward[x - 1 + start[0], y - 1 + start[1]].append(step)
    outlines = []
    while onward:
        at = next(vertex for vertex in onward if not _is_pinch(padded, vertex))
        step = onward[at][0]
        corners: list[tuple[float, float]] = []
        while at in onward:
            # At a pinch two steps leave: the left turn stays with the cell that the outline came along.
            left_turn = (-step[1], step[0])
            pinched = _is_pinch(padded, at)
            new = left_turn if pinched else onward[at][0]
            onward[at].remove(new)
            if not onward[at]:
                del onward[at]
            inward = (new[0] - step[0], new[1] - step[1]) if pinched else (0, 0)
            corners.append((at[0] + PINCH * inward[0], at[1] + PINCH * inward[1]))
            at, step = (at[0] + new[0], at[1] + new[1]), new
        outlines.append(_without_flat_corners(corners))
    return outlines


def _is_pinch(padded: np.ndarray, at: Vertex) -> bool:
    x, y = at[0] + 1, at[1] + 1
    here = padded[x - 1 : x + 1, y - 1 : y + 1]
    return bool(here.sum() == 2 and here[0, 0] == here[1, 1])


def _without_flat_corners(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = []
    for index, (x, y) in enumerate(corners):
        (a, b), (c, d) = corners[index - 1], corners[(index + 1) % len(corners)]
        if (x - a) * (d - y) != (y - b) * (c - x):
            kept.append((x, y))
    return kept


def _area(outline: Sequence[tuple[float, float]]) -> float:
    x, y = np.array(outline).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
