"""Halving: all good events pass in their order, every bad one stands alone, at a price that was promised."""

import math
from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cart_ingest.database import Stopping
from services.cart_ingest.isolation import TOO_MANY, Isolation, TooMuchPoison
from services.cart_ingest.metrics import Metrics


class Table:
    """A database that refuses some numbers."""

    def __init__(self, poison: frozenset[int], problem: Exception | None = None) -> None:
        self.poison = poison
        self.problem = problem or psycopg.errors.CheckViolation()
        self.applied: list[int] = []
        self.buried: list[int] = []
        self.transactions = 0

    def run(self, part: Sequence[int]) -> str:
        self.transactions += 1
        if self.poison.intersection(part):
            raise self.problem
        self.applied += part
        return "applied"

    def bury(self, one: int, problem: Exception) -> str:
        self.transactions += 1
        self.buried.append(one)
        return "buried"


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.frozensets(st.integers(0, n - 1), max_size=20))))
def test_everything_good_is_applied_in_order_and_everything_bad_buried_within_the_bound(
    given_: tuple[int, frozenset[int]],
) -> None:
    size, poison = given_
    table = Table(poison)

    results = Isolation(Metrics()).apply(range(size), table.run, table.bury)

    assert table.applied == [one for one in range(size) if one not in poison]
    assert table.buried == sorted(poison)
    assert results.count("buried") == len(poison)
    bad = len(poison)
    assert table.transactions <= max(1, 2 * bad * (math.ceil(math.log2(size)) + 1))
    if bad == 1:
        assert table.transactions <= 2 * math.ceil(math.log2(size)) + 2, "docs/reliability.md R7"


def test_our_own_bug_is_isolated_like_bad_data() -> None:
    table = Table(frozenset({2}), AttributeError("ours"))

    Isolation(Metrics()).apply(range(5), table.run, table.bury)

    assert (table.applied, table.buried) == ([0, 1, 3, 4], [2])


@pytest.mark.parametrize("problem", [psycopg.errors.UndefinedTable(), Stopping()])
def test_what_no_event_is_to_blame_for_is_neither_halved_nor_buried(problem: Exception) -> None:
    table = Table(frozenset({2}), problem)

    with pytest.raises(type(problem)):
        Isolation(Metrics()).apply(range(5), table.run, table.bury)

    assert (table.transactions, table.buried) == (1, [])


def test_when_most_of_the_last_events_are_poisonous_it_is_us() -> None:
    table = Table(frozenset(range(1_000)))

    with pytest.raises(TooMuchPoison):
        Isolation(Metrics()).apply(range(1_000), table.run, table.bury)

    assert len(table.buried) == TOO_MANY


def test_poison_among_enough_good_events_goes_on_for_ever() -> None:
    isolation = Isolation(Metrics())
    table = Table(frozenset(range(0, 4_000, 3)))

    for start in range(0, 4_000, 100):
        isolation.apply(range(start, start + 100), table.run, table.bury)

    assert len(table.buried) == 1_334


def test_what_takes_too_long_to_be_applied_and_to_be_buried_is_tried_again() -> None:
    """PostgreSQL is slow then, and the event is not to blame."""
    slow = [True] * 3
    table = Table(frozenset())

    def wait_in_vain(part: Sequence[int]) -> str:
        if len(part) == 1 and slow:
            raise psycopg.errors.QueryCanceled
        return table.run(part)

    def bury_in_vain(_one: int, _problem: Exception) -> str:
        slow.pop()
        raise psycopg.errors.QueryCanceled

    Isolation(Metrics()).apply(range(1), wait_in_vain, bury_in_vain)

    assert table.applied == [0]
    assert not slow
