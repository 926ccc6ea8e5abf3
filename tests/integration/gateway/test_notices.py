"""Display and phone tell the same of an event without effect: the notices of one version are the same over MQTT and
on `GET /cart/view`, whatever a trip begins with."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from broker.embedded.limits import ClientLimits, Limits
from shared.contracts.state import CartState
from shared.db.carts import add_carts
from tests.builders import remove, scan
from tests.eventually import eventually
from tests.integration.broker.embedded import OpenDoor, running
from tests.integration.cart_ingest.program import Ear, listening, running_ingest, say
from tests.integration.gateway.shop import LoggedIn, Shop

Event = dict[str, Any] | bytes
PHONES = itertools.count(1)


@pytest.fixture(scope="module")
def address(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A broker without identities, and a worker between it and the shop's database."""
    limits = ClientLimits(inflight_max=2_000, queue_max=100_000, queue_max_bytes=64 << 20)
    with running(OpenDoor(limits), replace(Limits(), services=limits)) as broker:
        port = broker.address.mqtt_port
        with running_ingest(tmp_path_factory.mktemp("ingest"), database_url=shared_shop.database_url, mqtt_port=port):
            yield broker.address.host, port


@pytest.fixture(scope="module")
def ear(address: tuple[str, int]) -> Iterator[Ear]:
    with listening(address[1], "smartcart/v1/stores/+/carts/+/state") as ear:
        yield ear


@pytest.fixture
def cart(shared_shop: Shop) -> int:
    shared_shop.clock.moment = datetime.now(UTC)
    with psycopg.connect(shared_shop.database_url) as tx:
        (added,) = add_carts(tx, "main", 1)
    return added.cart_id


@pytest.fixture
def phone(shared_shop: Shop) -> LoggedIn:
    return shared_shop.log_in(f"+49170100{next(PHONES):04}")


def unreadable(seq: int, text: str) -> bytes:
    """A scan with this JSON text instead of its quantity."""
    return json.dumps(scan(seq, quantity="?")).replace('"?"', text).encode()


ELSEWHERE = "00000000-0000-4000-8000-000000000000"
FIRST: dict[str, tuple[Event, str | None]] = {
    "a misread code": (scan(1, "9520000099999"), "wrong_check_digit"),
    "an unknown code": (scan(1, "9520000000998"), "unknown_code"),
    "a trip that is not ours": (scan(1, session=ELSEWHERE), "unknown_session"),
    "a removal": (remove(1), "not_in_cart"),
    "a call for staff": ({"v": 1, "epoch": 1, "seq": 1, "type": "help"}, None),
    "a quantity of none": (scan(1, quantity=0), "unreadable"),
    "NaN": (unreadable(1, "NaN"), "unreadable"),
    "a key twice": (unreadable(1, '1, "quantity": 2'), "unreadable"),
    "a code that is no text": (b'{"v":1,"epoch":1,"seq":1,"type":"scan","code":"caf\xe9"}', "unreadable"),
    "a type that we do not know": (scan(1, type="dance"), "unreadable"),
    "a bad weight": (scan(1, weight_g="heavy"), None),
    "a bad trip": (scan(1, session=7), None),
    "good goods": (scan(1), None),
}


def both(shop: Shop, ear: Ear, cart: int, phone: LoggedIn, seq: int) -> tuple[list[Any], list[Any]]:
    """The notices of one version, which knows the event `seq`, on the cart's display and on the phone."""

    def same_version() -> tuple[CartState, Any] | None:
        view = phone.get("/cart/view").json()
        found = [one for one in ear.states(cart) if one.version == view["version"] and one.ack.seq >= seq]
        return (found[0], view) if found else None

    state, view = eventually(same_version)
    assert state.session_id == view["session_id"]
    return [one.model_dump() for one in state.notices], view["notices"]


def is_known(ear: Ear, cart: int, seq: int) -> Callable[[], bool]:
    return lambda: any(one.ack.seq >= seq for one in ear.states(cart))


@pytest.mark.parametrize("taken_first", [False, True], ids=["before the phone", "after the phone"])
@pytest.mark.parametrize(("event", "told"), FIRST.values(), ids=FIRST)
def test_both_tell_the_same_of_the_first_event_of_a_trip(
    shared_shop: Shop,
    address: tuple[str, int],
    ear: Ear,
    cart: int,
    phone: LoggedIn,
    event: Event,
    told: str | None,
    taken_first: bool,
) -> None:
    if taken_first:
        shared_shop.connect(phone, cart)
    say(address, cart, [event])
    eventually(is_known(ear, cart, 1))
    if not taken_first:
        shared_shop.clock.moment = datetime.now(UTC)
        shared_shop.connect(phone, cart)

    display, on_phone = both(shared_shop, ear, cart, phone, 1)

    assert display == on_phone
    assert [one["code"] for one in display] == ([told] if told else [])


def test_both_tell_what_was_late_while_a_shopper_holds_the_cart_and_nothing_older(
    shared_shop: Shop, address: tuple[str, int], ear: Ear, cart: int, phone: LoggedIn
) -> None:
    shared_shop.connect(phone, cart)
    say(address, cart, [scan(1)])
    eventually(is_known(ear, cart, 1))
    last = phone.get("/cart/view").json()["session_id"]
    assert phone.post("/orders/checkout", headers={"Idempotency-Key": f"late-{cart}-pays"}).status_code == 201
    say(address, cart, [scan(2, session=last), remove(3, session=last)])
    eventually(is_known(ear, cart, 3))

    shared_shop.clock.moment = datetime.now(UTC)
    shared_shop.connect(phone, cart)
    assert both(shared_shop, ear, cart, phone, 3) == ([], [])
    say(address, cart, [scan(4, session=last), scan(5, "9520000099999")])

    display, on_phone = both(shared_shop, ear, cart, phone, 5)
    assert display == on_phone
    assert [(one["seq"], one["code"]) for one in display] == [(4, "session_closed"), (5, "wrong_check_digit")]
