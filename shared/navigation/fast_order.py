"""Orders of stops by `fast_tsp`, an Or-opt search for closed symmetric tours with 16-bit integer distances."""

import fast_tsp
import numpy as np

from shared.navigation.walkable import Floats, Ints

# fast_tsp stores distances as 16-bit integers.
_MAX_INTEGER = 65_535
# It finds the optimum of 60 stops within 2 ms on an idle core; `search` runs it until some runs agree.
_RUN_S = 0.001
_RUN_S_PER_NODE = 3.5e-5
# One-way costs double the number of nodes.
_ONE_WAY_RUN_S = 0.015


def fast_tsp_order(first: Floats, between: Floats, last: Floats, run: int = 0) -> Ints:
    """An order of the n stops. Costs as in `walk.Walk`, finite; each `run` rounds them a little differently."""
    if np.allclose(between, between.T, rtol=0.0, atol=1e-6):
        return _symmetric_order(first, (between + between.T) / 2, last, run)
    return _one_way_order(first, between, last, run)


def _symmetric_order(first: Floats, between: Floats, last: Floats, run: int) -> Ints:
    """Open walk as a closed tour: node n is the start, node n + 1 joins the last stop back to it.

    The joining node is free at the start and dear elsewhere, so that every good tour uses that edge.
    """
    n = len(first)
    costs = np.zeros((n + 2, n + 2))
    costs[:n, :n] = between
    costs[n, :n] = costs[:n, n] = first
    costs[n + 1, :n] = costs[:n, n + 1] = last + costs.max() + last.max() + 1e-3
    tour = _closed_tour(costs, _RUN_S + _RUN_S_PER_NODE * n, run)
    at = tour.index(n)
    around = tour[at:] + tour[:at]
    if around[-1] != n + 1:
        around = around[:1] + around[:0:-1]
    return np.array([node for node in around if node < n], dtype=np.int64)


def _one_way_order(first: Floats, between: Floats, last: Floats, run: int) -> Ints:
    """Each node as an arrival and a departure tied together (Jonker and Volgenant 1983); start and end are one."""
    n = len(first) + 1
    directed = np.zeros((n, n))
    directed[:-1, :-1], directed[-1, :-1], directed[:-1, -1] = between, first, last
    # Lengths for "no way" would leave the others no resolution in 16 bits.
    directed = np.minimum(directed, 3 * np.quantile(directed, 0.9) + 1e-3)
    dear = 2 * directed.max() + 1e-3
    costs = np.full((2 * n, 2 * n), 2 * dear)
    costs[n:, :n] = directed + dear
    costs[:n, n:] = costs[n:, :n].T
    same = np.arange(n)
    costs[same, same + n] = costs[same + n, same] = 0.0
    np.fill_diagonal(costs, 0.0)
    tour = _closed_tour(costs, _ONE_WAY_RUN_S, run)
    at = tour.index(n - 1)
    around = tour[at:] + tour[:at]
    if around[1] != 2 * n - 1:
        around = around[:1] + around[:0:-1]
    return np.array([node for node in around[1:] if node < n], dtype=np.int64)


def _closed_tour(costs: Floats, duration_s: float, run: int) -> list[int]:
    """A tour of the nodes; each run names and rounds them differently, so that it starts from another tour."""
    count = len(costs)
    if count <= 3:
        return list(range(count))
    names = np.random.default_rng(run).permutation(count)
    scale = _MAX_INTEGER * (1 - 0.013 * run) / max(float(costs.max()), 1e-9)
    integers = np.rint(costs[np.ix_(names, names)] * scale).astype(np.int64)
    return [int(names[node]) for node in fast_tsp.find_tour(integers, duration_seconds=duration_s)]
