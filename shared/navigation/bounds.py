"""How short a walk could be at best: the 1-tree bound (Held and Karp 1970), raised by subgradient ascent."""

import numpy as np

from shared.navigation.walkable import Floats

# A fixed count, not a time: the same request must always give the same proof. Some 0.2 ms each for 60 stops,
# 0.05 ms for 20.
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
    costs[n, :n] = costs[:n, n] = first
    finite = np.isfinite(costs)
    costs = np.where(finite, costs, costs[finite].max() + known_length)
    too_dear = float(costs.max()) + known_length
    prices = np.zeros(n + 1)
    best, best_prices = 0.0, prices
    step, settled_for = 2.0, 0
    for _ in range(ASCENT_STEPS):
        weight, edges = _spanning_tree((costs + prices[:, None] + prices).tolist())
        end = int((last + prices[:n]).argmin())
        value = weight + float(last[end] + prices[end] + prices[n] - 2 * prices.sum())
        surplus = np.array(edges) - 2.0
        surplus[end] += 1
        surplus[n] += 1
        if value > best * (1 + SETTLED):
            settled_for = 0
        else:
            settled_for += 1
        if value > best:
            best, best_prices = value, prices
        else:
            step *= 0.9
        norm = float(surplus @ surplus)
        if norm == 0 or settled_for == 8 or best >= known_length * (1 - 1e-10):
            break
        raised = prices + step * max(known_length - value, 0.0) / norm * surplus
        prices = np.clip(raised, -too_dear, too_dear)
    return best, best_prices


def _spanning_tree(costs: list[list[float]]) -> tuple[float, list[int]]:
    """The weight of the cheapest tree that joins all nodes, and how many of its edges each node has (Prim 1957).

    Plain lists: for sixty nodes as fast as a sparse graph in SciPy, for twenty twice as fast.
    """
    weight, edges = 0.0, [0] * len(costs)
    cheapest = costs[0][:]
    joins = [0] * len(costs)
    outside = list(range(1, len(costs)))
    while outside:
        node = min(outside, key=cheapest.__getitem__)
        outside.remove(node)
        weight += cheapest[node]
        edges[node] += 1
        edges[joins[node]] += 1
        row = costs[node]
        for other in outside:
            if row[other] < cheapest[other]:
                cheapest[other] = row[other]
                joins[other] = node
    return weight, edges
