"""Money stays exact: there and back again, refused when it is none, tax rounded half to even."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import format_major, tax_within, to_major, to_minor

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(INT64)
def test_minor_to_major_and_back_is_the_same_amount(minor: int) -> None:
    assert Fraction(to_major(minor)) == Fraction(minor, 100)
    assert to_minor(to_major(minor)) == minor


@pytest.mark.parametrize(
    ("major", "minor"), [("12.50", 1250), ("12.5", 1250), ("12.500", 1250), ("-0.01", -1), ("-0", 0), ("1E2", 10_000)]
)
def test_an_amount_may_be_written_in_several_ways(major: str, minor: int) -> None:
    assert to_minor(Decimal(major)) == minor


@pytest.mark.parametrize("major", ["0.001", "12.345", "NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "1e-30", "1e30"])
def test_what_is_no_amount_of_money_is_refused(major: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        to_minor(Decimal(major))


@given(st.decimals())
def test_any_decimal_is_an_exact_amount_or_a_value_error(major: Decimal) -> None:
    try:
        minor = to_minor(major)
    except ValueError:
        return
    assert Fraction(minor, 100) == Fraction(major)


@pytest.mark.parametrize(
    ("minor", "text"),
    [(1250, "12.50 EUR"), (0, "0.00 EUR"), (5, "0.05 EUR"), (-5, "-0.05 EUR"), (100_000, "1000.00 EUR")],
)
def test_people_see_two_places_and_the_currency(minor: int, text: str) -> None:
    assert format_major(minor, "EUR") == text


@given(st.integers(0, 2**63 - 1), st.integers(0, 10_000))
def test_the_tax_within_is_the_exact_tax_to_the_nearest_cent(gross_minor: int, rate_bp: int) -> None:
    exact = Fraction(gross_minor * rate_bp, 10_000 + rate_bp)
    assert abs(tax_within(gross_minor, rate_bp) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("gross", "rate_bp", "tax"), [(1190, 1900, 190), (107, 700, 7), (1000, 0, 0), (3, 10_000, 1), (1, 10_000, 1)]
)
def test_tax_at_known_rates(gross: int, rate_bp: int, tax: int) -> None:
    assert tax_within(gross, rate_bp) == tax
