"""`smartcart carts` as an operator's script uses it."""

import json
from collections.abc import Callable

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from shared.db.stores import ensure_store

Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(autouse=True)
def main_store(connection: Connection[TupleRow]) -> None:
    ensure_store(connection, "main")


def test_carts_are_added_as_json_lines_listed_rotated_and_revoked(smartcart: Command) -> None:
    exit_code, lines, _ = smartcart("carts", "add", "--count", "3", "--store", "main", "--json")
    carts = [json.loads(line) for line in lines]
    assert exit_code == 0
    assert [set(cart) for cart in carts] == [{"cart_id", "store", "username", "password"}] * 3

    first = str(carts[0]["cart_id"])
    rotated = json.loads(smartcart("carts", "rotate", first, "--json")[1][0])
    assert rotated["username"] == carts[0]["username"]
    assert rotated["password"] != carts[0]["password"]
    assert smartcart("carts", "revoke", first)[0] == 0
    assert smartcart("carts", "revoke", first)[0] == 0

    listed = [json.loads(line) for line in smartcart("carts", "list", "--json")[1]]
    assert [cart["revoked_at"] is None for cart in listed] == [False, True, True]
    assert "password" not in json.dumps(listed)
    assert any(first in line for line in smartcart("carts", "list", "--store", "main")[1])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "--store", "nowhere"), "there is no store 'nowhere'"),
        (("list", "--store", "nowhere"), "there is no store 'nowhere'"),
        (("rotate", "4711"), "there is no cart 4711"),
        (("revoke", "4711"), "there is no cart 4711"),
    ],
)
def test_what_is_not_there_ends_the_command_with_one_line(
    smartcart: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    exit_code, lines, error = smartcart("carts", *arguments)
    assert (exit_code, lines) == (1, [])
    assert sentence in error
    assert error.count("\n") == 1


def test_a_revoked_cart_gets_no_new_password(smartcart: Command) -> None:
    (line,) = smartcart("carts", "add", "--json")[1]
    cart_id = str(json.loads(line)["cart_id"])
    smartcart("carts", "revoke", cart_id)
    exit_code, lines, error = smartcart("carts", "rotate", cart_id)
    assert (exit_code, lines) == (1, [])
    assert "was revoked" in error
