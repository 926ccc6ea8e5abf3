"""States that go out: retained, fresh, growing, confirmed, from one publisher, found again after any crash."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from shared.contracts.channels import COMMANDS, SHOPPER_CART, STATE
from shared.contracts.commands import CART_COMMAND, Resend
from shared.contracts.state import CartState
from shared.contracts.channels import MAX_PAYLOAD_BYTES, STATUS
from tests.builders import Shop, build_shop, scan
from tests.eventually import eventually
from tests.fault_proxy import FaultProxy, Way, fault_proxy
from tests.integration.broker.embedded import OpenDoor, RunningBroker, running
from tests.integration.cart_ingest.conftest import EVERYBODY, StartIngest
from tests.integration.cart_ingest.program import (
    Ear,
    check_out,
    counted,
    listening,
    query,
    retained_states,
    running_ingest,
    say,
    say_on,
    take_cart,
)
from tests.mosquitto import needs_mosquitto, start_mosquitto


def versions(shop: Shop) -> dict[int, int]:
    return dict(query(shop.url, "SELECT cart_id, version FROM cart"))


def nothing_to_publish(shop: Shop) -> bool:
    return query(shop.url, "SELECT count(*) FROM cart WHERE version > published_version") == [(0,)]


def retained_equals_database(shop: Shop, port: int) -> bool:
    return {cart: state.version for cart, state in retained_states(port).items()} == versions(shop)


def never_backwards(ear: Ear, shop: Shop) -> bool:
    return all(
        before.version <= after.version
        for cart in shop.carts
        for before, after in zip(ear.states(cart), ear.states(cart)[1:], strict=False)
    )


def test_what_was_committed_and_not_published_when_the_worker_was_killed_is_published_by_the_next(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    mute = "from services.cart_ingest.publisher import Publisher\nPublisher._publish_all = lambda self, connection: None\n"
    first = start_ingest(sabotage=mute)
    say(address, shop.carts[0], [scan(seq) for seq in range(1, 6)])
    eventually(lambda: counted(shop.url)["logged"] == 5)
    assert not nothing_to_publish(shop)
    first.kill()

    start_ingest()

    eventually(lambda: retained_equals_database(shop, address[1]))
    assert retained_states(address[1])[shop.carts[0]].ack.seq == 5


def test_versions_never_go_backwards_for_a_subscriber_although_workers_are_killed(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    with listening(address[1], STATE.filter) as ear:
        for turn in range(3):
            ingest = start_ingest()
            for cart in shop.carts:
                say(address, cart, [scan(10 * turn + one) for one in range(1, 11)])
            ingest.kill()
        start_ingest()
        eventually(lambda: counted(shop.url)["logged"] == 150)
        eventually(lambda: nothing_to_publish(shop))

        assert never_backwards(ear, shop)
    assert retained_equals_database(shop, address[1])


def test_a_version_counts_as_published_only_when_the_broker_has_confirmed_it(tmp_path: Path, shop: Shop) -> None:
    with running(OpenDoor(EVERYBODY)) as broker, fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy:
        with running_ingest(tmp_path, shop.url, proxy.port) as ingest:
            eventually(lambda: nothing_to_publish(shop))
            proxy.silence(Way.DOWN)
            query(shop.url, "UPDATE cart SET version = version + 1")
            eventually(lambda: ingest.logged("states_not_confirmed"), within_s=15)
            assert not nothing_to_publish(shop)

            proxy.heal()
            eventually(lambda: nothing_to_publish(shop), within_s=15)
            assert retained_equals_database(shop, broker.address.mqtt_port)


def test_after_a_lost_connection_nothing_old_is_sent_again(tmp_path: Path, shop: Shop) -> None:
    """paho would send what it still holds: by then it is older than what was published since."""
    with running(OpenDoor(EVERYBODY)) as broker, fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy:
        with running_ingest(tmp_path, shop.url, proxy.port), listening(broker.address.mqtt_port, STATE.filter) as ear:
            for turn in range(5):
                eventually(lambda: nothing_to_publish(shop), within_s=20)
                proxy.silence(Way.DOWN)
                for _ in range(5):
                    query(shop.url, "UPDATE cart SET version = version + 1")
                eventually(lambda: len(ear.states(shop.carts[0])) >= 2 * turn + 1)  # noqa: B023
                proxy.reset()
                proxy.heal()
            eventually(lambda: nothing_to_publish(shop), within_s=20)
            eventually(lambda: retained_equals_database(shop, broker.address.mqtt_port))
            assert never_backwards(ear, shop)


def test_a_broker_that_lost_its_memory_is_told_everything_again(tmp_path: Path, shop: Shop) -> None:
    with fault_proxy_to_nowhere() as (proxy, point_to):
        with running(OpenDoor(EVERYBODY)) as first:
            point_to(first.address.mqtt_port)
            with running_ingest(tmp_path, shop.url, proxy.port) as ingest:
                say((first.address.host, first.address.mqtt_port), shop.carts[0], [scan(1)])
                eventually(lambda: counted(shop.url)["logged"] == 1)
                eventually(lambda: nothing_to_publish(shop))
                with running(OpenDoor(EVERYBODY)) as second:
                    point_to(second.address.mqtt_port)
                    proxy.reset()

                    eventually(lambda: ingest.logged("publishing_everything_again") >= 2, within_s=20)
                    eventually(lambda: retained_equals_database(shop, second.address.mqtt_port))
                    say((second.address.host, second.address.mqtt_port), shop.carts[0], [scan(2)])
                    eventually(lambda: counted(shop.url)["logged"] == 2)


class fault_proxy_to_nowhere:  # noqa: N801 - reads as the context manager that it is
    """A fault proxy whose other end can be moved."""

    def __enter__(self) -> "tuple[FaultProxy, object]":
        self._proxy = FaultProxy(("127.0.0.1", 1))
        return self._proxy, self._point_to

    def _point_to(self, port: int) -> None:
        self._proxy._upstream = ("127.0.0.1", port)

    def __exit__(self, *_: object) -> None:
        self._proxy.close()


@pytest.mark.mosquitto
@needs_mosquitto
def test_states_that_mosquitto_confirmed_and_lost_when_it_was_killed_are_said_again(
    tmp_path: Path, shop: Shop
) -> None:
    """It keeps the session (session_present = 1) and forgets retained messages of the last second."""
    from broker.mosquitto.render import Account
    from shared.access import ServiceIdentity

    password = "development-service-password"
    accounts = [Account(ServiceIdentity(name), password) for name in ("ingest-0", "publisher-0", "bench-0")]
    with fault_proxy_to_nowhere() as (proxy, point_to):
        (tmp_path / "mosquitto").mkdir()
        with start_mosquitto(tmp_path / "mosquitto", accounts) as first:
            point_to(first.port)
            with running_ingest(tmp_path, shop.url, proxy.port):
                eventually(lambda: nothing_to_publish(shop))
                import os
                import signal
                import time

                time.sleep(2.5)
                query(shop.url, "UPDATE cart SET version = version + 1")
                eventually(lambda: nothing_to_publish(shop))
                os.kill(first.pid, signal.SIGKILL)
                proxy.reset()
                published = versions(shop)
                with start_mosquitto(tmp_path / "mosquitto", accounts, port=first.port):
                    eventually(
                        lambda: retained_by_mosquitto(first.port, password) == published, within_s=20, every_s=0.5
                    )


def retained_by_mosquitto(port: int, password: str) -> dict[int, int]:
    from tests.integration.broker.wire import RawClient, Silence

    found = {}
    with RawClient(("127.0.0.1", port)) as line:
        line.connect("bench-0", "bench-0", password)
        line.subscribe((STATE.filter, 0))
        try:
            while True:
                state = CartState.model_validate_json(line.receive(0.5).payload)
                found[state.cart_id] = state.version
        except Silence:
            return found


def test_of_two_workers_one_publishes_and_the_other_takes_over_when_it_dies(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    first = start_ingest()
    eventually(lambda: first.logged("publisher_leads"))
    second = start_ingest(name="ingest-1")
    say(address, shop.carts[0], [scan(1)])
    eventually(lambda: nothing_to_publish(shop) and counted(shop.url)["received"] == 2)
    assert second.logged("publisher_leads") == 0
    assert second.metric("ingest_states_published_total") == 0
    assert leaders(shop) == 1

    first.kill()
    say(address, shop.carts[0], [scan(2)])

    eventually(lambda: second.logged("publisher_leads"))
    eventually(lambda: retained_equals_database(shop, address[1]))
    assert leaders(shop) == 1


def leaders(shop: Shop) -> int:
    ((count,),) = query(
        shop.url,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    return int(count)


def test_a_publisher_that_the_broker_does_not_hear_lets_another_lead(tmp_path: Path, shop: Shop) -> None:
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        running_ingest(tmp_path, shop.url, proxy.port) as deaf,
    ):
        eventually(lambda: deaf.logged("publisher_leads"))
        with running_ingest(tmp_path, shop.url, broker.address.mqtt_port, name="ingest-1") as other:
            proxy.refusing = True
            proxy.reset()

            eventually(lambda: other.logged("publisher_leads"))
            assert deaf.child.poll() is None


def test_the_shopper_is_told_that_the_trip_has_ended_and_then_hears_no_more_of_the_cart(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart, shopper = shop.carts[0], shop.shoppers[0]
    topic = SHOPPER_CART.topic(shopper=shopper)
    start_ingest()
    with listening(address[1], topic, STATE.topic(store="main", cart=cart)) as ear:
        say(address, cart, [scan(1)])
        eventually(lambda: counted(shop.url)["logged"] == 1)
        take_cart(shop, cart, shopper)
        eventually(lambda: ear.on(topic))
        check_out(shop, shopper)
        eventually(lambda: CartState.model_validate_json(ear.on(topic)[-1]).status == "closed")
        say(address, cart, [scan(2)])
        eventually(lambda: ear.last_state(cart).ack.seq == 2)

        told = [CartState.model_validate_json(payload) for payload in ear.on(topic)]

    assert [state.status for state in told][-1] == "closed"
    assert told[-1].total_minor == 189
    assert [state.version for state in told] == sorted({state.version for state in told})
    assert all(state.pairing_code is None for state in told)
    assert all(not retained for where, _, retained in ear.heard if where == topic)
    assert ear.last_state(cart).pairing_code is not None


def test_a_state_of_300_lines_stays_within_the_contract_and_says_what_it_leaves_out(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart = shop.carts[0]
    codes = [f"95200{number:08d}" for number in range(300)]
    with psycopg.connect(shop.url) as tx:
        for number, code in enumerate(codes):
            name = "Ö" * 70 + str(number)
            row = tx.execute(
                "INSERT INTO product (barcode, name, price_minor) VALUES (%s, %s, 100) RETURNING product_id",
                (code, name),
            ).fetchone()
            assert row is not None
            tx.execute("INSERT INTO product_code (code, product_id) VALUES (%s, %s)", (f"house-{number}", row[0]))
    start_ingest()

    say(address, cart, [scan(seq, f"house-{seq - 1}") for seq in range(1, 301)])
    eventually(lambda: counted(shop.url)["logged"] == 300)
    eventually(lambda: nothing_to_publish(shop))

    with listening(address[1], STATE.topic(store="main", cart=cart)) as ear:
        eventually(lambda: ear.heard)
        state = ear.last_state(cart)
    assert len(ear.heard[0][1]) <= MAX_PAYLOAD_BYTES
    assert len(ear.heard[0][1]) > MAX_PAYLOAD_BYTES // 2, "as much as fits is shown"
    assert state.lines_omitted == 300 - len(state.lines)
    assert state.lines[-1].line == 300
    assert (state.total_items, state.total_minor) == (300, 30_000)


def test_a_gap_is_asked_for_again_and_again_but_not_too_often_and_the_asking_expires(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart = shop.carts[0]
    ingest = start_ingest()
    with listening(address[1], COMMANDS.topic(store="main", cart=cart)) as ear:
        for seq in range(2, 12):
            say(address, cart, [scan(seq)])

        eventually(lambda: len(ear.heard) == 1)
        eventually(lambda: counted(shop.url)["logged"] == 10)
        assert len(ear.heard) == 1, "ten events beyond the gap, asked once"
        command = CART_COMMAND.validate_json(ear.heard[0][1])
        assert isinstance(command, Resend)
        assert (command.epoch, command.seq) == (1, 1)
        life = datetime.fromtimestamp(command.expires_at / 1000, UTC) - datetime.now(UTC)
        assert timedelta(0) < life < timedelta(seconds=15)
        eventually(lambda: len(ear.heard) == 2, message="it is asked for again")

        say(address, cart, [scan(1)])
        eventually(lambda: retained_states(address[1])[cart].ack.seq == 11)
    assert ingest.metric("ingest_resend_commands_total") == len(ear.heard)


def test_a_gap_that_stands_too_long_flags_the_trip_and_calls_staff(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    online, offline = shop.carts[:2]
    start_ingest(gap_timeout_s=1)
    say_on(address, [(STATUS.topic(store="main", cart=online), {"v": 1, "online": True, "epoch": 1})])
    for cart in (online, offline):
        say(address, cart, [scan(1), scan(3)])

    eventually(lambda: retained_states(address[1])[online].status == "incomplete")

    assert retained_states(address[1])[online].ack.seq == 3
    assert query(shop.url, "SELECT cart_id, kind FROM alert") == [(online, "gap")]
    assert retained_states(address[1])[offline].ack.seq == 1, "a cart that is offline may still have it"
    say(address, online, [scan(2)])
    eventually(lambda: counted(shop.url)["logged"] == 5)
    assert retained_states(address[1])[online].status == "incomplete"


def test_the_publisher_and_the_workers_never_wait_for_each_other_in_a_circle(
    start_ingest: StartIngest, database_url: str, address: tuple[str, int]
) -> None:
    """R18: rows of many carts are locked by workers, by the publisher and by a broker's loss of memory."""
    shop = build_shop_of_many(database_url)
    ingests = [start_ingest(), start_ingest(name="ingest-1")]
    stop = threading.Event()

    def forget_often() -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not stop.wait(0.01):
                from shared.db.cart_states import mark_published, publish_everything_again

                publish_everything_again(connection)
                mark_published(connection, [(cart, 1) for cart in reversed(shop)])

    forgetter = threading.Thread(target=forget_often)
    forgetter.start()
    try:
        from tests.integration.cart_ingest.program import events_topic

        say_on(address, [(events_topic(cart), scan(seq)) for seq in range(1, 16) for cart in shop])
        eventually(lambda: counted(database_url)["logged"] == 15 * len(shop), within_s=60)
    finally:
        stop.set()
        forgetter.join()

    ((deadlocks,),) = query(
        database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks == 0
    assert all(ingest.logged("database_away") == 0 for ingest in ingests)


def build_shop_of_many(database_url: str) -> list[int]:
    from shared.db.carts import add_carts

    with psycopg.connect(database_url) as tx:
        return [added.cart_id for added in add_carts(tx, "main", 200)]
