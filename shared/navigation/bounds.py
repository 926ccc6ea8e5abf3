"""How short a walk could be at best: the 1-tree bound (Held and Karp 1970), raised by subgradient ascent.

Each step goes on a little in the direction of the one before (Volgenant and Jonker 1982). The steps look at the
short edges only, as the trees do; what they end with is reckoned from all edges.
"""

from dataclasses import dataclass

import numpy as np

from shared.navigation.walkable import Floats, Ints

# A fixed count, not a time: the same request must always give the same proof. Some 0.07 ms each for 60 stops,
# 0.04 ms for 20.
ASCENT_STEPS = 50
# The share of the direction before, the length of the first step and what is left of it after a step that gained
# nothing: tried on 130 walks of 20, 40 and 60 stops.
MOMENTUM = 0.4
FIRST_STEP = 1.5
SHORTER = 0.8
# Eight steps in a row that raise the bound by less than this end the ascent.
SETTLED = 2e-4
# The edges looked at while climbing: to so many nearest nodes, and the cheapest tree's. With 14 the bound of 60 stops
# came out the same, with 8 up to 0.9 % lower.
NEAREST = 14


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges (m,) between `one` and `other` of `count` nodes that join them all."""

    count: int
    one: Ints
    other: Ints
    costs: Floats

    def tree(self, prices: Floats) -> tuple[float, list[int], list[int]]:
        """The cheapest tree that joins all nodes when each edge also costs the prices (count,) of its ends (Kruskal
        1956): its weight, how many of its edges each node has, and which edges they are."""
        priced = self.costs + prices[self.one] + prices[self.other]
        cheapest_first = np.argsort(priced, kind="stable")
        degrees, chosen = [0] * self.count, []
        parents = list(range(self.count))
        for edge, a, b in zip(
            cheapest_first.tolist(),
            self.one[cheapest_first].tolist(),
            self.other[cheapest_first].tolist(),
            strict=True,
        ):
            root_a, root_b = a, b
            while parents[root_a] != root_a:
                parents[root_a] = root_a = parents[parents[root_a]]
            while parents[root_b] != root_b:
                parents[root_b] = root_b = parents[parents[root_b]]
            if root_a != root_b:
                parents[root_a] = root_b
                degrees[a] += 1
                degrees[b] += 1
                chosen.append(edge)
                if len(chosen) == self.count - 1:
                    break
        return float(priced[chosen].sum()), degrees, chosen

    def only(self, edges: Ints) -> "_Edges":
        return _Edges(self.count, self.one[edges], self.other[edges], self.costs[edges])


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
    all_edges = _all_edges(costs)
    edges = _short_edges(costs, all_edges)
    best, best_prices = 0.0, prices
    step, settled_for, before = FIRST_STEP, 0, np.zeros(n + 1)
    for _ in range(ASCENT_STEPS):
        value, surplus = _one_tree(edges, last, prices)
        settled_for = 0 if value > best * (1 + SETTLED) else settled_for + 1
        if value > best:
            best, best_prices = value, prices
        else:
            step *= SHORTER
        if not surplus.any() or settled_for == 8 or best >= known_length * (1 - 1e-10):
            break
        before = surplus + MOMENTUM * before
        norm = float(before @ before)
        if norm == 0:
            break
        raised = prices + step * max(known_length - value, 0.0) / norm * before
        prices = np.minimum(np.maximum(raised, -too_dear), too_dear)
    bound, _ = _one_tree(all_edges, last, best_prices)
    return bound, best_prices


def _one_tree(edges: _Edges, last: Floats, prices: Floats) -> tuple[float, Floats]:
    """The weight of the cheapest 1-tree under these prices, without them; and (n + 1,) how many edges more than two
    each node has in it."""
    n = len(last)
    weight, degrees, _ = edges.tree(prices)
    end = int((last + prices[:n]).argmin())
    surplus = np.array(degrees) - 2.0
    surplus[end] += 1
    surplus[n] += 1
    return weight + float(last[end] + prices[end] + prices[n] - 2 * prices.sum()), surplus


def _all_edges(costs: Floats) -> _Edges:
    one, other = np.triu_indices(len(costs), 1)
    return _Edges(len(costs), one, other, costs[one, other])


def _short_edges(costs: Floats, edges: _Edges) -> _Edges:
    """Those of all edges that lead to one of a node's `NEAREST`, and those of the cheapest tree."""
    count = len(costs)
    if count <= NEAREST + 1:
        return edges
    ranks = np.argsort(np.argsort(costs + np.diag(np.full(count, np.inf)), axis=1), axis=1)
    short = (ranks[edges.one, edges.other] < NEAREST) | (ranks[edges.other, edges.one] < NEAREST)
    _, _, tree = edges.tree(np.zeros(count))
    short[tree] = True
    return edges.only(np.nonzero(short)[0])
