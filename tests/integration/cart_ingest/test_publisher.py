"""States that go out: retained, fresh, growing, confirmed, from one publisher, found again after any crash."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from shared.access import CartIdentity, ServiceIdentity
from shared.contracts.channels import COMMANDS, MAX_PAYLOAD_BYTES, SHOPPER_CART, STATE, STATUS
from shared.contracts.commands import CART_COMMAND, Resend
from shared.contracts.state import CartState
from shared.db.cart_records import lock_carts
from shared.db.cart_states import mark_published, publish_everything_again
from shared.db.carts import add_carts
from shared.db.queries import sql
from shared.db.types import Tx
from shared.mosquitto.rights import Account
from tests.builders import Shop, scan
from tests.eventually import eventually
from tests.fault_proxy import FaultProxy, Way, fault_proxy
from tests.integration.broker.embedded import SERVICE_PASSWORD, OpenDoor, running
from tests.integration.broker.wire import RawClient
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

IMPATIENT = "from services.cart_ingest import publisher; publisher.CONFIRM_WITHIN_S = 1.0\n"


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
    mute = (
        "from services.cart_ingest.publisher import Publisher\nPublisher._publish_all = lambda self, connection: None\n"
    )
    first = start_ingest(sabotage=mute)
    say(address, shop.carts[0], [scan(seq) for seq in range(1, 6)])
    eventually(lambda: counted(shop.url)["logged"] == 5)
    assert not nothing_to_publish(shop)
    first.kill()

    start_ingest()

    eventually(lambda: retained_equals_database(shop, address[1]))
    assert retained_states(address[1])[shop.carts[0]].ack.seq == 5


def test_many_carts_are_published_together(start_ingest: StartIngest, shop: Shop, address: tuple[str, int]) -> None:
    """A lock held while calling paho, which calls back under its own, stopped the publisher at about 50 carts."""
    with shop.connect() as tx:
        add_carts(tx, "main", 600)
    start_ingest()

    eventually(lambda: nothing_to_publish(shop))

    assert retained_equals_database(shop, address[1])


@pytest.mark.slow
def test_versions_never_go_backwards_for_a_subscriber_although_workers_are_killed(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    with listening(address[1], STATE.filter) as ear:
        for turn in range(2):
            ingest = start_ingest()
            for cart in shop.carts:
                say(address, cart, [scan(10 * turn + one) for one in range(1, 11)])
            ingest.kill()
        start_ingest()
        eventually(lambda: counted(shop.url)["logged"] == 100)
        eventually(lambda: nothing_to_publish(shop))

        assert never_backwards(ear, shop)
    assert retained_equals_database(shop, address[1])


def test_a_version_counts_as_published_only_when_the_broker_has_confirmed_it(tmp_path: Path, shop: Shop) -> None:
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        running_ingest(tmp_path, shop.url, proxy.port, sabotage=IMPATIENT) as ingest,
    ):
        eventually(lambda: nothing_to_publish(shop))
        proxy.silence(Way.DOWN)
        query(shop.url, "UPDATE cart SET version = version + 1")
        eventually(lambda: ingest.logged("states_not_confirmed"), within_s=15)
        assert not nothing_to_publish(shop)

        proxy.heal()
        eventually(lambda: nothing_to_publish(shop), within_s=15)
        assert retained_equals_database(shop, broker.address.mqtt_port)


@pytest.mark.slow
def test_after_a_lost_connection_nothing_old_is_sent_again(tmp_path: Path, shop: Shop) -> None:
    """paho would send what it still holds: by then it is older than what was published since."""
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        running_ingest(tmp_path, shop.url, proxy.port, sabotage=IMPATIENT),
        listening(broker.address.mqtt_port, STATE.filter) as ear,
    ):
        eventually(lambda: nothing_to_publish(shop), within_s=20)
        proxy.silence(Way.DOWN)
        for _ in range(2):  # both go out on the same connection, neither is confirmed
            query(shop.url, "UPDATE cart SET version = version + 1")
            newest = versions(shop)[shop.carts[0]]
            eventually(lambda: ear.last_state(shop.carts[0]).version == newest)  # noqa: B023
        proxy.heal()
        proxy.reset()
        eventually(lambda: nothing_to_publish(shop), within_s=20)
        eventually(lambda: retained_equals_database(shop, broker.address.mqtt_port))
        assert never_backwards(ear, shop)


def test_a_broker_that_lost_its_memory_is_told_everything_again(tmp_path: Path, shop: Shop) -> None:
    with (
        moving_proxy() as (proxy, point_to),
        running(OpenDoor(EVERYBODY)) as first,
        running(OpenDoor(EVERYBODY)) as second,
    ):
        point_to(first.address.mqtt_port)
        with running_ingest(tmp_path, shop.url, proxy.port) as ingest:
            say((first.address.host, first.address.mqtt_port), shop.carts[0], [scan(1)])
            eventually(lambda: counted(shop.url)["logged"] == 1)
            eventually(lambda: nothing_to_publish(shop))
            point_to(second.address.mqtt_port)
            proxy.reset()

            eventually(lambda: ingest.logged("publishing_everything_again") == 3, within_s=20)
            eventually(lambda: retained_equals_database(shop, second.address.mqtt_port))
            say((second.address.host, second.address.mqtt_port), shop.carts[0], [scan(2)])
            eventually(lambda: counted(shop.url)["logged"] == 2)


def test_a_state_that_somebody_wiped_is_whole_again_after_the_next_sweep(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    often = (
        "from services.cart_ingest import publisher\n"
        "publisher.SWEEP_EVERY_S, publisher.SWEEP_STEP_S, publisher.SWEPT_TOGETHER = 0.5, 0.1, 2\n"
    )
    start_ingest(sabotage=often)
    for cart in shop.carts:
        say(address, cart, [scan(1)])
    eventually(lambda: nothing_to_publish(shop) and retained_equals_database(shop, address[1]))
    with RawClient(address) as vandal:
        vandal.connect("vandal")
        for cart in shop.carts:
            vandal.publish(STATE.topic(store="main", cart=cart), b"", qos=0, retain=True)
        vandal.until_pong()
        vandal.leave()

    eventually(lambda: retained_equals_database(shop, address[1]))


def test_a_worker_killed_before_it_told_a_forgetful_broker_everything_leaves_that_to_the_next_one(
    tmp_path: Path, shop: Shop
) -> None:
    """The new broker remembers a session of the worker that was killed, and so looks as if it had not forgotten."""
    with running(OpenDoor(EVERYBODY)) as first, running(OpenDoor(EVERYBODY)) as second:
        with running_ingest(tmp_path, shop.url, first.address.mqtt_port) as killed:
            eventually(lambda: nothing_to_publish(shop))
            killed.kill()
        with RawClient((second.address.host, second.address.mqtt_port)) as line:
            line.connect("ingest-0", "ingest-0", SERVICE_PASSWORD, clean=False)

        with running_ingest(tmp_path, shop.url, second.address.mqtt_port):
            eventually(lambda: retained_equals_database(shop, second.address.mqtt_port))


@contextlib.contextmanager
def moving_proxy() -> Iterator[tuple[FaultProxy, Callable[[int], None]]]:
    """A fault proxy whose other end can be moved to another port."""
    with fault_proxy(("127.0.0.1", 1)) as proxy:

        def point_to(port: int) -> None:
            proxy.upstream = ("127.0.0.1", port)

        yield proxy, point_to


def test_states_that_a_broker_confirmed_and_forgot_while_it_kept_the_session_are_said_again(
    tmp_path: Path, shop: Shop
) -> None:
    """As a broker does that was killed before it wrote its memory down: session_present is 1 all the same."""
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        running_ingest(tmp_path, shop.url, proxy.port) as ingest,
    ):
        eventually(lambda: ingest.logged("publishing_everything_again") == 2, message="a fresh start, a fresh session")
        eventually(lambda: nothing_to_publish(shop))
        broker.loop.call_soon_threadsafe(broker.broker._retained.clear)
        proxy.reset()

        eventually(lambda: retained_equals_database(shop, broker.address.mqtt_port))
        assert ingest.logged("publishing_everything_again") == 2, "not everything: what was said lately"


@pytest.mark.slow
@pytest.mark.mosquitto
@needs_mosquitto
def test_states_that_mosquitto_confirmed_and_lost_when_it_was_killed_are_said_again(tmp_path: Path, shop: Shop) -> None:
    """It keeps the session (session_present = 1) and forgets retained messages of the last second."""
    accounts = [Account(ServiceIdentity(name), SERVICE_PASSWORD) for name in ("ingest-0", "publisher-0")]
    accounts += [Account(CartIdentity(cart, "main"), shop.passwords[cart]) for cart in shop.carts]
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with moving_proxy() as (proxy, point_to), start_mosquitto(folder, accounts) as first:
        point_to(first.port)
        with running_ingest(tmp_path, shop.url, proxy.port, mqtt_service_password=SERVICE_PASSWORD):
            eventually(lambda: nothing_to_publish(shop))
            eventually(lambda: (folder / "mosquitto.db").exists() or list(folder.rglob("*.db")), within_s=5)
            query(shop.url, "UPDATE cart SET version = version + 1")
            eventually(lambda: nothing_to_publish(shop))
            os.kill(first.pid, signal.SIGKILL)
            proxy.reset()

            with start_mosquitto(folder, accounts, port=first.port):
                eventually(lambda: retained_by_mosquitto(first.port, shop) == versions(shop), within_s=20)


def retained_by_mosquitto(port: int, shop: Shop) -> dict[int, int]:
    """The version that each cart is told when it connects."""
    found = {}
    for cart in shop.carts:
        with RawClient(("127.0.0.1", port)) as line:
            line.connect(f"cart-{cart}", f"cart-{cart}", shop.passwords[cart])
            line.subscribe((STATE.topic(store="main", cart=cart), 0))
            for one in line.until_pong():
                found[cart] = CartState.model_validate_json(one.payload).version
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
    ingest = start_ingest(
        sabotage="from services.cart_ingest import housekeeper\nhousekeeper.ASK_FOR_GAPS_OLDER_THAN_S = 0.5\n"
    )
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
    start_ingest(gap_timeout_s=0.5, telemetry_flush_s=0.3)
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


def test_a_gap_that_only_looks_old_because_a_clock_was_set_is_not_given_up(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """R14: what is given up is settled for its cart, which then forgets it."""
    cart = shop.carts[0]
    ingest = start_ingest(gap_timeout_s=600.0, telemetry_flush_s=0.2)
    say_on(address, [(STATUS.topic(store="main", cart=cart), {"v": 1, "online": True, "epoch": 1})])
    say(address, cart, [scan(1), scan(3)])
    hour_back = (
        "UPDATE cart SET gap_since = gap_since - interval '1 hour' WHERE gap_since IS NOT NULL RETURNING cart_id"
    )
    eventually(lambda: query(shop.url, hour_back) == [(cart,)])

    eventually(lambda: ingest.metric("ingest_resend_commands_total") == 2, message="rounds have passed")

    assert query(shop.url, "SELECT ack_seq, gap_since IS NOT NULL FROM cart WHERE cart_id = %s", cart) == [(1, True)]
    assert query(shop.url, "SELECT count(*) FROM alert") == [(0,)]


@pytest.mark.parametrize("spoken", ["publish_everything_again", "request_publication"])
def test_the_publisher_locks_carts_in_the_order_in_which_workers_do(shop: Shop, spoken: str) -> None:
    """R18: whatever order the rows have on disk; otherwise both wait for the other, and one is thrown out."""
    first, second = shop.carts[:2]
    query(shop.url, "UPDATE cart SET published_version = version")
    query(shop.url, "UPDATE cart SET pairing_code = '000000' WHERE cart_id = %s", first)  # now the last on its page
    speak: dict[str, Callable[[Tx], object]] = {
        "publish_everything_again": publish_everything_again,
        "request_publication": lambda tx: tx.execute(sql("request_publication"), {"cart_ids": shop.carts}),
    }

    def publish() -> None:
        with shop.connect() as other:
            speak[spoken](other)

    with ThreadPoolExecutor() as pool, shop.connect() as worker:
        lock_carts(worker, [first])
        published = pool.submit(publish)
        eventually(lambda: query(shop.url, "SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)])
        lock_carts(worker, [second])
        worker.commit()
        published.result(10)


def test_noting_what_is_published_waits_for_no_cart_that_is_being_changed(shop: Shop) -> None:
    """Such a cart is published again anyway, and the others need not wait for it."""
    changing = shop.carts[0]
    query(shop.url, "UPDATE cart SET version = 5, published_version = 4")
    with shop.connect() as worker, shop.connect() as publisher:
        lock_carts(worker, [changing])
        publisher.execute("SET lock_timeout = '1s'")
        mark_published(publisher, [(cart, 5) for cart in shop.carts])

    unpublished = query(shop.url, "SELECT cart_id FROM cart WHERE version > published_version")
    assert unpublished == [(changing,)]
