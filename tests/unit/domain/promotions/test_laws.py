"""What holds for every cart: sums, order, nothing below zero; and what one more piece changes, or does not."""

from dataclasses import replace
from random import Random

from shared.domain.promotions import Book, Line, Promotion, Trip, missing_for_next, price_trip
from shared.domain.promotions.book import Need
from shared.domain.promotions.spread import percent_of, shares_of
from tests.unit.domain.promotions.draw import NOW, large_book, large_trip, small_book, small_trip


def carts(count: int) -> list[tuple[Book, Trip]]:
    found = []
    for seed in range(count):
        drawn = Random(seed)
        found.append((small_book(drawn), small_trip(drawn, 12)))
        if seed % 10 == 0:
            found.append((large_book(drawn), large_trip(drawn)))
    return found


def test_shares_add_up_to_the_discount_and_discounts_to_the_total() -> None:
    for book, trip in carts(100):
        priced = price_trip(book, trip)
        for discount in priced.discounts:
            assert discount.amount_minor == sum(share.amount_minor for share in discount.lines) > 0
            assert all(share.amount_minor >= 0 for share in discount.lines)
        assert priced.total_minor == priced.subtotal_minor - sum(one.amount_minor for one in priced.discounts)


def test_no_line_costs_less_than_nothing() -> None:
    for book, trip in carts(100):
        left = {line.line: line.unit_price_minor * line.quantity for line in trip.lines}
        for discount in price_trip(book, trip).discounts:
            for share in discount.lines:
                left[share.line] -= share.amount_minor
        assert min(left.values()) >= 0


def test_no_order_of_lines_or_promotions_changes_anything() -> None:
    for seed, (book, trip) in enumerate(carts(80)):
        drawn = Random(seed)
        lines, promotions = list(trip.lines), list(book.promotions)
        drawn.shuffle(lines)
        drawn.shuffle(promotions)
        assert price_trip(Book(tuple(promotions)), replace(trip, lines=tuple(lines))) == price_trip(book, trip)


def test_numbers_of_lines_move_cents_between_lines_and_never_the_total() -> None:
    for seed, (book, trip) in enumerate(carts(80)):
        numbers = [line.line for line in trip.lines]
        Random(seed).shuffle(numbers)
        again = replace(trip, lines=tuple(replace(line, line=n) for line, n in zip(trip.lines, numbers, strict=True)))
        ours, theirs = price_trip(book, again), price_trip(book, trip)
        if ours.proof == theirs.proof == "optimal":
            assert ours.total_minor == theirs.total_minor


def test_one_more_piece_never_raises_what_the_others_cost_without_promotions_on_the_trip() -> None:
    """The old assignment is still there, and the new piece need not be used: the total grows by its price at most."""
    for seed, (book, trip) in enumerate(carts(80)):
        drawn = Random(seed)
        units_only = Book(tuple(one for one in book.promotions if not one.on_trip))
        more = Line(1_000, drawn.randint(1, 6), drawn.randint(1, 900), 1, None, frozenset({"bread"}))
        before = price_trip(units_only, trip)
        after = price_trip(units_only, replace(trip, lines=(*trip.lines, more)))
        assert after.total_minor <= before.total_minor + more.unit_price_minor + after.gap_minor


def test_one_more_piece_never_raises_what_the_others_cost_with_a_percentage_of_the_trip() -> None:
    """The base only grows, and with it what is taken off."""
    for seed, (book, trip) in enumerate(carts(80)):
        more = Line(1_000, 99, Random(seed).randint(1, 900))
        before, after = price_trip(book, trip), price_trip(book, replace(trip, lines=(*trip.lines, more)))
        assert after.total_minor <= before.total_minor + more.unit_price_minor + after.gap_minor


def test_a_single_line_may_cost_more_after_another_piece_although_the_whole_does_not() -> None:
    """The counterexample: with a dearer third piece another one is free, and the first, free before, is paid again."""
    book = Book((Promotion("p", "2 for 1", (Need(2, products=frozenset({1, 2, 3})),), "free", 1, limit=1),))
    two = Trip((Line(1, 1, 100), Line(2, 2, 300)), NOW)
    three = replace(two, lines=(*two.lines, Line(3, 3, 500)))

    assert [(share.line, share.amount_minor) for share in price_trip(book, two).discounts[0].lines] == [
        (1, 100),
        (2, 0),
    ]
    assert [(share.line, share.amount_minor) for share in price_trip(book, three).discounts[0].lines] == [
        (2, 300),
        (3, 0),
    ]
    assert price_trip(book, three).total_minor == 600 <= price_trip(book, two).total_minor + 500


def test_a_label_of_weighed_goods_is_one_unit() -> None:
    book = Book((Promotion("p", "3 for 2", (Need(3, products=frozenset({1})),), "free", 1),))
    labels = tuple(Line(n, 1, price, 1, weight_g=price) for n, price in enumerate((310, 450, 290), 1))
    assert price_trip(book, Trip(labels, NOW)).total_minor == 310 + 450


def test_cents_left_over_go_to_the_largest_remainders_first_line_first() -> None:
    assert shares_of(100, [1, 1, 1]) == [34, 33, 33]
    assert shares_of(5, [3, 3, 4]) == [2, 1, 2]
    assert shares_of(0, [0, 0]) == [0, 0]
    assert [percent_of(amount, 50) for amount in (1, 2, 3)] == [1, 1, 2]


def test_a_shopper_is_told_what_is_missing_for_the_next_promotion() -> None:
    needs = (Need(3, products=frozenset({1})),)
    book = Book(
        (
            Promotion("a", "3 for 2", needs, "free", 1),
            Promotion("b", "5 off from 50", (), "off_trip", 500, trip_minor=5_000, limit=1),
            Promotion("c", "for members", needs, "free", 2, loyalty=True),
        )
    )
    for quantity, expected in (
        (2, []),
        (3, [("b", 0, 2_000)]),
        (4, [("b", 0, 1_000), ("a", 2, 0)]),
        (5, [("a", 1, 0)]),
    ):
        trip = Trip((Line(1, 1, 1_000, quantity),), NOW)
        told = missing_for_next(book, trip, price_trip(book, trip))
        wanted = [("a", 1, 0)] if quantity == 2 else expected
        assert [(one.promotion_id, one.units, one.amount_minor) for one in told] == wanted, quantity
