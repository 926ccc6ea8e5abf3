"""Groups that add up, where together they would take more off a unit than it costs: unit by unit, within a budget.

Where nothing is cut, the best of each group by itself is the best of all, and nobody comes here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from shared.domain.promotions.application import most_of_a_unit, shares, taken_off
from shared.domain.promotions.book import Promotion
from shared.domain.promotions.search import Unit, Use

STEPS_MAX = 4_000  # units and applications tried in one part


@dataclass(frozen=True, slots=True)
class Stage:
    """One group of promotions: for each unit who takes it, and what the group takes off at most, alone."""

    units: Sequence[Unit]
    at_most_minor: int


def cut_off(promotions: Sequence[Promotion], units: Sequence[Unit], stages: Sequence[Sequence[Use]]) -> int:
    """What these uses take off together, when no unit falls below zero."""
    given = [0] * len(units)
    for uses in stages:
        for use in uses:
            parts = shares(promotions[use.promotion], [units[u].price_minor for u in use.units])
            for u, part in zip(use.units, parts, strict=True):
                given[u] += part
    return sum(min(unit.price_minor, part) for unit, part in zip(units, given, strict=True))


class Together:
    """Looks for uses of all stages that take off more than those found for each stage alone."""

    def __init__(self, promotions: Sequence[Promotion], stages: Sequence[Stage], members: Sequence[int]) -> None:
        self._promotions = promotions
        self._stages = stages
        self._members = list(members)
        self._given = [0] * len(stages[0].units)
        self._used = [0] * len(promotions)
        self._chosen: list[list[Use]] = [[] for _ in stages]
        self._off = 0
        self._steps = 0
        self.best: list[list[Use]] | None = None
        self.best_off = -1
        self.exact = True

    def improve(self, found: list[list[Use]], off_minor: int) -> None:
        """Start from what is known; afterwards `best` and `best_off`, and whether nothing better exists (`exact`)."""
        self.best, self.best_off = found, off_minor
        self._stage(0)

    def _stage(self, number: int) -> None:
        if number == len(self._stages):
            if self._off > self.best_off:
                self.best, self.best_off = [list(uses) for uses in self._chosen], self._off
            return
        free = set(self._members)
        self._unit(number, 0, free)

    def _unit(self, number: int, place: int, free: set[int]) -> None:
        self._steps += 1
        if self._steps > STEPS_MAX:
            self.exact = False
            return
        stage = self._stages[number]
        while place < len(self._members) and self._members[place] not in free:
            place += 1
        if self._off + self._promised(number, place, free) <= self.best_off:
            return
        if place == len(self._members):
            self._stage(number + 1)
            return
        unit = self._members[place]
        for p in sorted({p for p, _ in stage.units[unit].takers}):
            promotion = self._promotions[p]
            if promotion.limit is not None and self._used[p] >= promotion.limit:
                continue
            for group in self._groups(stage, p, unit, free):
                prices = [stage.units[u].price_minor for u in group]
                if taken_off(promotion, prices) <= 0:
                    continue
                self._apply(number, p, group, place, free, shares(promotion, prices))
        free.discard(unit)
        self._unit(number, place + 1, free)
        free.add(unit)

    def _apply(self, number: int, p: int, group: tuple[int, ...], place: int, free: set[int], parts: list[int]) -> None:
        units = self._stages[number].units
        before = self._off
        for u, part in zip(group, parts, strict=True):
            left = max(0, units[u].price_minor - self._given[u])
            self._off += min(part, left)
            self._given[u] += part
        free.difference_update(group)
        self._used[p] += 1
        self._chosen[number].append(Use(p, group))
        self._unit(number, place + 1, free)
        self._chosen[number].pop()
        self._used[p] -= 1
        free.update(group)
        for u, part in zip(group, parts, strict=True):
            self._given[u] -= part
        self._off = before

    def _promised(self, number: int, place: int, free: set[int]) -> int:
        """At most this much more: the units of this stage that are undecided, and each later stage alone."""
        stage = self._stages[number]
        here = sum(
            max(
                (most_of_a_unit(self._promotions[p], stage.units[u].price_minor) for p, _ in stage.units[u].takers),
                default=0,
            )
            for u in self._members[place:]
            if u in free
        )
        return int(here + 1e-6) + sum(later.at_most_minor for later in self._stages[number + 1 :])

    def _groups(self, stage: Stage, p: int, unit: int, free: set[int]) -> Iterator[tuple[int, ...]]:
        """Units for one application with `unit`, whose number is the smallest in it."""
        needs = [
            [u for u in self._members if u in free and u >= unit and (p, n) in stage.units[u].takers]
            for n in range(len(self._promotions[p].needs))
        ]
        seen: set[tuple[int, ...]] = set()
        for group in _picked(needs, [need.quantity for need in self._promotions[p].needs], ()):
            ordered = tuple(sorted(group))
            self._steps += 1
            if self._steps > STEPS_MAX:
                self.exact = False
                return
            if unit in ordered and ordered not in seen:
                seen.add(ordered)
                yield ordered


def _picked(needs: list[list[int]], quantities: list[int], taken: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not needs:
        yield taken
        return
    for group in combinations([u for u in needs[0] if u not in taken], quantities[0]):
        yield from _picked(needs[1:], quantities[1:], taken + group)
