"""Money is an integer of minor units (cents). Floats never take part; decimals appear only for showing."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MINOR_PER_MAJOR = 100


def to_major(minor: int) -> Decimal:
    """1250 -> Decimal('12.50'); exact."""
    return Decimal(minor).scaleb(-2)


def to_minor(major: Decimal) -> int:
    """Decimal('12.50') -> 1250; raises ValueError for more than two places, NaN, infinity or over 28 digits."""
    try:
        is_amount = major.is_finite() and major == major.quantize(Decimal("0.01"))
    except InvalidOperation:  # more digits than the context holds, which no price has
        is_amount = False
    if not is_amount:
        raise ValueError(f"not an amount of money: {major}")
    return int(major.scaleb(2))


def format_major(minor: int, currency: str) -> str:
    """12.50 EUR, for people."""
    return f"{to_major(minor):.2f} {currency}"


def tax_within(gross_minor: int, rate_bp: int) -> int:
    """The tax contained in a gross amount at `rate_bp` basis points, rounded half to even."""
    net = (Decimal(gross_minor) * 10_000 / (10_000 + rate_bp)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return gross_minor - int(net)
