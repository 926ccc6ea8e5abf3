"""Dates, weights and money inside element strings, exactly."""

import calendar
import re
from datetime import date
from fractions import Fraction

GRAMS_PER_POUND = Fraction("453.59237")  # by definition, 1959
_DATE = re.compile(r"[0-9]{6}")


def date_of(value: str | None, today: date) -> date | None:
    """YYMMDD by section 7.12 of the GS1 General Specifications: day 00 is the month's last, and the century is the one
    that brings the year within 49 years before and 50 after the present. None when there is no such day."""
    if value is None or not _DATE.fullmatch(value):
        return None
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:])
    difference = year - today.year % 100
    century = today.year // 100 - (1 if difference >= 51 else -1 if difference <= -50 else 0)
    year += 100 * century
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


def weight_g_of(elements: dict[str, str]) -> int | None:
    """Net weight in whole grams, half up, from 310n (kilograms) or 320n (pounds)."""
    for beginning, grams in (("310", Fraction(1000)), ("320", GRAMS_PER_POUND)):
        amount = _amount(elements, beginning)
        if amount is not None:
            return int(amount * grams + Fraction(1, 2))
    return None


def price_minor_of(elements: dict[str, str]) -> int | None:
    """The price inside in hundredths, from 392n or 390n, or 393n or 391n behind their currency; None when it is finer
    than a hundredth."""
    for beginning, skipped in (("392", 0), ("393", 3), ("390", 0), ("391", 3)):
        amount = _amount(elements, beginning, skipped)
        if amount is not None:
            minor = amount * 100
            return int(minor) if minor.denominator == 1 else None
    return None


def _amount(elements: dict[str, str], beginning: str, skipped: int = 0) -> Fraction | None:
    """The number under an identifier whose last digit counts the decimals."""
    for identifier, value in elements.items():
        digits = value[skipped:]
        if len(identifier) == 4 and identifier.startswith(beginning) and digits.isascii() and digits.isdigit():
            return Fraction(int(digits), 10 ** int(identifier[3]))
    return None
