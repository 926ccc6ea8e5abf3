"""Short closed tours by iterated local search, a function of its input alone: no clock, a fixed sequence of kicks.

3-opt (Lin 1965) with neighbour lists and don't-look bits (Bentley 1992); where it ends, two neighbouring runs of stops
change places (the double bridge of Martin, Otto and Felten 1991), and what does not get longer is kept. Plain lists:
for a hundred nodes they are faster than arrays.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from shared.navigation.walkable import Floats

# Nodes tried as new neighbours of a node, the nearest first.
NEIGHBOURS = 7
# A smaller gain is rounding (metres).
GAIN_M = 1e-9


class _Way(NamedTuple):
    """One way round the list of nodes: what to add to a position for the next one and the one before."""

    step: int
    after: int
    before: int


class ClosedTour:
    """A tour of n nodes that is only ever made shorter; symmetric `costs` (n, n), n >= 5.

    With `paired`, node i and node i + n / 2 must stay neighbours: they do when every other edge is dearer. Kicks
    then exchange whole pairs.
    """

    def __init__(self, costs: Floats, *, paired: bool = False) -> None:
        self.order = _greedy_order(costs)
        self._costs: list[list[float]] = costs.tolist()
        nearest = np.argsort(costs + np.diag(np.full(len(costs), np.inf)), axis=1, kind="stable")
        self._near: list[list[int]] = nearest[:, : min(NEIGHBOURS, len(costs) - 1)].tolist()
        self._unit = 2 if paired else 1
        # A position from zero on finds its successor at `position + wrap`, however the list ends.
        wrap = 1 - len(self.order)
        self._onward, self._backward = _Way(1, wrap, -1), _Way(-1, -1, wrap)
        self._at = [0] * len(self.order)
        self._place(self.order)
        self.length = sum(self._costs[a][b] for a, b in zip(self.order, self.order[1:] + self.order[:1], strict=True))
        self._descend(self.order)

    def kick(self, kicks: int, slack_m: float, until: float = -np.inf) -> None:
        """Exchange two neighbouring runs and descend again, so many times, or until the tour is as short as `until`.

        At first a kick may make the tour longer by `slack_m`, at last by nothing (threshold accepting, Dueck and
        Scheuer 1990); after half of the kicks that begins once more, from the same tour. The shortest tour stays.
        Some 0.1 ms for each kick of a tour of 60 nodes.
        """
        count, unit = len(self.order), self._unit
        longest = max(1, count // (3 * unit))
        draw = np.random.default_rng(count)
        spots = (draw.random(kicks) * count).astype(int).tolist()
        runs = unit * draw.integers(1, longest, size=(kicks, 2), endpoint=True)
        half = (kicks + 1) // 2
        start = shortest = self.order[:], self.length
        for number, spot, (first, second) in zip(range(kicks), spots, runs.tolist(), strict=True):
            if shortest[1] <= until:
                break
            if number == half:
                self._return_to(start)
            if unit == 2 and self.order[spot - 1] % (count // 2) == self.order[spot] % (count // 2):
                spot -= 1
            # `_swap_runs` makes a new list, so that the tour before stays as it was.
            before = self.order, self.length
            self._descend(self._swap_runs(spot, first, min(second, count - first - unit)))
            if self.length < shortest[1] - GAIN_M:
                shortest = self.order[:], self.length
            if self.length > before[1] + slack_m * (1 - (number % half + 1) / half) + GAIN_M:
                self._return_to(before)
        self._return_to(shortest)

    def _return_to(self, kept: tuple[list[int], float]) -> None:
        order, self.length = kept
        self._place(order)

    def _place(self, order: list[int]) -> None:
        self.order = order
        at = self._at
        for position, node in enumerate(order):
            at[node] = position

    def _swap_runs(self, spot: int, first: int, second: int) -> tuple[int, ...]:
        """Swap the run of `first` nodes at `spot` with the run of `second` nodes after it; gives the ends touched."""
        costs = self._costs
        around = self.order[spot:] + self.order[:spot]
        a, b, c = around[:first], around[first : first + second], around[first + second :]
        self.length += costs[c[-1]][b[0]] + costs[b[-1]][a[0]] + costs[a[-1]][c[0]]
        self.length -= costs[c[-1]][a[0]] + costs[a[-1]][b[0]] + costs[b[-1]][c[0]]
        self._place(b + a + c)
        return a[0], a[-1], b[0], b[-1], c[0], c[-1]

    def _descend(self, dirty: Iterable[int]) -> None:
        """Improve around the `dirty` nodes and all that this touches, until no move there gains anything."""
        waiting = list(dict.fromkeys(dirty))
        is_waiting = [False] * len(self.order)
        for node in waiting:
            is_waiting[node] = True
        while waiting:
            node = waiting.pop()
            is_waiting[node] = False
            while touched := self._improve_at(node):
                for other in touched:
                    if not is_waiting[other]:
                        is_waiting[other] = True
                        waiting.append(other)

    def _improve_at(self, node: int) -> tuple[int, ...]:
        """Give `node` a nearer neighbour than one of the two it has. The nodes touched, none when nothing gains."""
        position, row = self._at[node], self._costs[node]
        least = row[self._near[node][0]] + GAIN_M
        before, after = self.order[position - 1], self.order[position + 1 - len(self.order)]
        if row[before] > least and (touched := self._exchange(before, node, self._onward)):
            return touched
        if row[after] > least and (touched := self._exchange(after, node, self._backward)):
            return touched
        return ()

    # Lin and Kernighan's names (1973): the edges t1 t2, t3 t4 and t5 t6 go out, t2 t3, t4 t5 and t6 t1 come in. With
    # each that comes in, what went out before must still be longer than what came in.

    def _exchange(self, t1: int, t2: int, way: _Way) -> tuple[int, ...]:
        """Two or three edges for others, the first of them t1 t2, where t2 follows t1 this way round."""
        order, at, row = self.order, self._at, self._costs[t2]
        begin, dearest = at[t2], row[t1] - GAIN_M
        next_to = order[begin + way.after]
        for t3 in self._near[t2]:
            if row[t3] >= dearest:
                break
            if t3 in (t1, next_to):
                continue
            saved, span = row[t1] - row[t3], (at[t3] - begin) * way.step % len(order)
            if touched := self._reverse_runs(t1, t2, t3, saved, span, way) or self._cut_run(
                t1, t2, t3, saved, span, way
            ):
                return touched
        return ()

    def _reverse_runs(self, t1: int, t2: int, t3: int, saved: float, span: int, way: _Way) -> tuple[int, ...]:
        """t1 [t2 ... t4] t3: reverse the run; and where that is not enough, then the one that begins with t4."""
        costs, order, at = self._costs, self.order, self._at
        t4 = order[at[t3] + way.before]
        home, row4 = costs[t1], costs[t4]
        saved += row4[t3]
        if saved - home[t4] > GAIN_M:
            self._turn(t1, t2, t4)
            self.length -= saved - home[t4]
            return t1, t2, t3, t4
        begin = at[t2]
        for t5 in self._near[t4]:
            left = saved - row4[t5]
            if left <= GAIN_M:
                break
            at5 = at[t5]
            is_inside = (at5 - begin) * way.step % len(order) < span
            t6 = order[at5 + (way.after if is_inside else way.before)]
            gain = left + costs[t5][t6] - home[t6]
            if gain > GAIN_M and t5 not in (t1, t3) and t6 != t4:
                self._turn(t1, t2, t4)
                self._turn(t1, t4, t6)
                self.length -= gain
                return t1, t2, t3, t4, t5, t6
        return ()

    def _cut_run(self, t1: int, t2: int, t3: int, saved: float, span: int, way: _Way) -> tuple[int, ...]:
        """t1 [t2 ... t3] t4: cut the run between t5 and t6; its parts change places, or both are reversed."""
        costs, order, at = self._costs, self.order, self._at
        t4 = order[at[t3] + way.after]
        if t4 == t1:
            return ()
        begin, home, row4 = at[t2], costs[t1], costs[t4]
        saved += row4[t3]
        for t5 in self._near[t4]:
            left = saved - row4[t5]
            if left <= GAIN_M:
                break
            at5 = at[t5]
            if (at5 - begin) * way.step % len(order) >= span:
                continue
            row5 = costs[t5]
            t6 = order[at5 + way.after]
            gain = left + row5[t6] - home[t6]
            if gain > GAIN_M:
                self._turn(t1, t2, t3)
                self._turn(t1, t3, t6)
                self._turn(t3, t5, t2)
                self.length -= gain
                return t1, t2, t3, t4, t5, t6
            t6 = order[at5 + way.before]
            gain = left + row5[t6] - home[t6]
            if gain > GAIN_M and t5 != t2:
                self._turn(t1, t2, t6)
                self._turn(t2, t5, t3)
                self.length -= gain
                return t1, t2, t3, t4, t5, t6
        return ()

    def _turn(self, before: int, first: int, last: int) -> None:
        """Reverse the run that follows `before`, from `first` to `last`, whichever way it goes through the list."""
        at = self._at
        if self.order[at[before] + 1 - len(self.order)] == first:
            self._reverse(at[first], at[last])
        else:
            self._reverse(at[last], at[first])

    def _reverse(self, start: int, end: int) -> None:
        """Turn the run from one position to another round; or, where it passes the end of the list, all others."""
        order, at = self.order, self._at
        low, high = (start, end + 1) if start <= end else (end + 1, start)
        turned = order[low:high][::-1]
        order[low:high] = turned
        for position, node in enumerate(turned, low):
            at[node] = position


def _greedy_order(costs: Floats) -> list[int]:
    """The cheapest edge that still fits, again and again (Bentley 1992): no node has three, no circle is closed."""
    count = len(costs)
    one, other = np.triu_indices(count, 1)
    cheapest_first = np.argsort(costs[one, other], kind="stable")
    neighbours: list[list[int]] = [[] for _ in range(count)]
    # The other end of the path that ends here.
    far_end = list(range(count))
    joined = 0
    for a, b in zip(one[cheapest_first].tolist(), other[cheapest_first].tolist(), strict=True):
        if len(neighbours[a]) < 2 and len(neighbours[b]) < 2 and far_end[a] != b:
            neighbours[a].append(b)
            neighbours[b].append(a)
            far_a, far_b = far_end[a], far_end[b]
            far_end[far_a], far_end[far_b] = far_b, far_a
            joined += 1
            if joined == count - 1:
                break
    order = [next(node for node in range(count) if len(neighbours[node]) == 1)]
    while len(order) < count:
        order += [node for node in neighbours[order[-1]] if node not in order[-2:]]
    return order
