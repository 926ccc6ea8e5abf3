"""What the broker refuses has a name: in the log once a period, in the database with its number of times."""

from datetime import UTC, datetime

import psycopg
import structlog

from broker.embedded import refusals
from broker.embedded.refusals import Refusals, RefusalWriter
from shared.db.broker_refusals import KEPT_PER_CART, RefusedThing, list_broker_refusals, record_broker_refusals
from shared.db.carts import add_carts
from shared.db.stores import ensure_store
from tests.integration.broker.conftest import CART, HouseBroker, password_of
from tests.integration.broker.embedded import RunningBroker
from tests.integration.broker.wire import Will

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def refused_to(house: RunningBroker) -> dict[tuple[str, str, str], tuple[int, str]]:
    return {
        (one.act, one.reason, one.topic): (one.times, one.detail)
        for one in house.broker.refusals.take()
        if one.cart_id == CART.cart_id
    }


def test_each_mistake_of_a_cart_is_told_apart_and_the_cart_sees_what_it_saw_before(
    embedded_only: HouseBroker, embedded_house: RunningBroker
) -> None:
    good = password_of(CART)
    attempts: list[tuple[tuple[str, str, str], dict[str, object]]] = [
        (("esp32-4711", "cart-1", good), {}),
        (("cart-1", "cart-1", "f" * 64), {}),
        (("cart-1", "cart-1", good), {"will": Will("smartcart/v1/main/carts/2/status")}),
    ]
    for names, rest in attempts:
        with embedded_only.client() as client:
            assert client.connect(*names, **rest).body == b"\0\x05"  # type: ignore[arg-type]
    with embedded_only.join(CART) as cart:
        for _ in range(3):
            cart.publish("carts/1/events", b"{}", 1)
        assert cart.subscribe(("smartcart/#", 1), ("a/#/b", 1)) == [0x80, 0x80]
        cart.send(b"\xf0\0")
        assert cart.is_closed_by_broker()
    assert refused_to(embedded_house) == {
        ("connect", "wrong_client_id", ""): (1, "client id esp32-4711"),
        ("connect", "wrong_password", ""): (1, ""),
        ("connect", "will_not_granted", "smartcart/v1/main/carts/2/status"): (1, ""),
        ("publish", "not_granted", "carts/1/events"): (3, ""),
        ("subscribe", "not_granted", "smartcart/#"): (1, ""),
        ("subscribe", "malformed_filter", "a/#/b"): (1, ""),
        ("packet", "malformed: packet kind or flags", ""): (1, ""),
    }


def test_a_client_that_repeats_itself_is_one_line_in_the_log_and_a_flood_of_names_is_bounded() -> None:
    noted = Refusals()
    with structlog.testing.capture_logs() as lines:
        for _ in range(10_000):
            noted.note("cart-7", "publish", "not_granted", "a/b")
        for number in range(5_000):
            noted.note(f"stranger-{number}\n\x1b[2J", "connect", "unknown_user")
    assert len(lines) < 5_000 / 10
    assert lines[0] | {"log_level": ""} == {
        "event": "refused",
        "log_level": "",
        "client": "cart-7",
        "act": "publish",
        "reason": "not_granted",
        "topic": "a/b",
    }
    assert "\x1b" not in str([line["client"] for line in lines][1:3])
    assert noted.only_counted == 5_001 - refusals.KINDS_MAX
    assert noted.take() == [RefusedThing(7, "publish", "not_granted", "a/b", "", 10_000)], "a stranger has no row"
    assert noted.take() == []


def test_the_database_keeps_the_newest_of_a_cart_and_adds_up(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as tx:
        ensure_store(tx, "main")
        (cart,) = add_carts(tx, "main", 1)
        noted = Refusals()
        for times in (2, 3):
            for _ in range(times):
                noted.note(f"cart-{cart.cart_id}", "publish", "not_granted", "a/b")
            noted.note("cart-999999999", "publish", "not_granted", "a/b")
            RefusalWriter(noted, database_url, lambda: NOW).write()
        (kept,) = list_broker_refusals(tx, cart.cart_id)
        assert (kept.act, kept.topic, kept.times, kept.last_at) == ("publish", "a/b", 5, NOW)
        many = [RefusedThing(cart.cart_id, "publish", "not_granted", f"t/{n:03}", "", 1) for n in range(100)]
        record_broker_refusals(tx, many, NOW.replace(hour=13))
        listed = list_broker_refusals(tx, cart.cart_id)
        assert len(listed) == KEPT_PER_CART
        assert kept.topic not in {one.topic for one in listed}
        record_broker_refusals(tx, [], NOW.replace(month=6))
        assert list_broker_refusals(tx, cart.cart_id) == [], "two weeks are over"
