"""One application of a promotion: what it takes off, and from which of its units."""

from collections.abc import Sequence

from shared.domain.promotions.book import Promotion
from shared.domain.promotions.spread import percent_of, shares_of


def taken_off(promotion: Promotion, prices: Sequence[int]) -> int:
    """Minor units that one application to units of these prices takes off; 0 or less: it is of no use."""
    match promotion.kind:
        case "percent":
            return percent_of(sum(prices), promotion.amount)
        case "percent_cheapest":
            return percent_of(min(prices), promotion.amount)
        case "off":
            return min(sum(prices), promotion.amount)
        case "price":
            return sum(prices) - promotion.amount
        case "free":
            return sum(sorted(prices)[: promotion.amount])
        case _:
            return 0  # given on the trip, not on units


def shares(promotion: Promotion, prices: Sequence[int]) -> list[int]:
    """The same for each unit, in the order of the lines: largest remainder, first line first.

    What makes units free or cheaper goes to the cheapest; of equal ones the last.
    """
    if promotion.kind in ("percent_cheapest", "free"):
        count = 1 if promotion.kind == "percent_cheapest" else promotion.amount
        given = [0] * len(prices)
        for n in sorted(range(len(prices)), key=lambda n: (prices[n], -n))[:count]:
            given[n] = taken_off(promotion, prices) if promotion.kind == "percent_cheapest" else prices[n]
        return given
    return shares_of(taken_off(promotion, prices), prices)


def most_of_a_unit(promotion: Promotion, price_minor: int) -> float:
    """At least its part of any application: for all units of one together never less than it takes off."""
    units = promotion.units
    match promotion.kind:
        case "percent":
            return price_minor * promotion.amount / 100 + 0.5 / units
        case "percent_cheapest":
            return price_minor * promotion.amount / (100 * units) + 0.5 / units
        case "off":
            return promotion.amount / units
        case "price":
            return max(0.0, price_minor - promotion.amount / units)
        case "free":
            return price_minor * promotion.amount / units
        case _:
            return 0.0
