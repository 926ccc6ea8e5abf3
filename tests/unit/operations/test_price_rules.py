"""A product without a price gets one that every run and every machine tells alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.operations.price_rules import (
    FixedPrice,
    HashedPrice,
    PriceRequired,
    estimate_price,
    parse_price,
    parse_price_rule,
)
from services.operations.refusals import RowRefused


def test_rules_are_read_as_they_are_written_on_the_command_line() -> None:
    assert parse_price_rule("hash:0.49-9.99") == HashedPrice(49, 999)
    assert parse_price_rule("hash:1-1") == HashedPrice(100, 100)
    assert parse_price_rule("fixed:1,5") == FixedPrice(150)
    assert parse_price_rule("none") == PriceRequired()


@pytest.mark.parametrize(
    "text", ["", "hash", "hash:2-1", "hash:1", "fixed:", "fixed:-1", "fixed:nan", "none:1", "half"]
)
def test_what_is_no_rule_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"hash:0\.49-9\.99"):
        parse_price_rule(text)


def test_an_estimated_price_is_the_same_today_and_in_ten_years() -> None:
    assert estimate_price(HashedPrice(49, 999), "09521234010012") == 119


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.text(min_size=1))
def test_an_estimated_price_is_within_the_range(one: int, other: int, code: str) -> None:
    low, high = min(one, other), max(one, other)
    assert low <= estimate_price(HashedPrice(low, high), code) <= high


def test_estimated_prices_use_the_whole_range() -> None:
    prices = {estimate_price(HashedPrice(49, 999), f"{number:014d}") for number in range(3_000)}
    assert prices == set(range(49, 1_000, 10))


def test_a_required_price_cannot_be_estimated() -> None:
    with pytest.raises(RowRefused) as refused:
        estimate_price(PriceRequired(), "09521234010012")
    assert refused.value.reason == "no_price"


@pytest.mark.parametrize(
    ("text", "minor"), [("12.50", 1250), ("12,5", 1250), ("12", 1200), ("0", 0), ("100000", 10**7)]
)
def test_prices_are_read_exactly(text: str, minor: int) -> None:
    assert parse_price(text) == minor


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1e2", "NaN", "12 €", "1.000,00", "١", "100000.01", "9" * 5_000])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse_price(text)
    assert refused.value.reason == "price"
