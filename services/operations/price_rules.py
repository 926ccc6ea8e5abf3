"""What a product without a price costs: `hash:LOW-HIGH`, `fixed:PRICE` or `none`."""

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import assert_never

from services.operations.refusals import RowRefused
from shared.domain.money import to_major, to_minor

DEFAULT_PRICE_RULE = "hash:0.49-9.99"
# A number beyond this in a shelf price is a mistake: a hundred thousand, in minor units.
MAX_PRICE_MINOR = 10_000_000
_AMOUNT = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,2})?")
_STEP_MINOR = 10  # prices of one range end alike, as 0.49, 0.59 … do


@dataclass(frozen=True, slots=True)
class HashedPrice:
    """Told from the code alone, so that every run and every machine gives the same; spread evenly over the range."""

    low_minor: int
    high_minor: int


@dataclass(frozen=True, slots=True)
class FixedPrice:
    minor: int


@dataclass(frozen=True, slots=True)
class PriceRequired:
    """Rows without a price are refused."""


PriceRule = HashedPrice | FixedPrice | PriceRequired


def parse_price_rule(text: str) -> PriceRule:
    """Read a rule as it is written on the command line; raises ValueError with a sentence."""
    kind, _, amounts = text.partition(":")
    try:
        if kind == "none" and not amounts:
            return PriceRequired()
        if kind == "fixed":
            return FixedPrice(parse_price(amounts))
        if kind == "hash":
            low, _, high = amounts.partition("-")
            rule = HashedPrice(parse_price(low), parse_price(high))
            if rule.low_minor <= rule.high_minor:
                return rule
    except RowRefused:
        pass
    raise ValueError(f"{text!r} is not a price rule: write hash:0.49-9.99, fixed:1.00 or none")


def estimate_price(rule: PriceRule, code: str) -> int:
    """The price in minor units of the product with this normalised code; raises RowRefused when a price is required."""
    match rule:
        case HashedPrice(low_minor, high_minor):
            step = _STEP_MINOR if high_minor - low_minor >= _STEP_MINOR else 1
            number = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big")
            return low_minor + number % ((high_minor - low_minor) // step + 1) * step
        case FixedPrice(minor):
            return minor
        case PriceRequired():
            raise RowRefused("no_price", "the row has no price and the rule is none")
        case _ as never:
            assert_never(never)


def parse_price(text: str) -> int:
    """`12.50`, `12,5` or `12` as minor units; raises RowRefused."""
    if not _AMOUNT.fullmatch(text):
        raise RowRefused("price", f"{text!r} is not a price such as 12.50")
    try:
        minor = to_minor(Decimal(text.replace(",", ".")))
    except (InvalidOperation, ValueError):
        raise RowRefused("price", f"{text!r} is not a price such as 12.50") from None
    if minor > MAX_PRICE_MINOR:
        raise RowRefused("price", f"{text} is more than {to_major(MAX_PRICE_MINOR)}")
    return minor
