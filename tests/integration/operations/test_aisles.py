"""`smartcart aisles` and `dead-letters` as an operator uses them."""

import json
from collections.abc import Callable

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from shared.db.places import list_blocks_in_force
from shared.db.stores import add_layout, ensure_store
from tests.unit.operations.test_plan_command import LAYOUT

Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def store_id(connection: Connection[TupleRow]) -> int:
    store = ensure_store(connection, "main")
    add_layout(connection, store.store_id, LAYOUT, [])
    return store.store_id


def test_an_aisle_is_closed_listed_and_opened_again(
    smartcart: Command, connection: Connection[TupleRow], store_id: int
) -> None:
    code, lines, _ = smartcart("aisles", "block", "--rect", "2,2,4,4", "--note", "spilled milk")
    assert code == 0
    number = lines[0].removeprefix("block=")
    assert len(list_blocks_in_force(connection, store_id)) == 1

    listed = json.loads(smartcart("aisles", "list", "--json")[1][0])
    assert (listed["x1"], listed["y2"], listed["note"]) == (2.0, 4.0, "spilled milk")

    assert smartcart("aisles", "unblock", number)[0] == 0
    assert list_blocks_in_force(connection, store_id) == []
    code, _, error = smartcart("aisles", "unblock", number)
    assert (code, "nothing is closed" in error) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--rect", "2,2,4,4", "--connector", "0"),
        ("--rect", "4,2,2,4"),
        ("--rect", "nan,2,2,4"),
        ("--rect", "1,2,3"),
        ("--rect", "2,2,4,4", "--floor", "7"),
        ("--connector", "0"),
    ],
)
def test_what_is_no_place_of_the_store_is_refused(
    smartcart: Command, store_id: int, arguments: tuple[str, ...]
) -> None:
    assert smartcart("aisles", "block", *arguments)[0] == 2


def test_a_store_without_a_layout_has_nothing_to_close(smartcart: Command, connection: Connection[TupleRow]) -> None:
    ensure_store(connection, "bare")

    code, _, error = smartcart("aisles", "block", "--rect", "1,1,2,2", "--store", "bare")

    assert (code, "has no layout" in error) == (1, True)
