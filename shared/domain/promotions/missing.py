"""What is missing for the next application of a promotion: a piece more for 3 for 2, two euros more for a coupon."""

from dataclasses import dataclass

from shared.domain.promotions.book import Book, Promotion
from shared.domain.promotions.engine import PricedTrip
from shared.domain.promotions.trip import Trip


@dataclass(frozen=True, slots=True)
class Missing:
    """Either units or an amount is missing; the other is 0."""

    promotion_id: str
    name: str
    units: int
    amount_minor: int


def missing_for_next(book: Book, trip: Trip, priced: PricedTrip) -> tuple[Missing, ...]:
    """The nearest first. A promotion is named when something for it lies in the cart that no discount has used yet, or
    when the trip's sum is at least half of what it asks for."""
    unused = {line.line: line.quantity for line in trip.lines}
    for discount in priced.discounts:
        for share in discount.lines:
            unused[share.line] -= share.units
    times = {discount.promotion_id: discount.times for discount in priced.discounts}
    found = []
    for promotion in sorted(book.promotions, key=lambda one: one.promotion_id):
        if not promotion.for_shopper(trip):
            continue
        if promotion.limit is not None and times.get(promotion.promotion_id, 0) >= promotion.limit:
            continue
        short_minor = promotion.trip_minor - trip.subtotal_minor
        there, wanted = _units_there(promotion, trip, unused)
        if short_minor > 0:
            if 2 * trip.subtotal_minor >= promotion.trip_minor and there == wanted:
                found.append(Missing(promotion.promotion_id, promotion.name, 0, short_minor))
        elif 0 < there < wanted:
            found.append(Missing(promotion.promotion_id, promotion.name, wanted - there, 0))
    return tuple(sorted(found, key=lambda one: (one.units, one.amount_minor, one.promotion_id)))


def _units_there(promotion: Promotion, trip: Trip, unused: dict[int, int]) -> tuple[int, int]:
    """How many of the needed units lie in the cart unused, each counted for one need, and how many are needed."""
    left = {line.line: max(0, unused[line.line]) for line in trip.lines}
    there = 0
    # The need that the fewest lines meet is served first.
    for need in sorted(promotion.needs, key=lambda need: sum(need.takes(line) for line in trip.lines)):
        still = need.quantity
        for line in trip.lines:
            if still and left[line.line] and need.takes(line):
                given = min(still, left[line.line])
                left[line.line] -= given
                still -= given
                there += given
    return there, promotion.units
