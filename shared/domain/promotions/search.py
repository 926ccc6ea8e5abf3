"""The best use of units that compete for promotions: exact where the part is small enough, else with a bound.

Each unit is used at most once here. Units of one price that the same needs take are alike: a state is how many of each
kind are left. Kinds go from the dearest to the cheapest; the first that is left is either not used, or used by one
application together with units of its own and of later kinds.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from shared.domain.promotions.application import most_of_a_unit, taken_off
from shared.domain.promotions.book import Promotion

UNITS_SEARCHED_MAX = 60
STEPS_MAX = 6_000  # applications tried in one part; about 15 ms
PATTERNS_MAX = 400  # of one promotion at one state; more of them are not looked at, and the proof is gone
_SINGLE = ("free", "percent_cheapest", "price")


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece, or one label. `takers` are the (promotion, need) numbers that take it."""

    line: int
    price_minor: int
    takers: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Use:
    """One application: the promotion's number and its units, in the order of their lines."""

    promotion: int
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """`uses` take off `off_minor`; nothing takes off more than `at_most_minor`."""

    uses: tuple[Use, ...]
    off_minor: int
    at_most_minor: int


def best_uses(promotions: Sequence[Promotion], units: Sequence[Unit], members: Sequence[int]) -> Best:
    """For one connected part: `members` are the numbers of its units, ordered by line."""
    numbers = sorted({p for u in members for p, _ in units[u].takers})
    if all(promotions[p].units == 1 and promotions[p].limit is None for p in numbers):
        return _each_by_itself(promotions, units, members)
    if len(numbers) == 1 and _is_ranked(promotions[numbers[0]], [units[u].price_minor for u in members]):
        return _ranked(promotions[numbers[0]], numbers[0], units, members)
    return _Part(promotions, numbers, units, members).best()


def _each_by_itself(promotions: Sequence[Promotion], units: Sequence[Unit], members: Sequence[int]) -> Best:
    """No application needs more than one unit: each unit takes the promotion that takes off most."""
    uses = []
    off = 0
    for u in members:
        gain, p = max((taken_off(promotions[p], [units[u].price_minor]), -p) for p, _ in units[u].takers)
        if gain > 0:
            uses.append(Use(-p, (u,)))
            off += gain
    return Best(tuple(uses), off, off)


def _is_ranked(promotion: Promotion, prices: list[int]) -> bool:
    """Whether groups of neighbours by price are best: one need, and nothing that rounds by the group."""
    if len(promotion.needs) != 1:
        return False
    quantity = promotion.units
    if promotion.kind == "off":
        return quantity == 1 or sum(sorted(prices)[:quantity]) >= promotion.amount
    return promotion.kind in _SINGLE or quantity == 1


def _ranked(promotion: Promotion, number: int, units: Sequence[Unit], members: Sequence[int]) -> Best:
    """Dearest first, in groups: however units are grouped, the cheapest of the m-th group is not dearer than here."""
    dearest = sorted(members, key=lambda u: -units[u].price_minor)
    uses = []
    off = 0
    most = len(dearest) // promotion.units
    for n in range(most if promotion.limit is None else min(most, promotion.limit)):
        group = dearest[n * promotion.units : (n + 1) * promotion.units]
        gain = taken_off(promotion, [units[u].price_minor for u in group])
        if gain <= 0:
            break
        uses.append(Use(number, tuple(sorted(group))))
        off += gain
    return Best(tuple(uses), off, off)


Pattern = tuple[tuple[int, int], ...]  # (kind, how many), by kind
State = tuple[tuple[int, ...], tuple[int, ...]]  # left of each kind; left of each limit


class _Part:
    def __init__(
        self, promotions: Sequence[Promotion], numbers: list[int], units: Sequence[Unit], members: Sequence[int]
    ) -> None:
        self._promotions = promotions
        self._numbers = numbers
        kinds: dict[tuple[int, frozenset[tuple[int, int]]], list[int]] = {}
        for u in members:
            kinds.setdefault((units[u].price_minor, units[u].takers), []).append(u)
        # A stable sort: of equal prices the kind whose first unit stands on the earlier line.
        ordered = sorted(kinds.items(), key=lambda kind: -kind[0][0])
        self._prices = [price for (price, _), _ in ordered]
        self._members = [found for _, found in ordered]
        self._takers = [takers for (_, takers), _ in ordered]
        self._needs = {
            p: [
                [k for k, takers in enumerate(self._takers) if (p, n) in takers]
                for n in range(len(promotions[p].needs))
            ]
            for p in numbers
        }
        self._numbers = [
            p
            for p in numbers
            if all(
                sum(len(self._members[k]) for k in found) >= need.quantity
                for found, need in zip(self._needs[p], promotions[p].needs, strict=True)
            )
        ]
        alive = set(self._numbers)
        self._densities = [
            max((most_of_a_unit(promotions[p], price) for p in {p for p, _ in takers} & alive), default=0.0)
            for price, takers in zip(self._prices, self._takers, strict=True)
        ]
        self._of_kind = [sorted({p for p, _ in takers} & alive) for takers in self._takers]
        self._limited = {p: n for n, p in enumerate(p for p in self._numbers if promotions[p].limit is not None)}
        self._known: dict[State, tuple[int, tuple[int, Pattern] | None]] = {}
        self._steps = 0
        self._exact = True

    def best(self) -> Best:
        counts = tuple(len(found) for found in self._members)
        start: State = (counts, tuple(self._promotions[p].limit or 0 for p in self._limited))
        if sum(counts) > UNITS_SEARCHED_MAX:
            greedy, greedy_off = self._greedy(start)
            return Best(self._uses(greedy), greedy_off, max(greedy_off, self._bound(counts)))
        off = self._value(start)
        chosen = self._chosen(start)
        if self._exact:
            return Best(self._uses(chosen), off, off)
        greedy, greedy_off = self._greedy(start)
        if greedy_off > off:
            chosen, off = greedy, greedy_off
        return Best(self._uses(chosen), off, max(off, self._bound(counts)))

    def _bound(self, counts: tuple[int, ...]) -> int:
        return math.floor(sum(map(float.__mul__, self._densities, map(float, counts))) + 1e-6)

    def _value(self, state: State) -> int:
        """The most that can be taken off from here on; after the budget, what the first good choice gives."""
        counts, limits = state
        first = next((k for k, count in enumerate(counts) if count and self._of_kind[k]), None)
        if first is None:
            return 0
        known = self._known.get(state)
        if known is not None:
            return known[0]
        options: list[tuple[int, int, int, Pattern, State]] = []
        for p in self._of_kind[first]:
            limit = self._limited.get(p)
            if limit is not None and limits[limit] == 0:
                continue
            after = limits if limit is None else (*limits[:limit], limits[limit] - 1, *limits[limit + 1 :])
            tight = self._steps > STEPS_MAX
            found = list(islice(self._patterns(p, counts, first), (20 if tight else PATTERNS_MAX) + 1))
            if tight or len(found) > PATTERNS_MAX:
                self._exact = False
            self._steps += len(found)
            for pattern in found:
                gain = self._gain(p, pattern)
                if gain > 0:
                    left = list(counts)
                    for kind, many in pattern:
                        left[kind] -= many
                    rest = tuple(left)
                    options.append((gain + self._bound(rest), gain, p, pattern, (rest, after)))
        skipped = (*counts[:first], counts[first] - 1, *counts[first + 1 :])
        options.sort(key=lambda option: (-option[0], -option[1], option[2], option[3]))
        best, choice = -1, None
        for promise, gain, p, pattern, following in options:
            if promise <= best:
                break
            value = gain + self._value(following)
            if value > best:
                best, choice = value, (p, pattern)
            if self._steps > STEPS_MAX:
                self._exact = False
                break
        if best < self._bound(skipped) and (choice is None or self._steps <= STEPS_MAX):
            value = self._value((skipped, limits))
            if value > best:
                best, choice = value, None
        self._known[state] = (best, choice)
        return best

    def _chosen(self, state: State) -> list[tuple[int, Pattern]]:
        chosen = []
        while (known := self._known.get(state)) is not None:
            counts, limits = state
            left, after = list(counts), list(limits)
            if known[1] is None:
                left[next(k for k, count in enumerate(counts) if count and self._of_kind[k])] -= 1
            else:
                p, pattern = known[1]
                chosen.append(known[1])
                for kind, many in pattern:
                    left[kind] -= many
                if p in self._limited:
                    after[self._limited[p]] -= 1
            state = (tuple(left), tuple(after))
        return chosen

    def _patterns(self, p: int, counts: tuple[int, ...], first: int) -> Iterator[Pattern]:
        """Every choice of units for one application that uses the kind `first`, dearest companions first."""
        needs = self._needs[p]
        quantities = [need.quantity for need in self._promotions[p].needs]
        seen: set[Pattern] = set()
        for holder, found in enumerate(needs):
            if first not in found:
                continue
            left = list(counts)
            left[first] -= 1
            wanted = list(quantities)
            wanted[holder] -= 1
            for filled in _fillings(needs, wanted, left, 0):
                many = dict(filled)
                many[first] = many.get(first, 0) + 1
                pattern = tuple(sorted(many.items()))
                if len(needs) == 1 or pattern not in seen:
                    seen.add(pattern)
                    yield pattern

    def _gain(self, p: int, pattern: Pattern) -> int:
        return taken_off(self._promotions[p], [self._prices[kind] for kind, many in pattern for _ in range(many)])

    def _greedy(self, state: State) -> tuple[list[tuple[int, Pattern]], int]:
        """The application that takes off most, with the dearest units, as often as it goes; and again."""
        counts, limits = list(state[0]), list(state[1])
        chosen: list[tuple[int, Pattern]] = []
        off = 0
        while True:
            best: tuple[int, int, Pattern] | None = None
            for p in self._numbers:
                if p in self._limited and limits[self._limited[p]] == 0:
                    continue
                wanted = [need.quantity for need in self._promotions[p].needs]
                filled = next(_fillings(self._needs[p], wanted, list(counts), 0), None)
                if filled is None:
                    continue
                pattern = tuple(sorted(filled.items()))
                gain = self._gain(p, pattern)
                if gain > 0 and (best is None or gain > best[0]):
                    best = (gain, p, pattern)
            if best is None:
                return chosen, off
            gain, p, pattern = best
            times = min(counts[kind] // many for kind, many in pattern)
            if p in self._limited:
                times = min(times, limits[self._limited[p]])
                limits[self._limited[p]] -= times
            for kind, many in pattern:
                counts[kind] -= times * many
            chosen += [(p, pattern)] * times
            off += times * gain

    def _uses(self, chosen: list[tuple[int, Pattern]]) -> tuple[Use, ...]:
        """Kinds become units, the first lines first."""
        waiting = [iter(found) for found in self._members]
        return tuple(
            Use(p, tuple(sorted(next(waiting[kind]) for kind, many in pattern for _ in range(many))))
            for p, pattern in chosen
        )


def _fillings(needs: list[list[int]], wanted: list[int], left: list[int], start: int) -> Iterator[dict[int, int]]:
    """Ways to give each need its units from what is left, dearest kinds first. `start` is a place in the first need."""
    need = next((n for n, quantity in enumerate(wanted) if quantity), None)
    if need is None:
        yield {}
        return
    for place in range(start, len(needs[need])):
        kind = needs[need][place]
        if not left[kind]:
            continue
        left[kind] -= 1
        wanted[need] -= 1
        for rest in _fillings(needs, wanted, left, place if wanted[need] else 0):
            rest[kind] = rest.get(kind, 0) + 1
            yield rest
        left[kind] += 1
        wanted[need] += 1
