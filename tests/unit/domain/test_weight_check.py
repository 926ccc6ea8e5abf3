"""The weight verdict: what the scale says against what the lines should weigh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.session_cart import Fact, SessionCart, fold
from shared.domain.weight_check import TOLERANCE_FLOOR_G, check_weight
from tests.unit.domain.shop import APPLE, MILK, UNWEIGHED, key_of, scan, trips, weight


def cart_of(*facts: Fact) -> SessionCart:
    return fold(facts)[0]


@given(trips(), st.integers(-2000, 20_000))
def test_the_verdict_follows_from_the_three_numbers(facts: list[Fact], measured_g: int) -> None:
    cart = cart_of(*facts, weight(key_of(999), measured_g))
    verdict = check_weight(cart)
    assert verdict.measured_g == measured_g
    assert verdict.tolerance_g >= TOLERANCE_FLOOR_G
    off_by = measured_g - verdict.expected_g
    if any(line.unit_weight_g is None for line in cart.lines):
        assert verdict.verdict == "unknown"
    elif abs(off_by) <= verdict.tolerance_g:
        assert verdict.verdict == "match"
    else:
        assert verdict.verdict == ("too_heavy" if off_by > 0 else "too_light")


def test_nothing_measured_is_unknown() -> None:
    assert check_weight(cart_of(scan(key_of(1)))).verdict == "unknown"


def test_a_line_of_unknown_weight_makes_it_unknown_but_the_rest_is_expected() -> None:
    check = check_weight(cart_of(scan(key_of(1), APPLE, 2), scan(key_of(2), UNWEIGHED), weight(key_of(3), 360)))
    assert (check.expected_g, check.verdict) == (360, "unknown")


@pytest.mark.parametrize(
    ("measured_g", "verdict"),
    [(20, "match"), (21, "too_heavy"), (-20, "match"), (-21, "too_light"), (0, "match")],
)
def test_an_empty_cart_should_weigh_nothing(measured_g: int, verdict: str) -> None:
    assert check_weight(cart_of(weight(key_of(1), measured_g))).verdict == verdict


@pytest.mark.parametrize(
    ("measured_g", "verdict"),
    [(10_300, "match"), (10_556, "match"), (10_557, "too_heavy"), (10_044, "match"), (10_043, "too_light")],
)
def test_heavier_carts_get_more_tolerance(measured_g: int, verdict: str) -> None:
    check = check_weight(cart_of(scan(key_of(1), MILK, 10), weight(key_of(2), measured_g)))
    assert (check.expected_g, check.tolerance_g, check.verdict) == (10_300, 256, verdict)
