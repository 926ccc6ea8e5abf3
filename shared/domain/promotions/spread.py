"""Whole cents: a percentage of an amount, and an amount shared out so that the shares add up to it."""

from collections.abc import Sequence


def percent_of(amount_minor: int, percent: int) -> int:
    """`percent` of a non-negative amount, a half rounded up."""
    return (2 * amount_minor * percent + 100) // 200


def shares_of(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """`amount_minor` in proportion to the weights: largest remainders get the cents left over, the first one first.

    No share is above its weight as long as the amount is not above the sum of them.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [amount_minor * weight // whole for weight in weights]
    left = amount_minor - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda n: (-(amount_minor * weights[n] % whole), n))
    for n in by_remainder[:left]:
        shares[n] += 1
    return shares
