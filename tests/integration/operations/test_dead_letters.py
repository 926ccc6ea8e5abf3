"""`smartcart dead-letters` as an operator uses it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.db.cart_log import apply_events
from shared.db.dead_letters import DeadLetter
from tests.builders import NOW, Shop, build_shop, incoming

Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def shop(database_url: str) -> Shop:
    shop = build_shop(database_url)
    with shop.connect() as tx:
        stray = DeadLetter("some/where\x1b[2J", b"\x00\xff\x1b[31m", "topic", "not a topic of a cart")
        apply_events(tx, [incoming(shop.carts[0], b"{")], [stray], NOW, "ingest-0")
    return shop


def listed(smartcart: Command, *arguments: str) -> list[Any]:
    return [json.loads(line) for line in smartcart("dead-letters", "list", "--json", *arguments)[1]]


def test_letters_are_listed_with_their_reasons_the_newest_first(smartcart: Command, shop: Shop) -> None:
    assert [letter["reason"] for letter in listed(smartcart)] == ["topic", "decode"]
    assert [letter["reason"] for letter in listed(smartcart, "--reason", "decode")] == ["decode"]
    assert smartcart("dead-letters", "list")[0] == 0


def test_control_characters_of_a_letter_never_reach_the_terminal(smartcart: Command, shop: Shop) -> None:
    number = listed(smartcart, "--reason", "topic")[0]["dead_letter_id"]

    code, lines, _ = smartcart("dead-letters", "show", str(number))

    assert code == 0
    assert all(character.isprintable() for line in lines for character in line)
    assert "\\x00\\xff\\x1b[31m" in "".join(lines)


def test_brackets_in_a_letter_are_shown_and_not_obeyed(smartcart: Command, shop: Shop) -> None:
    with shop.connect() as tx:
        odd = DeadLetter("elsewhere", b"[/red]", "topic", "[/x] :boom: [red]")
        apply_events(tx, [], [odd], NOW, "ingest-0")

    code, lines, _ = smartcart("dead-letters", "list", "--reason", "topic")

    assert code == 0
    table = "".join(line.replace(" ", "").replace("│", "") for line in lines)
    assert "[/x]" in table
    assert ":boom:" in table


def test_a_letter_that_stays_dead_exits_with_1(smartcart: Command, shop: Shop) -> None:
    number = listed(smartcart, "--reason", "decode")[0]["dead_letter_id"]

    assert smartcart("dead-letters", "retry", str(number))[0] == 1
    assert listed(smartcart, "--reason", "decode")[0]["outcome"] == "decode"


@pytest.mark.parametrize("command", ["show", "retry"])
def test_a_letter_that_is_not_there_is_said_so(smartcart: Command, shop: Shop, command: str) -> None:
    code, _, error = smartcart("dead-letters", command, "4711")

    assert (code, "there is no dead letter 4711" in error) == (1, True)


def test_replay_verify_ends_clean_and_says_the_law(smartcart: Command, shop: Shop) -> None:
    code, lines, _ = smartcart("replay", "--verify")

    assert code == 0
    assert lines[0].startswith("received=2 = applied=0")
    assert "differences=0" in lines[1]
