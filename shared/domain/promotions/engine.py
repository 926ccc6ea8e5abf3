"""What a trip costs at least, and why.

- A promotion applies as often as its units, its limit, and the wish for the lowest total allow. One application needs
  the units of all its needs, each of them another unit. It takes its discount off their regular prices.
- Groups that do not `combine` share their units: one is used by one application at most. Each group with `combine` adds
  up with the others, in the order of their names, and uses a unit once itself. No unit falls below zero: what is too
  much is cut from the later group.
- What is given on the trip uses no unit; its needs are conditions. It is taken from what the trip costs after all
  others: one of all groups that do not combine, then one of each group that does, in the order of their names.
- Thresholds look at the trip's sum before any discount.
- Ties: dearer units come first, of equal ones those on earlier lines; then the application with the greater promise
  (what it takes off and what the rest can at most), the greater discount, the smaller id; not to use a unit comes last.

`proof` is "optimal" when no assignment costs less, else `gap_minor` says how much less one could cost at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.promotions.application import shares
from shared.domain.promotions.book import Book, Promotion, Taker
from shared.domain.promotions.search import Unit, Use, best_uses
from shared.domain.promotions.spread import percent_of, shares_of
from shared.domain.promotions.together import Stage, Together, cut_off
from shared.domain.promotions.trip import Line, Trip


@dataclass(frozen=True, slots=True)
class Share:
    """A discount's part on one line; `units` of it were needed, 0 for what is given on the trip."""

    line: int
    units: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Discount:
    """All applications of one promotion. The shares add up to `amount_minor`."""

    promotion_id: str
    name: str
    amount_minor: int
    times: int
    lines: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class PricedTrip:
    """`total_minor` is the subtotal without the discounts."""

    subtotal_minor: int
    discounts: tuple[Discount, ...]
    total_minor: int
    proof: Literal["optimal", "gap"]
    gap_minor: int


def price_trip(book: Book, trip: Trip) -> PricedTrip:
    """The lowest total of this trip, as far as the proof says, with each discount explained."""
    lines = sorted(trip.lines, key=lambda line: line.line)
    promotions = book.promotions
    subtotal = trip.subtotal_minor
    there = _Open(promotions, trip, subtotal)
    takers = [[taker for taker in book.takers(line) if there[taker[0]]] for line in lines]
    units, owners = _units(promotions, lines, takers)
    stages, gap = _unit_stages(promotions, units)
    ledger = _Ledger(lines, owners)
    for uses in stages:
        for use in uses:
            ledger.take(promotions[use.promotion], use.units, units)
    on_trip = sorted({p for found in takers for p, _ in found if promotions[p].on_trip} | set(book.without_needs))
    held = [promotions[p] for p in on_trip if there[p] and _conditions_hold(promotions[p], lines)]
    for candidates in _by_group(held):
        ledger.take_from_trip(candidates)
    discounts = ledger.discounts()
    total = subtotal - sum(discount.amount_minor for discount in discounts)
    gap = min(gap, total)
    return PricedTrip(subtotal, discounts, total, "gap" if gap else "optimal", gap)


class _Open(dict[int, bool]):
    """Whether a promotion may apply to this trip, by its number; each is asked once."""

    def __init__(self, promotions: Sequence[Promotion], trip: Trip, subtotal_minor: int) -> None:
        super().__init__()
        self._promotions = promotions
        self._trip = trip
        self._subtotal_minor = subtotal_minor

    def __missing__(self, p: int) -> bool:
        promotion = self._promotions[p]
        self[p] = promotion.trip_minor <= self._subtotal_minor and promotion.for_shopper(self._trip)
        return self[p]


def _units(
    promotions: Sequence[Promotion], lines: Sequence[Line], takers: Sequence[Sequence[Taker]]
) -> tuple[list[Unit], list[int]]:
    """The units that some promotion can use, by line; and the place of each one's line."""
    there: dict[Taker, int] = {}
    for line, found in zip(lines, takers, strict=True):
        for taker in found:
            there[taker] = there.get(taker, 0) + line.quantity
    enough: dict[int, bool] = {}
    for p in {p for p, _ in there}:
        needs = promotions[p].needs
        enough[p] = not promotions[p].on_trip and all(
            there.get((p, n), 0) >= need.quantity for n, need in enumerate(needs)
        )
    units: list[Unit] = []
    owners: list[int] = []
    for place, (line, found) in enumerate(zip(lines, takers, strict=True)):
        useful = frozenset(taker for taker in found if enough[taker[0]])
        if useful:
            units += [Unit(line.line, line.unit_price_minor, useful)] * line.quantity
            owners += [place] * line.quantity
    return units, owners


def _by_group(promotions: Sequence[Promotion]) -> list[list[Promotion]]:
    """Those that do not combine together, then each group that does, by name."""
    apart = [one for one in promotions if not one.combine]
    names = sorted({one.group for one in promotions if one.combine})
    groups = [[one for one in promotions if one.combine and one.group == name] for name in names]
    return [group for group in (apart, *groups) if group]


def _unit_stages(promotions: Sequence[Promotion], units: list[Unit]) -> tuple[list[list[Use]], int]:
    """The uses of each stage, and how much more could be taken off at most."""
    numbers = sorted({p for unit in units for p, _ in unit.takers})
    groups = _by_group([promotions[p] for p in numbers])
    if len(groups) < 2:
        uses, gap = _alone(promotions, units)
        return [uses], gap
    stage_of = {p: stage for stage, group in enumerate(groups) for p in numbers if promotions[p] in group}
    stages: list[list[Use]] = [[] for _ in groups]
    gap = 0
    by_stage = [
        [
            Unit(unit.line, unit.price_minor, frozenset(t for t in unit.takers if stage_of[t[0]] == stage))
            for unit in units
        ]
        for stage in range(len(groups))
    ]
    for members in _connected(units):
        found = [[best_uses(promotions, own, part) for part in _connected(own, members)] for own in by_stage]
        uses_of = [[use for best in parts for use in best.uses] for parts in found]
        alone = sum(best.off_minor for parts in found for best in parts)
        at_most = [sum(best.at_most_minor for best in parts) for parts in found]
        off = cut_off(promotions, units, uses_of)
        if off == alone:
            gap += sum(at_most) - alone
        else:
            whole = Together(promotions, [Stage(o, m) for o, m in zip(by_stage, at_most, strict=True)], members)
            whole.improve(uses_of, off)
            uses_of = whole.best or uses_of
            price = sum(units[u].price_minor for u in members)
            gap += 0 if whole.exact else min(sum(at_most), price) - whole.best_off
        for stage, uses in enumerate(uses_of):
            stages[stage] += uses
    return stages, gap


def _alone(promotions: Sequence[Promotion], units: list[Unit]) -> tuple[list[Use], int]:
    parts = [best_uses(promotions, units, members) for members in _connected(units)]
    uses = [use for best in parts for use in best.uses]
    return uses, sum(best.at_most_minor - best.off_minor for best in parts)


def _connected(units: Sequence[Unit], among: Sequence[int] | None = None) -> list[list[int]]:
    """Units that compete, directly or through others, stand in one part; parts and units by their first line."""
    part_of: dict[int, int] = {}  # of a promotion
    parts: dict[int, list[int]] = {}
    for u in range(len(units)) if among is None else among:
        taken = {p for p, _ in units[u].takers}
        if not taken:
            continue
        touched = sorted({part_of[p] for p in taken if p in part_of})
        home = touched[0] if touched else u
        joined = parts.setdefault(home, [])
        for other in touched[1:]:
            joined += parts.pop(other)
        if len(touched) > 1:
            moved = set(touched[1:])
            part_of.update((p, home) for p, part in part_of.items() if part in moved)
        joined.append(u)
        part_of.update((p, home) for p in taken)
    return [sorted(found) for _, found in sorted(parts.items())]


def _conditions_hold(promotion: Promotion, lines: Sequence[Line]) -> bool:
    """Whether each need can have units of its own: Hall's condition, over all choices of needs."""
    needs = promotion.needs
    for chosen in range(1, 1 << len(needs)):
        some = [need for n, need in enumerate(needs) if chosen >> n & 1]
        there = sum(line.quantity for line in lines if any(need.takes(line) for need in some))
        if there < sum(need.quantity for need in some):
            return False
    return True


class _Ledger:
    """What each line still costs, and what was taken off by whom."""

    def __init__(self, lines: Sequence[Line], owners: Sequence[int]) -> None:
        self._lines = lines
        self._owners = owners
        self._left = [line.unit_price_minor * line.quantity for line in lines]
        self._left_of_unit: dict[int, int] = {}
        self._shares: dict[str, dict[int, list[int]]] = {}  # by promotion and line: units, amount
        self._times: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def take(self, promotion: Promotion, members: Sequence[int], units: Sequence[Unit]) -> None:
        parts = shares(promotion, [units[u].price_minor for u in members])
        for u, part in zip(members, parts, strict=True):
            left = self._left_of_unit.get(u, units[u].price_minor)
            cut = min(part, left)
            self._left_of_unit[u] = left - cut
            self._note(promotion, self._owners[u], 1, cut)
        self._times[promotion.promotion_id] = self._times.get(promotion.promotion_id, 0) + 1

    def take_from_trip(self, candidates: Sequence[Promotion]) -> None:
        """The one that takes off most, of equal ones the one with the smallest id."""
        rest = sum(self._left)
        offs = [percent_of(rest, o.amount) if o.kind == "percent_trip" else min(rest, o.amount) for o in candidates]
        off = max(offs)
        if off == 0:
            return
        promotion = candidates[offs.index(off)]
        for place, part in enumerate(shares_of(off, self._left)):
            if part:
                self._note(promotion, place, 0, part)
        self._times[promotion.promotion_id] = 1

    def discounts(self) -> tuple[Discount, ...]:
        return tuple(
            Discount(
                promotion_id,
                self._names[promotion_id],
                amount,
                self._times[promotion_id],
                tuple(Share(self._lines[place].line, units, part) for place, (units, part) in sorted(by_line.items())),
            )
            for promotion_id, by_line in self._shares.items()
            if (amount := sum(part for _, part in by_line.values()))
        )

    def _note(self, promotion: Promotion, place: int, units: int, amount_minor: int) -> None:
        self._names[promotion.promotion_id] = promotion.name
        noted = self._shares.setdefault(promotion.promotion_id, {}).setdefault(place, [0, 0])
        noted[0] += units
        noted[1] += amount_minor
        self._left[place] -= amount_minor
