"""What is planned, how items become products, and what a ledger finds in an order."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.catalogue import BadBaskets, Mapping, Product, map_items, read_baskets
from firmware_sim.ledger import Ledger, OddOrder, read_order
from firmware_sim.plan import PutIn, TakeOut, plan_trip, plan_trips
from firmware_sim.radio import Weather
from shared.contracts.state import Ack, CartState, StateLine, WeightCheck
from shared.domain.session_cart import pieces_scanned

CATALOGUE = [Product(n, f"Product {n}", (f"code-{n}", f"other-{n}"), 100 + n, 40 * n or None) for n in range(1, 30)]
items = st.lists(st.sampled_from([f"item {n}" for n in range(20)]), min_size=1, max_size=15)


def mapping(*names: str) -> Mapping:
    return map_items([names], CATALOGUE)


def test_an_item_is_matched_by_code_then_by_name_then_by_hash() -> None:
    matched = mapping("other-3", "PRODUCT 5", "whole milk")
    assert matched.products["other-3"].product_id == 3
    assert matched.products["PRODUCT 5"].product_id == 5
    assert matched.how == {"other-3": "code", "PRODUCT 5": "name", "whole milk": "hash"}


@given(order=st.permutations(CATALOGUE))
def test_the_mapping_does_not_depend_on_the_order_of_the_catalogue(order: list[Product]) -> None:
    names = [f"item {n}" for n in range(20)]
    assert map_items([names], order).products == mapping(*names).products


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(BadBaskets, match="catalogue"):
        map_items([("milk",)], [])


def test_baskets_are_read_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "baskets.csv"
    path.write_text('whole milk, "liquor (appetizer)"\n\n"salt, fine",eggs,\n')
    assert read_baskets(path) == [("whole milk", '"liquor (appetizer)"'), ("salt, fine", "eggs")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_baskets_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "baskets.csv"
    path.write_bytes(content)
    with pytest.raises(BadBaskets):
        read_baskets(path)


@given(seed=st.integers(), basket=items)
def test_the_same_seed_plans_the_same_goods_in_any_weather(seed: int, basket: list[str]) -> None:
    calm = plan_trip(seed, 1, basket, mapping(*basket), Weather())
    storm = plan_trip(seed, 1, basket, mapping(*basket), Weather(loss=0.5, power_cut=0.5))
    assert [planned.step for planned in calm.steps] == [planned.step for planned in storm.steps]
    assert calm == plan_trip(seed, 1, basket, mapping(*basket), Weather())


@given(seed=st.integers(), basket=items)
def test_nothing_leaves_the_cart_that_is_not_in_it_and_something_stays(seed: int, basket: list[str]) -> None:
    inside: Counter[int] = Counter()
    for planned in plan_trip(seed, 1, basket, mapping(*basket), Weather()).steps:
        if isinstance(planned.step, PutIn):
            inside[planned.step.product.product_id] += planned.step.pieces
        if isinstance(planned.step, TakeOut):
            inside[planned.step.product.product_id] -= 1
            assert inside[planned.step.product.product_id] >= 0
    assert inside.total() > 0


@given(seed=st.integers(), basket=items)
def test_the_backend_counts_the_pieces_that_the_shopper_holds(seed: int, basket: list[str]) -> None:
    for planned in plan_trip(seed, 1, basket, mapping(*basket), Weather()).steps:
        step = planned.step
        if isinstance(step, PutIn):
            assert pieces_scanned(step.quantity, step.weight_g, step.product.weight_g) == step.pieces


def test_trips_go_through_all_baskets_before_one_comes_again() -> None:
    baskets = [(f"item {n}",) for n in range(20)]
    trips = plan_trips(3, 20, baskets, map_items(baskets, CATALOGUE), Weather())
    assert [trip.number for trip in trips] == list(range(1, 21))
    first = [trip.steps[0].step for trip in trips]
    wanted = map_items(baskets, CATALOGUE).products.values()
    assert Counter(s.product.product_id for s in first if isinstance(s, PutIn)) == Counter(p.product_id for p in wanted)


def an_order(**changes: Any) -> dict[str, Any]:
    line = {"product_id": 1, "quantity": 2, "price": Decimal("1.25"), "discounted_price": None}
    return {
        "order_id": 9,
        "items": [line],
        "total_price": Decimal("2.5"),
        "discounted_price": Decimal("2"),
        **changes,
    }


def a_state(quantity: int = 2, unit_price_minor: int = 125, paid_minor: int = 200) -> CartState:
    line = StateLine(
        line=1,
        product_id=1,
        gtin=None,
        code="code-1",
        name="Product 1",
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        total_minor=paid_minor,
        weight_g=None,
    )
    subtotal_minor = quantity * unit_price_minor
    return CartState(
        cart_id=1,
        session_id="s",
        version=3,
        status="active",
        ack=Ack(epoch=1, seq=2),
        lines=(line,),
        total_items=quantity,
        subtotal_minor=subtotal_minor,
        discount_minor=subtotal_minor - paid_minor,
        total_minor=paid_minor,
        currency="EUR",
        weight=WeightCheck(expected_g=0, measured_g=None, tolerance_g=0, verdict="unknown"),
        notices=(),
        at=0,
    )


def found(ledger: Counter[int], order: dict[str, Any], state: CartState) -> list[str]:
    return [difference.what for difference in Ledger(ledger).compare(1, read_order(order), state)[1]]


def test_an_order_that_is_what_the_shopper_holds_has_no_difference() -> None:
    assert Ledger(Counter({1: 2})).compare(1, read_order(an_order()), a_state()) == (1, [])


@pytest.mark.parametrize(
    ("ledger", "order", "state", "what"),
    [
        ({1: 3}, an_order(), a_state(), "product 1 pieces"),
        ({1: 2, 4: 1}, an_order(), a_state(), "product 4 pieces"),
        ({}, an_order(), a_state(), "product 1 pieces"),
        ({1: 2}, an_order(), a_state(unit_price_minor=124), "product 1 at 124 minor, pieces"),
        ({1: 2}, an_order(total_price=Decimal("2.51")), a_state(), "total before discount, minor"),
        ({1: 2}, an_order(discounted_price=Decimal("1.99")), a_state(), "paid, minor"),
        ({1: 2}, an_order(items=[]), a_state(), "product 1 pieces"),
    ],
)
def test_whatever_differs_is_named(ledger: dict[int, int], order: dict[str, Any], state: CartState, what: str) -> None:
    assert what in found(Counter(ledger), order, state)


@pytest.mark.parametrize(
    "odd", [{"items": None}, {"items": [{}]}, {"total_price": Decimal("1.234")}, {"discounted_price": "x"}]
)
def test_an_order_of_another_shape_is_odd(odd: dict[str, Any]) -> None:
    with pytest.raises(OddOrder):
        read_order(an_order(**odd))


@given(
    held=st.dictionaries(st.integers(1, 5), st.integers(1, 9)),
    shown=st.dictionaries(st.integers(1, 5), st.integers(1, 9)),
)
def test_a_recount_brings_the_display_in_line_with_the_cart(held: dict[int, int], shown: dict[int, int]) -> None:
    missing, surplus = Ledger(Counter(held)).recount(Counter(shown))
    after = Counter(shown) + missing
    after.subtract(surplus)
    assert +after == Counter(held)
