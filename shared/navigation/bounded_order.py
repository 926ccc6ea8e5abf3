"""The shortest order of stops, found among those that a bound leaves.

Held and Karp's programme (1962) over pairs of the stops visited and the last of them, one layer of equally many at a
time. A pair is dropped when its way so far and the least that must follow are longer than a walk that is known. What
follows joins the last stop and those not yet visited, so no spanning tree of them is longer. Under the prices of
`bounds` that leaves three pairs a layer for twenty stops, at the median, and a hundred for forty.
"""

from dataclasses import dataclass

import numpy as np

from shared.navigation.walkable import Floats, Ints

# Sums of metres differ by less from rounding.
ROUNDING_M = 1e-9


@dataclass(frozen=True, eq=False)
class PricedCosts:
    """Costs of n stops with the prices of both ends on each step, so that all walks differ as they did before.

    `detour`: (n,) how much more a first stop costs than the tree needs. `between`: (n, n), `inf` on the diagonal.
    `joins`: (n, n) the longest edge between two stops in the cheapest spanning tree, `inf` on the diagonal. `end`:
    (n,) how much more a last stop costs than the cheapest. `bound_m`: what no walk falls short of.
    """

    detour: Floats
    between: Floats
    joins: Floats
    end: Floats
    bound_m: float


@dataclass(frozen=True, eq=False)
class Found:
    """`order`: (n,) the shortest that was seen, `None` when none was short enough. No walk is shorter than `bound_m`:
    where that is the length of the order, it is the best of all."""

    order: Ints | None
    bound_m: float


def priced_costs(first: Floats, between: Floats, last: Floats, prices: Floats) -> PricedCosts:
    """Costs as in `walk.Walk`, one place per stop: (n,), (n, n), (n,); `prices` (n + 1,) of the stops and the start,
    any will do. One-way costs are allowed: the tree takes the cheaper direction."""
    n = len(first)
    costs = np.empty((n + 1, n + 1))
    costs[:n, :n] = np.minimum(between, between.T)
    costs[n, :n] = costs[:n, n] = first
    costs[n, n] = 0.0
    costs += prices[:, None] + prices
    weight, joins = _spanning_tree(costs)
    own = prices[:n]
    dearer = last + own
    cheapest_end = float(dearer.min())
    stops = np.arange(n)
    steps = between + own[:, None] + own
    steps[stops, stops] = np.inf
    return PricedCosts(
        detour=costs[n, :n] - joins[n, :n].min(),
        between=steps,
        joins=joins[:n, :n],
        end=dearer - cheapest_end,
        bound_m=weight + cheapest_end + float(prices[n] - 2 * prices.sum()),
    )


def shortest_order_within(costs: PricedCosts, longest_m: float, width: int) -> Found:
    """The shortest order not longer than `longest_m`; of each layer only the `width` most promising pairs are kept.

    Exact when no layer was wider. O(n^2 width) for n <= 62 stops; the same costs give the same order.
    """
    n = len(costs.end)
    room = longest_m - costs.bound_m + ROUNDING_M
    bits = np.int64(1) << np.arange(n)
    last = np.nonzero(costs.detour <= room)[0]
    # How much more than the bound a walk must cost that begins like this.
    excess, visited, members = costs.detour[last], np.eye(n, dtype=np.bool_)[last], bits[last]
    layers: list[tuple[Ints, Ints]] = [(last, last)]
    dropped = np.inf
    for _ in range(n - 1):
        # To leave a stop for good spares the tree the edge that joins it to those that are left.
        spared = np.where(visited, np.inf, costs.joins[last]).min(axis=1)
        longer = costs.between[last] + (excess - spared)[:, None]
        longer[visited] = np.inf
        parent, last = np.nonzero(longer <= room)
        excess, members = longer[parent, last], members[parent] | bits[last]
        kept = _cheapest_of_equal(members, last, excess)
        parent, last, excess, members = parent[kept], last[kept], excess[kept], members[kept]
        visited = visited[parent]
        visited[np.arange(len(last)), last] = True
        ends = np.where(visited, np.inf, costs.end).min(axis=1)
        promise = excess + np.where(np.isfinite(ends), ends, costs.end[last])
        kept = np.nonzero(promise <= room)[0]
        if len(kept) > width:
            ranked = kept[np.argsort(promise[kept], kind="stable")]
            dropped, kept = min(dropped, float(promise[ranked[width]])), ranked[:width]
        parent, last, excess, members = parent[kept], last[kept], excess[kept], members[kept]
        visited = visited[kept]
        if not len(kept):
            return Found(None, costs.bound_m + min(dropped, room))
        layers.append((last, parent))
    total = excess + costs.end[last]
    best = int(total.argmin())
    bound_m = costs.bound_m + min(dropped, float(total[best]))
    order = []
    for stops, parents in reversed(layers):
        order.append(int(stops[best]))
        best = int(parents[best])
    return Found(np.array(order[::-1], dtype=np.int64), bound_m)


def _cheapest_of_equal(members: Ints, last: Ints, excess: Floats) -> Ints:
    """One row of each pair of set and last stop, that of the shortest way."""
    ranked = np.lexsort((excess, last, members))
    fresh = np.ones(len(ranked), dtype=np.bool_)
    fresh[1:] = (np.diff(members[ranked]) != 0) | (np.diff(last[ranked]) != 0)
    return ranked[fresh]


def _spanning_tree(costs: Floats) -> tuple[float, Floats]:
    """The weight of the cheapest tree that joins all n nodes (Prim 1957), and (n, n) the longest edge on its way
    between two nodes, `inf` on the diagonal."""
    n = len(costs)
    longest = np.full((n, n), -np.inf)
    cheapest, joined_to = costs[0].copy(), np.zeros(n, dtype=np.int64)
    cheapest[0] = np.inf
    inside, weight = [0], 0.0
    for _ in range(n - 1):
        node = int(cheapest.argmin())
        edge = float(cheapest[node])
        weight += edge
        longest[node, inside] = longest[inside, node] = np.maximum(longest[joined_to[node], inside], edge)
        inside.append(node)
        nearer = costs[node] < cheapest
        cheapest[nearer] = costs[node, nearer]
        joined_to[nearer] = node
        cheapest[inside] = np.inf
    nodes = np.arange(n)
    longest[nodes, nodes] = np.inf
    return weight, longest
