"""The promotions of a store, made ready: which of them a unit may count for is found without looking at the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Literal

from shared.domain.promotions.file import (
    AmountOff,
    Categories,
    Codes,
    FileError,
    FixedPrice,
    Free,
    Percent,
    PromotionEntry,
    PromotionFile,
    UnitsNeeded,
)
from shared.domain.promotions.trip import Line, Trip

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Kind = Literal["percent", "percent_cheapest", "off", "price", "free", "percent_trip", "off_trip"]


@dataclass(frozen=True, slots=True)
class Need:
    """`quantity` units of these products or categories; of all, when both are None."""

    quantity: int
    products: frozenset[int] | None = None
    categories: frozenset[str] | None = None

    def takes(self, line: Line) -> bool:
        if self.products is not None:
            return line.product_id in self.products
        return self.categories is None or not self.categories.isdisjoint(line.categories)


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion with products in the place of codes. `amount` is percent, minor units, or pieces, by `kind`.

    `limit` None: as often as there are units; 1 when it has a coupon, because a coupon is one coupon.
    """

    promotion_id: str
    name: str
    needs: tuple[Need, ...]
    kind: Kind
    amount: int
    trip_minor: int = 0
    limit: int | None = None
    group: str = ""
    combine: bool = False
    coupon: str | None = None
    loyalty: bool = False
    begins: datetime | None = None
    until: datetime | None = None
    days: frozenset[int] | None = None
    hours: tuple[time, time] | None = None

    @property
    def on_trip(self) -> bool:
        return self.kind in ("percent_trip", "off_trip")

    @property
    def units(self) -> int:
        """How many units one application needs."""
        return sum(need.quantity for need in self.needs)

    def in_force(self, now: datetime) -> bool:
        """From `begins` on and before `until`, on its days and in its hours; hours may go beyond midnight."""
        if (self.begins is not None and now < self.begins) or (self.until is not None and now >= self.until):
            return False
        if self.days is not None and now.weekday() not in self.days:
            return False
        if self.hours is None:
            return True
        start, end = self.hours
        at = now.time()
        return start <= at < end if start < end else at >= start or at < end

    def for_shopper(self, trip: Trip) -> bool:
        """Whether time, coupon and loyalty allow it."""
        return (
            (self.coupon is None or self.coupon in trip.coupons)
            and (trip.loyalty or not self.loyalty)
            and self.in_force(trip.now)
        )


Taker = tuple[int, int]  # the number of a promotion, and of one of its needs


@dataclass(frozen=True, slots=True)
class Book:
    """All promotions of a store, in the order of their ids; made once, asked for every trip by what is in it."""

    promotions: tuple[Promotion, ...]
    _by_product: Mapping[int, tuple[Taker, ...]] = field(init=False, repr=False)
    _by_category: Mapping[str, tuple[Taker, ...]] = field(init=False, repr=False)
    _of_all: tuple[Taker, ...] = field(init=False, repr=False)
    without_needs: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.promotions, key=lambda one: one.promotion_id))
        by_product: dict[int, list[Taker]] = {}
        by_category: dict[str, list[Taker]] = {}
        of_all: list[Taker] = []
        for p, promotion in enumerate(ordered):
            for n, need in enumerate(promotion.needs):
                for product_id in need.products or ():
                    by_product.setdefault(product_id, []).append((p, n))
                for category in need.categories or ():
                    by_category.setdefault(category, []).append((p, n))
                if need.products is None and need.categories is None:
                    of_all.append((p, n))
        object.__setattr__(self, "promotions", ordered)
        object.__setattr__(self, "_by_product", {key: tuple(found) for key, found in by_product.items()})
        object.__setattr__(self, "_by_category", {key: tuple(found) for key, found in by_category.items()})
        object.__setattr__(self, "_of_all", tuple(of_all))
        object.__setattr__(self, "without_needs", tuple(p for p, one in enumerate(ordered) if not one.needs))

    def takers(self, line: Line) -> set[Taker]:
        """The needs that units of this line meet."""
        found = {*self._by_product.get(line.product_id, ()), *self._of_all}
        for category in line.categories:
            found.update(self._by_category.get(category, ()))
        return found


def bind(file: PromotionFile, product_of: Mapping[str, int]) -> Book | tuple[FileError, ...]:
    """The file's codes as products; an unknown code is an error with its place."""
    errors = []
    for p, entry in enumerate(file.promotions):
        for n, need in enumerate(entry.needs):
            if isinstance(need, UnitsNeeded) and isinstance(need.of, Codes):
                errors += [
                    FileError(f"promotions[{p}].needs[{n}].of.codes[{c}]", f"no product has the code {code}")
                    for c, code in enumerate(need.of.codes)
                    if code not in product_of
                ]
    return tuple(errors) or Book(tuple(_bound(entry, product_of) for entry in file.promotions))


def _bound(entry: PromotionEntry, product_of: Mapping[str, int]) -> Promotion:
    needs = []
    trip_minor = 0
    for need in entry.needs:
        if not isinstance(need, UnitsNeeded):
            trip_minor = max(trip_minor, need.trip_minor)
        elif isinstance(need.of, Codes):
            needs.append(Need(need.quantity, products=frozenset(product_of[code] for code in need.of.codes)))
        elif isinstance(need.of, Categories):
            needs.append(Need(need.quantity, categories=frozenset(need.of.categories)))
        else:
            needs.append(Need(need.quantity))
    kind, amount = _given(entry)
    once = entry.coupon is not None or kind.endswith("_trip")
    return Promotion(
        promotion_id=entry.id,
        name=entry.name,
        needs=tuple(needs),
        kind=kind,
        amount=amount,
        trip_minor=trip_minor,
        limit=1 if entry.limit is None and once else entry.limit,
        group=entry.group,
        combine=entry.combine,
        coupon=entry.coupon,
        loyalty=entry.loyalty,
        begins=entry.begins,
        until=entry.until,
        days=None if entry.days is None else frozenset(DAYS.index(day) for day in entry.days),
        hours=None if entry.hours is None else (entry.hours[0], entry.hours[1]),
    )


def _given(entry: PromotionEntry) -> tuple[Kind, int]:
    match entry.gives:
        case Percent(percent=percent, on="trip"):
            return "percent_trip", percent
        case Percent(percent=percent, on="cheapest"):
            return "percent_cheapest", percent
        case Percent(percent=percent):
            return "percent", percent
        case AmountOff(off_minor=off_minor, on="trip"):
            return "off_trip", off_minor
        case AmountOff(off_minor=off_minor):
            return "off", off_minor
        case FixedPrice(price_minor=price_minor):
            return "price", price_minor
        case Free(free=free):
            return "free", free
