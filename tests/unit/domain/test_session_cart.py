"""The laws of the fold: order of arrival is nothing, order of numbers is everything, and sums are sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.session_cart import (
    MAX_LINE_QUANTITY,
    MAX_LINES,
    Fact,
    Key,
    PricedProduct,
    Refusal,
    SessionCart,
    fold,
    pieces_scanned,
    step,
)
from tests.unit.domain.naive import NaiveCart, rows_of
from tests.unit.domain.shop import (
    APPLE,
    APPLE_ON_OFFER,
    MILK,
    call_for_help,
    facts_at,
    key_of,
    remove,
    scan,
    trips,
    unreadable,
    weight,
)


def quantities(cart: SessionCart) -> list[tuple[int, int, int]]:
    return [(line.number, line.product_id, line.quantity) for line in cart.lines]


@given(st.data(), st.lists(st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(0, 3)), unique=True))
def test_any_order_folds_to_the_same_cart_and_decisions(data: st.DataObject, keys: list[Key]) -> None:
    """Keys are compared whole: epoch, then number, then the place behind it."""
    facts = [data.draw(facts_at(key)) for key in sorted(keys)]
    cart, decisions = fold(data.draw(st.permutations(facts)))
    naive = NaiveCart.of(facts)
    assert (rows_of(cart), cart.measured_g, decisions) == (naive.rows, naive.measured_g, naive.decisions)


@given(trips(max_events=25))
def test_the_fold_says_the_same_as_a_plain_list_of_lines(facts: list[Fact]) -> None:
    cart, decisions = fold(facts)
    naive = NaiveCart.of(facts)
    assert rows_of(cart) == naive.rows
    assert cart.next_line == naive.numbers_used + 1
    assert cart.measured_g == naive.measured_g
    assert decisions == naive.decisions


@given(trips(max_events=25))
def test_totals_are_the_sums_of_the_lines(facts: list[Fact]) -> None:
    cart, _ = fold(facts)
    assert cart.total_items == sum(line.quantity for line in cart.lines)
    assert cart.subtotal_minor == sum(line.unit_price_minor * line.quantity for line in cart.lines)
    assert cart.total_minor == sum(line.unit_paid_minor * line.quantity for line in cart.lines)
    assert 0 <= cart.total_minor <= cart.subtotal_minor


@given(trips(max_events=25))
def test_a_line_holds_between_one_and_the_limit_and_stands_under_a_rising_number(facts: list[Fact]) -> None:
    cart = SessionCart()
    for fact in facts:
        cart, _ = step(cart, fact)
        assert all(1 <= line.quantity <= MAX_LINE_QUANTITY for line in cart.lines)
        numbers = [line.number for line in cart.lines]
        assert numbers == sorted(set(numbers))
        assert all(1 <= number < cart.next_line for number in numbers)


@given(trips(max_events=25))
def test_one_step_more_is_the_fold_of_one_fact_more(facts: list[Fact]) -> None:
    cart = SessionCart()
    for count, fact in enumerate(facts, 1):
        cart, refusal = step(cart, fact)
        folded, decisions = fold(facts[:count])
        assert (cart, refusal) == (folded, decisions[fact.key])


@given(trips(max_events=25))
def test_a_refused_fact_leaves_the_cart_as_it_was(facts: list[Fact]) -> None:
    cart = SessionCart()
    for fact in facts:
        before = cart
        cart, refusal = step(before, fact)
        assert refusal is None or cart == before


@given(trips(max_events=25))
def test_pieces_in_minus_pieces_out_are_what_is_left(facts: list[Fact]) -> None:
    cart, decisions = fold(facts)
    taken = [fact for fact in facts if decisions[fact.key] is None]
    pieces_in = sum(fact.quantity for fact in taken if fact.type == "scan")
    pieces_out = sum(fact.quantity for fact in taken if fact.type == "remove")
    assert cart.total_items == pieces_in - pieces_out


def test_one_product_at_one_price_is_one_line() -> None:
    cart, _ = fold([scan(key_of(1), APPLE, 2), scan(key_of(2), MILK), scan(key_of(3), APPLE, 3)])
    assert quantities(cart) == [(1, 1, 5), (2, 2, 1)]


def test_one_product_at_two_prices_is_two_lines_and_the_newest_empties_first() -> None:
    facts = [scan(key_of(1), APPLE, 2), scan(key_of(2), APPLE_ON_OFFER, 2), remove(key_of(3), APPLE, 3)]
    cart, decisions = fold(facts)
    assert decisions[key_of(3)] is None
    assert [(line.number, line.unit_paid_minor, line.quantity) for line in cart.lines] == [(1, 50, 1)]


def test_the_number_of_an_emptied_line_is_not_used_again() -> None:
    cart, _ = fold([scan(key_of(1)), remove(key_of(2)), scan(key_of(3))])
    assert quantities(cart) == [(2, 1, 1)]


def test_m24_a_removal_before_its_scan_in_time_but_not_in_number_takes_the_piece_out() -> None:
    late_scan, early_removal = scan(key_of(1)), remove(key_of(2))
    cart, decisions = fold([early_removal, late_scan])
    assert (cart.lines, decisions) == ((), {key_of(1): None, key_of(2): None})


@pytest.mark.parametrize("quantity", [2, 999])
def test_m10_removing_more_than_is_there_is_refused_and_nothing_leaves(quantity: int) -> None:
    cart, decisions = fold([scan(key_of(1)), remove(key_of(2), APPLE, quantity)])
    assert (quantities(cart), decisions[key_of(2)]) == ([(1, 1, 1)], Refusal.NOT_IN_CART)


@pytest.mark.parametrize("make", [scan, remove])
def test_m10_an_unknown_code_is_refused(make: object) -> None:
    cart, decisions = fold([make(key_of(1), None)])  # type: ignore[operator]
    assert (cart, decisions) == (SessionCart(), {key_of(1): Refusal.UNKNOWN_CODE})


def test_m10_a_line_grows_to_the_limit_and_not_beyond() -> None:
    cart, decisions = fold([scan(key_of(1), APPLE, 998), scan(key_of(2)), scan(key_of(3))])
    assert quantities(cart) == [(1, 1, MAX_LINE_QUANTITY)]
    assert decisions == {key_of(1): None, key_of(2): None, key_of(3): Refusal.LINE_LIMIT}


def test_a_cart_holds_a_bounded_number_of_lines_and_still_lets_them_grow() -> None:
    facts = [scan(key_of(n), PricedProduct(n, 100, 100, None)) for n in range(1, MAX_LINES + 2)]
    cart, decisions = fold([*facts, scan(key_of(MAX_LINES + 2), PricedProduct(1, 100, 100, None))])
    assert (len(cart.lines), cart.total_items) == (MAX_LINES, MAX_LINES + 1)
    assert [key for key, refusal in decisions.items() if refusal] == [key_of(MAX_LINES + 1)]
    assert decisions[key_of(MAX_LINES + 1)] is Refusal.CART_FULL


def test_a_reading_of_the_scale_replaces_the_one_before_and_help_changes_nothing() -> None:
    cart, _ = fold([weight(key_of(1), 500), call_for_help(key_of(2)), weight(key_of(3), 480), unreadable(key_of(4))])
    assert cart == SessionCart(measured_g=480)


def test_what_was_refused_on_arrival_stays_refused() -> None:
    refused = Fact(key_of(1), "scan", code="1", product=APPLE, refusal=Refusal.WRONG_CHECK_DIGIT)
    assert fold([refused]) == (SessionCart(), {key_of(1): Refusal.WRONG_CHECK_DIGIT})


@pytest.mark.parametrize(
    ("quantity", "weight_g", "unit_weight_g", "pieces"),
    [
        (None, None, 180, 1),
        (None, 360, None, 1),
        (None, 360, 0, 1),
        (None, 0, 180, 1),
        (None, 89, 180, 1),
        (None, 269, 180, 1),
        (None, 270, 180, 2),
        (None, 361, 180, 2),
        (None, 1_000_000, 1, MAX_LINE_QUANTITY),
        (3, 180, 180, 3),
    ],
)
def test_pieces_are_as_said_or_told_from_the_weight_or_one(
    quantity: int | None, weight_g: int | None, unit_weight_g: int | None, pieces: int
) -> None:
    assert pieces_scanned(quantity, weight_g, unit_weight_g) == pieces


@given(st.integers(0, 1_000_000), st.integers(1, 100_000))
def test_pieces_told_from_the_weight_are_the_nearest_whole_number(weight_g: int, unit_weight_g: int) -> None:
    pieces = pieces_scanned(None, weight_g, unit_weight_g)
    assert 1 <= pieces <= MAX_LINE_QUANTITY
    if 1 < pieces < MAX_LINE_QUANTITY:
        assert abs(weight_g - pieces * unit_weight_g) * 2 <= unit_weight_g
