"""What is said over one connection never goes backwards, whoever speaks, and nothing is taken for said that was not."""

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cart_ingest import told as told_module
from services.cart_ingest.gated_client import GatedClient, Said
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.told import Told
from shared.contracts.channels import SHOPPER_CART, STATE
from shared.contracts.state import CartState
from shared.db.cart_log import Step
from shared.db.cart_records import LockedCart
from shared.db.cart_states import CartSnapshot, NamedLine
from shared.db.priced_products import ProductName
from shared.domain.cart_record import CartRecord, OpenSession
from shared.domain.frontier import Frontier
from shared.domain.session_cart import Line, SessionCart

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIP = UUID(int=1)
MILK, MILKS_NAME = 11, ProductName("Milk", "09521234543213")


class Radio:
    """Notes what is said; stands in for a connection to a broker."""

    def __init__(self) -> None:
        self.live = True
        self.connection = 1
        self.heard: list[Said] = []

    def say(self, messages: Iterable[Said]) -> list[int]:
        first = len(self.heard)
        self.heard += messages
        return list(range(first, len(self.heard)))

    def versions_of(self, cart_id: int) -> list[int]:
        topic = STATE.topic(store="main", cart=cart_id)
        return [CartState.model_validate_json(one.payload).version for one in self.heard if one.topic == topic]


@pytest.fixture
def radio() -> Radio:
    return Radio()


@pytest.fixture
def told(radio: Radio) -> Told:
    return telling(radio)


def telling(radio: Radio) -> Told:
    told = Told("EUR", Metrics())
    told.begin(cast(GatedClient, radio), radio.connection)
    return told


def cart_of(version: int) -> SessionCart:
    return SessionCart((Line(1, MILK, "9521234543213", version, 199, 189, 1000),), 2, None)


def read(cart_id: int, version: int, shopper_id: int | None = None, **changed: Any) -> CartSnapshot:
    cart = cart_of(version)
    given: dict[str, Any] = {
        "cart_id": cart_id, "store": "main", "version": version, "published_version": 0, "ack_epoch": 1,
        "ack_seq": version, "pairing_code": "123456", "session_id": TRIP, "shopper_id": shopper_id,
        "incomplete": False, "is_closed": False, "cart": cart,
        "lines": tuple(NamedLine(line, *MILKS_NAME) for line in cart.lines), "notices": (),
    }  # fmt: skip
    return CartSnapshot(**(given | changed))


def step(cart_id: int, version: int) -> Step:
    session = OpenSession(TRIP, (0, 0, 0), None, NOW, cart=cart_of(version))
    record = CartRecord(cart_id, Frontier(1, version), session=session)
    return Step(version - 1, LockedCart(record, 1, "main", False, None, version))


def test_a_step_from_what_was_said_is_said_without_reading(told: Told, radio: Radio) -> None:
    told.say([read(7, 4)], [])

    assert told.follow([step(7, 5)], {})
    assert told.say_steps()

    state = CartState.model_validate_json(radio.heard[-1].payload)
    assert (state.version, state.ack.seq, state.lines[0].quantity, state.lines[0].name) == (5, 5, 5, "Milk")
    assert told.unsaid([(7, 5)]) == []


def test_several_steps_are_said_as_one(told: Told, radio: Radio) -> None:
    told.say([read(7, 4)], [])

    assert all(told.follow([step(7, version)], {}) for version in (5, 6, 7))
    told.say_steps()

    assert radio.versions_of(7) == [4, 7]


def test_a_step_from_something_else_has_to_be_read(told: Told, radio: Radio) -> None:
    """Somebody else has changed the cart in between, or it was never said."""
    told.say([read(7, 4)], [])

    assert not told.follow([step(7, 6)], {})
    assert not told.follow([step(8, 2)], {})
    told.say_steps()

    assert radio.versions_of(7) == [4]
    assert told.unsaid([(7, 6), (8, 2)]) == [7, 8]


def test_a_line_that_is_new_has_the_name_that_came_with_its_step(told: Told, radio: Radio) -> None:
    told.say([read(7, 4, cart=SessionCart(), lines=())], [])

    told.follow([step(7, 5)], {MILK: ProductName("Oat milk", None)})
    told.say_steps()

    assert CartState.model_validate_json(radio.heard[-1].payload).lines[0].name == "Oat milk"


def test_what_was_read_before_something_newer_was_said_is_not_said(told: Told, radio: Radio) -> None:
    told.say([read(7, 4)], [])
    told.follow([step(7, 5)], {})
    told.say_steps()

    assert told.say([read(7, 4), read(7, 5)], []) == []

    assert radio.versions_of(7) == [4, 5]


def test_a_state_counts_as_published_when_cart_and_phone_have_it_and_the_tables_know(told: Told, radio: Radio) -> None:
    told.say([read(7, 4, shopper_id=3)], [])
    assert {one.topic for one in radio.heard} == {STATE.topic(store="main", cart=7), SHOPPER_CART.topic(shopper=3)}

    told.confirm([0])
    assert told.list_confirmed() == []
    told.confirm([1])
    assert told.list_confirmed() == [(7, 4)]
    assert told.unsaid([(7, 4)]) == []
    told.published([(7, 4)])

    assert told.list_confirmed() == []
    assert told.unsaid([(7, 4)]) == [7], "asked for once more"


def test_nothing_is_said_on_another_connection_or_after_the_end(told: Told, radio: Radio) -> None:
    told.say([read(7, 4)], [])
    radio.connection += 1

    assert told.say([read(8, 1)], []) is None
    told.follow([step(7, 5)], {})
    assert not told.say_steps()
    assert told.end() == [7]
    assert not told.follow([step(7, 6)], {})
    assert told.say([read(7, 6)], []) is None

    assert radio.versions_of(7) == [4]


def test_what_the_broker_never_confirms_is_read_again(told: Told) -> None:
    told.say([read(7, 4)], [])
    told.follow([step(7, 5)], {})

    assert told.forget_overdue(60) == 0
    assert told.forget_overdue(0) == 1

    assert told.unsaid([(7, 5)]) == [7]
    assert not told.follow([step(7, 6)], {})


def test_no_more_is_under_way_than_there_is_room_for(told: Told, radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_module, "UNCONFIRMED_MAX", 1)
    told.say([read(7, 4)], [])
    told.follow([step(7, 5)], {})

    assert not told.say_steps()
    assert not told.wait_for_room(time.monotonic())
    told.confirm([0])
    assert told.wait_for_room(time.monotonic())
    assert told.say_steps()

    assert radio.versions_of(7) == [4, 5]


def test_of_a_great_many_carts_the_oldest_are_forgotten(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_module, "REMEMBERED", 2)
    told.say([read(7, 4), read(8, 4), read(9, 4)], [])

    assert not told.follow([step(7, 5)], {})
    assert told.follow([step(8, 5), step(9, 5)], {})


MOVES = st.lists(
    st.tuples(st.sampled_from(["step", "silent step", "foreign", "read", "say", "confirm"]), st.sampled_from([1, 2])),
    max_size=60,
)


@given(MOVES)
def test_whoever_speaks_versions_never_go_backwards_and_the_last_word_is_the_newest(
    moves: list[tuple[str, int]],
) -> None:
    radio = Radio()
    told = telling(radio)
    newest: dict[int, int] = defaultdict(lambda: 1)
    being_read: list[CartSnapshot] = []
    for move, cart_id in moves:
        match move:
            case "step" | "silent step":
                newest[cart_id] += 1
                told.follow([step(cart_id, newest[cart_id])], {MILK: MILKS_NAME})
                if move == "step":
                    told.say_steps()
            case "foreign":
                newest[cart_id] += 1
            case "read":
                being_read.append(read(cart_id, newest[cart_id]))
            case "say":
                told.say(being_read, [])
                being_read = []
            case "confirm":
                told.confirm(range(len(radio.heard)))
                told.published(told.list_confirmed())

    told.say_steps()
    told.say([read(cart_id, newest[cart_id]) for cart_id in told.unsaid(newest.items())], [])
    for cart_id, version in newest.items():
        versions = radio.versions_of(cart_id)
        assert versions == sorted(versions)
        assert versions[-1] == version
