"""The engine's total against every assignment there is, and against a till that is greedy."""

from dataclasses import replace
from random import Random

import pytest

from shared.domain.promotions import Book, Line, Promotion, Trip, price_trip
from shared.domain.promotions.book import Need
from tests.unit.domain.promotions.brute_force import greedy_total, lowest_total
from tests.unit.domain.promotions.draw import NOW, large_book, large_trip, small_book, small_trip

A_THOUSAND_AT_A_TIME = range(0, 10_000, 1_000)


def differences(seeds: range) -> list[tuple[int, int, int]]:
    """Seed, the engine's total, the lowest total; the engine must also say that it is the lowest."""
    found = []
    for seed in seeds:
        drawn = Random(seed)
        book, trip = small_book(drawn), small_trip(drawn)
        priced = price_trip(book, trip)
        lowest = lowest_total(book, trip)
        if (priced.total_minor, priced.proof, priced.gap_minor) != (lowest, "optimal", 0):
            found.append((seed, priced.total_minor, lowest))
    return found


def test_four_hundred_small_carts_cost_what_the_best_of_all_assignments_costs() -> None:
    assert differences(range(400)) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", A_THOUSAND_AT_A_TIME)
def test_ten_thousand_small_carts_cost_what_the_best_of_all_assignments_costs(first: int) -> None:
    assert differences(range(first, first + 1_000)) == []


def test_large_carts_never_cost_more_than_at_a_greedy_till_and_say_what_is_proven() -> None:
    proven = 0
    for seed in range(60):
        drawn = Random(seed)
        book, trip = large_book(drawn), large_trip(drawn)
        priced = price_trip(book, trip)
        assert priced.total_minor <= greedy_total(book, trip), seed
        assert (priced.proof == "optimal") == (priced.gap_minor == 0)
        proven += priced.proof == "optimal"
    assert proven >= 57, "the leaflet of a week is proven in 19 of 20 carts"


@pytest.mark.slow
def test_a_thousand_large_carts_never_cost_more_than_at_a_greedy_till() -> None:
    for seed in range(1_000):
        drawn = Random(seed)
        book, trip = large_book(drawn), large_trip(drawn)
        assert price_trip(book, trip).total_minor <= greedy_total(book, trip), seed


def test_a_part_that_is_too_large_names_its_gap_and_its_bound_holds() -> None:
    """Forty promotions that all want the same hundred units."""
    drawn = Random(5)
    lines = tuple(Line(n, n, drawn.randint(50, 900)) for n in range(1, 101))
    needs = [Need(drawn.randint(2, 5), products=frozenset(drawn.sample(range(1, 101), 30))) for _ in range(40)]
    book = Book(tuple(Promotion(f"p{n}", "x", (need,), "percent_cheapest", 50) for n, need in enumerate(needs)))
    trip = Trip(lines, NOW)

    priced = price_trip(book, trip)

    assert priced.proof == "gap"
    assert 0 < priced.gap_minor <= priced.total_minor
    assert priced.total_minor <= greedy_total(book, trip)


def test_the_second_opinion_would_see_a_wrong_price() -> None:
    trip = Trip((Line(1, 1, 100, 3),), NOW)
    book = Book((Promotion("p", "3 for 2", (Need(3, products=frozenset({1})),), "free", 1),))
    wrong = Book((replace(book.promotions[0], amount=2),))
    assert lowest_total(book, trip) == 200
    assert lowest_total(wrong, trip) == 100
