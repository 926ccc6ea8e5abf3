"""How short a walk could be at best: the 1-tree bound (Held and Karp 1970), raised by subgradient ascent."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from shared.navigation.walkable import Floats

# A fixed count, not a time: the same request must always give the same proof. Some 0.2 ms each for 60 stops.
ASCENT_STEPS = 50
# Eight steps in a row that raise the bound by less than this end the ascent.
SETTLED = 2e-4


def lower_bound(first: Floats, between: Floats, last: Floats, known_length: float) -> tuple[float, Floats]:
    """A length in metres that no walk start -> every stop -> end falls short of; and the prices (n + 1,) of the stops
    and the start that prove it.

    Costs as in `walk.Walk`, one place per stop: (n,), (n, n), (n,). A walk, closed by an extra node between end and
    start, is a 1-tree in which every node has two edges; the cheapest 1-tree is a bound, under any prices for the
    nodes. The ascent aims at `known_length`, that of a good walk. One-way costs are replaced by the cheaper
    direction, which keeps the bound valid.
    """
    n = len(first)
    costs = np.zeros((n + 1, n + 1))
    costs[:n, :n] = np.minimum(between, between.T)
    costs[n, :n] = first
    finite = np.isfinite(costs)
    costs = np.where(finite, costs, costs[finite].max() + known_length)
    costs = np.maximum(costs, np.tril(costs).T)
    tail, head = np.triu_indices(n + 1, k=1)
    # Prices may make an edge cheaper than nothing, which a sparse graph cannot hold: lift all edges alike.
    lift = 4 * (float(costs.max()) + known_length) + 1.0
    starts = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n + 1))])
    lifted = costs[tail, head] + lift
    graph = csr_array((lifted, head, starts), shape=(n + 1, n + 1))
    prices = np.zeros(n + 1)
    best, best_prices = 0.0, prices
    step, settled_for = 2.0, 0
    for _ in range(ASCENT_STEPS):
        graph.data = lifted + prices[tail] + prices[head]
        tree = minimum_spanning_tree(graph)
        end = int((last + prices[:n]).argmin())
        value = tree.data.sum() - lift * n + last[end] + prices[end] + prices[n] - 2 * prices.sum()
        surplus = np.diff(tree.indptr) + np.bincount(tree.indices, minlength=n + 1) - 2.0
        surplus[end] += 1
        surplus[n] += 1
        if value > best * (1 + SETTLED):
            settled_for = 0
        else:
            settled_for += 1
        if value > best:
            best, best_prices = float(value), prices
        else:
            step *= 0.9
        norm = float(surplus @ surplus)
        if norm == 0 or settled_for == 8 or best >= known_length * (1 - 1e-10):
            break
        raised = prices + step * max(known_length - float(value), 0.0) / norm * surplus
        prices = np.clip(raised, -lift / 4, lift / 4)
    return best, best_prices
