"""`smartcart operators` as whoever runs the store uses it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from shared.db.operator_passwords import is_password
from shared.db.operators import find_operator_password, find_session, open_session

Command = Callable[..., tuple[int, list[str], str]]
NOW = datetime.now(UTC)


def test_operators_are_added_listed_and_removed_and_the_password_is_shown_once(
    smartcart: Command, connection: Connection[TupleRow]
) -> None:
    account = json.loads(smartcart("operators", "add", "ada", "--role", "manager", "--json")[1][0])
    assert (account["name"], account["role"]) == ("ada", "manager")
    kept = find_operator_password(connection, "ada")
    assert kept is not None
    assert kept.role == "manager"
    assert is_password(account["password"], kept.password)
    assert not is_password(account["password"] + "x", kept.password)
    assert smartcart("operators", "add", "ben")[1][0].startswith("name=ben role=staff password=")

    listed = [json.loads(line) for line in smartcart("operators", "list", "--json")[1]]
    assert [(one["name"], one["role"], one["last_login_at"]) for one in listed] == [
        ("ada", "manager", None),
        ("ben", "staff", None),
    ]
    assert account["password"] not in json.dumps(listed)
    assert smartcart("operators", "remove", "ben")[:2] == (0, ["removed=ben"])
    assert "ben" not in "".join(smartcart("operators", "list")[1])


@pytest.mark.parametrize("deed", ["password", "remove"])
def test_another_password_and_a_removal_end_every_login(
    smartcart: Command, connection: Connection[TupleRow], deed: str
) -> None:
    smartcart("operators", "add", "ada")
    kept = find_operator_password(connection, "ada")
    assert kept is not None
    open_session(connection, kept.operator_id, b"t" * 32, "ada", b"a" * 32, NOW)
    assert find_session(connection, b"t" * 32, NOW + timedelta(hours=1)) is not None
    assert smartcart("operators", deed, "ada")[0] == 0
    assert find_session(connection, b"t" * 32, NOW + timedelta(hours=1)) is None


def test_a_name_may_be_given_again_after_a_removal_and_the_log_keeps_both(
    smartcart: Command, connection: Connection[TupleRow]
) -> None:
    smartcart("operators", "add", "ada")
    smartcart("operators", "remove", "ada")
    assert smartcart("operators", "add", "ada")[0] == 0
    assert connection.execute("SELECT count(*), count(removed_at) FROM operator").fetchone() == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("remove", "nobody"), "there is no operator nobody"),
        (("password", "nobody"), "there is no operator nobody"),
    ],
)
def test_what_is_not_there_ends_the_command_with_one_line(
    smartcart: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    exit_code, lines, error = smartcart("operators", *arguments)
    assert (exit_code, lines) == (1, [])
    assert sentence in error


def test_a_name_is_taken_once_and_has_plain_letters(smartcart: Command) -> None:
    smartcart("operators", "add", "ada")
    assert "there is an operator ada already" in smartcart("operators", "add", "ada")[2]
    assert smartcart("operators", "add", "Ada Lovelace")[0] == 2
