"""Short closed tours by iterated local search, a function of its input alone: no clock, a fixed sequence of kicks.

2-opt (Croes 1958) and Or-opt (Or 1976) with neighbour lists and don't-look bits (Bentley 1992); where they end, two
neighbouring runs of stops change places (the double bridge of Martin, Otto and Felten 1991), and what does not get
longer is kept. Plain lists: for a hundred nodes they are faster than arrays.
"""

from collections.abc import Iterable

import numpy as np

from shared.navigation.walkable import Floats

# Nodes tried as new neighbours of a node, the nearest first.
NEIGHBOURS = 7
# Runs that Or-opt moves, in nodes or pairs of nodes.
LONGEST_MOVED = 3
# A smaller gain is rounding (metres).
GAIN_M = 1e-9


class ClosedTour:
    """A tour of n nodes that is only ever made shorter; symmetric `costs` (n, n), n >= 5.

    With `paired`, node i and node i + n / 2 must stay neighbours: they do when the tour starts so and every other
    edge is dear. Runs are then moved and exchanged by whole pairs.
    """

    def __init__(self, costs: Floats, order: Iterable[int], *, paired: bool = False) -> None:
        self.order = list(order)
        self._costs: list[list[float]] = costs.tolist()
        nearest = np.argsort(costs + np.diag(np.full(len(costs), np.inf)), axis=1, kind="stable")
        self._near: list[list[int]] = nearest[:, : min(NEIGHBOURS, len(costs) - 1)].tolist()
        self._unit = 2 if paired else 1
        self._sizes = tuple(range(self._unit, LONGEST_MOVED * self._unit + 1, self._unit))
        self._at = [0] * len(self.order)
        self._place(self.order)
        self.length = sum(self._costs[a][b] for a, b in zip(self.order, self.order[1:] + self.order[:1], strict=True))
        self._descend(self.order)

    def kick(self, kicks: int, slack_m: float, until: float = -np.inf) -> None:
        """Exchange two neighbouring runs and descend again, so many times, or until the tour is as short as `until`.

        At first a kick may make the tour longer by `slack_m`, at last by nothing (threshold accepting, Dueck and
        Scheuer 1990); the shortest tour stays. Some 0.1 ms for each kick of a tour of 60 nodes.
        """
        count, unit = len(self.order), self._unit
        longest = max(1, count // (3 * unit))
        draw = np.random.default_rng(count)
        spots = (draw.random(kicks) * count).astype(int).tolist()
        runs = unit * draw.integers(1, longest, size=(kicks, 2), endpoint=True)
        shortest = self.order[:], self.length
        for left, spot, (first, second) in zip(range(kicks, 0, -1), spots, runs.tolist(), strict=True):
            if shortest[1] <= until:
                break
            if unit == 2 and self.order[spot - 1] % (count // 2) == self.order[spot] % (count // 2):
                spot -= 1
            # `_exchange` makes a new list, so that the tour before stays as it was.
            before = self.order, self.length
            self._descend(self._exchange(spot, first, min(second, count - first - unit)))
            if self.length < shortest[1] - GAIN_M:
                shortest = self.order[:], self.length
            if self.length > before[1] + slack_m * (left - 1) / kicks + GAIN_M:
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

    def _exchange(self, spot: int, first: int, second: int) -> tuple[int, ...]:
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
            while touched := self._reverse_at(node) or self._move_at(node):
                for other in touched:
                    if not is_waiting[other]:
                        is_waiting[other] = True
                        waiting.append(other)

    def _reverse_at(self, node: int) -> tuple[int, ...]:
        """2-opt: give `node` a nearer neighbour by turning a run round. The nodes touched, none when nothing gains."""
        costs, order, at = self._costs, self.order, self._at
        count, position, row = len(order), at[node], costs[node]
        after, before = order[position + 1 - count], order[position - 1]
        to_after, to_before = row[after], row[before]
        for near in self._near[node]:
            saved_after, saved_before = to_after - row[near], to_before - row[near]
            if saved_after <= GAIN_M and saved_before <= GAIN_M:
                return ()
            there = at[near]
            if saved_after > GAIN_M:
                beyond = order[there + 1 - count]
                gain = saved_after + costs[near][beyond] - costs[after][beyond]
                if gain > GAIN_M:
                    self._reverse((position + 1) % count, there)
                    self.length -= gain
                    return node, after, near, beyond
            if saved_before > GAIN_M:
                beyond = order[there - 1]
                gain = saved_before + costs[near][beyond] - costs[before][beyond]
                if gain > GAIN_M:
                    self._reverse(there, (position - 1) % count)
                    self.length -= gain
                    return node, before, near, beyond
        return ()

    def _move_at(self, node: int) -> tuple[int, ...]:
        """Or-opt: move a run that begins or ends with `node` next to a nearer neighbour, either way round."""
        costs, order, at, nearest = self._costs, self.order, self._at, self._near[node]
        count, position, row = len(order), at[node], costs[node]
        least = row[nearest[0]] + GAIN_M
        # A position below zero counts from the end: no run passes both ends of the list.
        for step, base in ((1, position - count), (-1, position)):
            outside = order[position - 1] if step == 1 else order[position + 1 - count]
            for size in self._sizes:
                last, beyond = order[base + step * (size - 1)], order[base + step * size]
                saved = row[outside] + costs[last][beyond] - costs[outside][beyond]
                if saved <= least or beyond == outside:
                    continue
                for near in nearest:
                    left = saved - row[near]
                    if left <= GAIN_M:
                        break
                    there = at[near]
                    if (there - position) * step % count < size:
                        continue
                    for other in (order[there + 1 - count], order[there - 1]):
                        gain = left + costs[near][other] - costs[last][other]
                        if gain > GAIN_M and (at[other] - position) * step % count >= size:
                            start = position if step == 1 else (position - size + 1) % count
                            self._move(start, size, near, other, node)
                            self.length -= gain
                            return node, last, outside, beyond, near, other
        return ()

    def _reverse(self, start: int, end: int) -> None:
        """Turn the run from one position to another round; or, where it passes the end of the list, all others."""
        order, at = self.order, self._at
        low, high = (start, end + 1) if start <= end else (end + 1, start)
        turned = order[low:high][::-1]
        order[low:high] = turned
        for position, node in enumerate(turned, low):
            at[node] = position

    def _move(self, start: int, size: int, near: int, other: int, node: int) -> None:
        """Take the run out at `start` and put it between `near` and `other`, with its end `node` beside `near`."""
        around = self.order[start:] + self.order[:start]
        run, rest = around[:size], around[size:]
        after = (self._at[near] - start) % len(around) - size + 1
        if rest[after % len(rest)] == other:
            self._place(rest[:after] + (run if run[0] == node else run[::-1]) + rest[after:])
        else:
            before = after - 1
            self._place(rest[:before] + (run if run[-1] == node else run[::-1]) + rest[before:])
