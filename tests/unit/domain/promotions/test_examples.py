"""The worked examples, read from a file as the price department writes it."""

import json
from datetime import datetime

import pytest

from shared.domain.promotions import Book, Line, PromotionFile, Trip, price_trip, read_promotions
from shared.domain.promotions.book import bind
from tests.unit.domain.promotions.brute_force import lowest_total
from tests.unit.domain.promotions.examples import CATEGORIES, EXAMPLES, PRODUCTS, Example


def book_and_trip(example: Example) -> tuple[Book, Trip]:
    file = read_promotions(json.dumps({"v": 1, "promotions": example.promotions}).encode())
    assert isinstance(file, PromotionFile), file
    book = bind(file, PRODUCTS)
    assert isinstance(book, Book), book
    lines = tuple(
        Line(number, PRODUCTS[code], price, quantity, None, frozenset({CATEGORIES[PRODUCTS[code]]}))
        for number, (code, price, quantity) in enumerate(example.cart, 1)
    )
    return book, Trip(lines, datetime.fromisoformat(example.at), frozenset(example.coupons), example.loyalty)


def test_there_are_at_least_thirty_and_each_names_its_source() -> None:
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES) >= 30
    assert all(example.source for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_worked_example_comes_out_as_by_hand(example: Example) -> None:
    book, trip = book_and_trip(example)

    priced = price_trip(book, trip)

    assert {one.promotion_id: one.amount_minor for one in priced.discounts} == example.off
    assert priced.total_minor == trip.subtotal_minor - sum(example.off.values()) == lowest_total(book, trip)
    assert priced.proof == "optimal"
