"""How a worker starts, stops, and ends itself when it could only pretend to work."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.builders import Shop, scan
from tests.eventually import eventually
from tests.fault_proxy import Way, fault_proxy
from tests.integration.broker.embedded import OpenDoor, RunningBroker, running
from tests.integration.broker.wire import publish_bytes
from tests.integration.cart_ingest.conftest import EVERYBODY, StartIngest
from tests.integration.cart_ingest.program import (
    counted,
    events_topic,
    proxied_database,
    query,
    running_ingest,
    say,
    settled,
)
from tests.integration.cart_ingest.scripted_broker import DISCONNECT, UNSUBSCRIBE, scripted_broker
from tests.integration.cart_ingest.test_database_faults import unacknowledged

FAST_CANARY = "program.CANARY_EVERY_S, program.CANARY_MISSING_S = 0.5, 1.5\n"
SHORT_WAIT = "from services.cart_ingest import listener; listener.ROOM_WITHIN_S = 0.3\n"


def test_a_callback_that_raises_ends_the_process(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    """Fact 9: paho's thread would die silently and `is_connected` stay true."""
    raising = (
        "from services.cart_ingest.listener import Listener\n"
        "def raising(self, *_): raise KeyError('a bug in a callback')\n"
        "Listener._on_messages = raising\n"
    )
    ingest = start_ingest(sabotage=raising)

    say(address, shop.carts[0], [scan(1)])

    assert ingest.wait(10) == 70
    assert ingest.logged("callback_failed") == 1
    assert unacknowledged(broker) == 1


@pytest.mark.parametrize(
    ("part", "how"),
    [
        ("listener", "raises"),
        ("publisher", "returns"),
        pytest.param("listener", "returns", marks=pytest.mark.slow),
        pytest.param("publisher", "raises", marks=pytest.mark.slow),
    ],
)
def test_a_network_thread_that_ends_by_itself_ends_the_process(start_ingest: StartIngest, part: str, how: str) -> None:
    name = "ingest-0" if part == "listener" else "publisher-0"
    end = "raise MemoryError" if how == "raises" else "self.disconnect()"
    ingest = start_ingest(
        wait=False,
        sabotage=(
            "import time\n"
            "from paho.mqtt.client import Client\n"
            "misc = Client.loop_misc\n"
            "def dying(self):\n"
            f"    if self._client_id == b'{name}' and self.is_connected() and time.monotonic() > born + 1.5:\n"
            f"        {end}\n"
            "    return misc(self)\n"
            "born = time.monotonic()\n"
            "Client.loop_misc = dying\n"
        ),
    )

    assert ingest.wait(15) == 70
    assert ingest.logged("mqtt_thread_failed" if how == "raises" else "mqtt_thread_ended") == 1


def test_a_canary_that_does_not_come_back_ends_the_process(tmp_path: Path, shop: Shop) -> None:
    """The broker answers pings and delivers nothing: every other sign of life is there."""
    with (
        scripted_broker() as broker,
        running_ingest(tmp_path, shop.url, broker.port, sabotage=FAST_CANARY, wait=False) as ingest,
    ):
        peer = broker.peer()
        peer.welcome()
        peer.grant()
        peer.serve()

        assert ingest.wait(10) == 70
        assert ingest.logged("canary_missing") == 1


@pytest.mark.slow
def test_a_canary_that_comes_back_keeps_a_quiet_worker_alive(start_ingest: StartIngest) -> None:
    ingest = start_ingest(sabotage=FAST_CANARY)

    with pytest.raises(subprocess.TimeoutExpired):
        ingest.wait(3)

    assert ingest.ready()


@pytest.mark.slow
def test_neither_a_missing_broker_nor_a_missing_canary_of_a_full_window_ends_it(tmp_path: Path, shop: Shop) -> None:
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        proxied_database(shop.url) as (database, url),
        running_ingest(
            tmp_path, url, proxy.port, sabotage=FAST_CANARY + SHORT_WAIT, inbox_max=20, batch_max=10
        ) as ingest,
    ):
        database.refusing = True
        database.reset()
        address = (broker.address.host, broker.address.mqtt_port)
        say(address, shop.carts[0], [scan(seq) for seq in range(1, 101)])
        eventually(lambda: ingest.logged("inbox_full"), message="the inbox overflows while PostgreSQL is away")
        proxy.refusing = True
        proxy.reset()
        with pytest.raises(subprocess.TimeoutExpired):
            ingest.wait(2.5)
        assert "not connected to the broker" in ingest.complaints()

        database.heal()
        proxy.heal()
        eventually(lambda: counted(shop.url)["logged"] == 100, within_s=30)
        eventually(settled(shop.url))
        eventually(lambda: unacknowledged(broker) == 0, within_s=20)
        assert query(shop.url, "SELECT sum(quantity) FROM cart_line") == [(100,)]


def test_what_only_we_still_hold_is_applied_although_its_connection_and_its_broker_are_gone(
    tmp_path: Path, shop: Shop
) -> None:
    """A stale delivery may be the only copy: it is applied, and not acknowledged."""
    with (
        running(OpenDoor(EVERYBODY)) as first,
        running(OpenDoor(EVERYBODY)) as second,
        fault_proxy(("127.0.0.1", first.address.mqtt_port)) as proxy,
        proxied_database(shop.url) as (database, url),
        running_ingest(tmp_path, url, proxy.port) as ingest,
    ):
        database.refusing = True
        database.reset()
        address = (first.address.host, first.address.mqtt_port)
        say(address, shop.carts[0], [scan(1)])
        eventually(lambda: ingest.metric("ingest_transaction_retries_total") >= 1, within_s=40)
        say(address, shop.carts[0], [scan(seq) for seq in range(2, 7)])
        eventually(lambda: unacknowledged(first) == 6, within_s=40)
        eventually(lambda: ingest.metric("ingest_inbox") == 5, within_s=40, message="all six are with us")
        proxy.upstream = ("127.0.0.1", second.address.mqtt_port)
        proxy.reset()
        eventually(lambda: ingest.logged("broker_connected") == 2, within_s=40)
        database.heal()

        eventually(lambda: counted(shop.url)["logged"] == 6, within_s=40)
        assert eventually(lambda: ingest.metric("ingest_stale_acks_suppressed_total"), within_s=40) == 6


def test_a_topic_that_is_no_text_becomes_a_dead_letter_and_the_worker_lives(tmp_path: Path, shop: Shop) -> None:
    """M14: only a bad broker lets it through."""
    with scripted_broker() as broker, running_ingest(tmp_path, shop.url, broker.port, wait=False) as ingest:
        peer = broker.peer()
        peer.welcome()
        peer.grant()
        bad = b"smartcart/v1/stores/main/carts/\xff\xc0/events"
        peer.send(publish_bytes(bad, b"raw \x00\xff", 1, 1))  # type: ignore[arg-type]
        peer.send(publish_bytes(events_topic(shop.carts[0]), json.dumps(scan(1)).encode(), 1, 2))

        assert peer.hear_acknowledgements(2, within_s=10) == [1, 2]
        assert ingest.child.poll() is None
    ((topic, payload, reason),) = query(shop.url, "SELECT topic, payload, reason FROM dead_letter")
    assert (payload, reason) == (b"raw \x00\xff", "topic")
    assert "\\xff\\xc0" in topic
    assert topic.isascii()


def test_a_stop_under_load_commits_acknowledges_and_leaves_within_5_s_without_unsubscribing(
    tmp_path: Path, shop: Shop
) -> None:
    """R11."""
    with scripted_broker() as broker, running_ingest(tmp_path, shop.url, broker.port, wait=False) as ingest:
        peer = broker.peer()
        peer.welcome()
        peer.grant()
        topic = events_topic(shop.carts[0])
        for seq in range(1, 4_001):
            peer.send(publish_bytes(topic, json.dumps(scan(seq)).encode(), 1, seq))
        eventually(lambda: counted(shop.url)["logged"] > 0)
        asked_s = time.monotonic()
        ingest.child.send_signal(signal.SIGTERM)

        kinds, acknowledged = [], []
        while DISCONNECT not in kinds:
            received = peer.hear(within_s=5)
            kinds.append(received.kind)
            if received.kind != DISCONNECT:
                acknowledged.append(received.packet_id)

        assert ingest.wait(10) == 0
        assert time.monotonic() - asked_s < 5
    assert UNSUBSCRIBE not in kinds
    assert acknowledged == list(range(1, len(acknowledged) + 1)), "in the order of arrival"
    assert counted(shop.url)["logged"] == len(acknowledged), "nothing is committed and unacknowledged"
    assert ingest.log()[-1]["event"] == "ingest_stopped"
    assert ingest.log()[-1]["clean"] is True


def test_a_worker_stops_within_5_s_although_database_and_broker_say_nothing(tmp_path: Path, shop: Shop) -> None:
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        proxied_database(shop.url) as (database, url),
        running_ingest(tmp_path, url, proxy.port) as ingest,
    ):
        database.silence(*Way)
        say((broker.address.host, broker.address.mqtt_port), shop.carts[0], [scan(1)])
        eventually(lambda: ingest.metric("ingest_inbox") == 0)
        proxy.silence(*Way)
        asked_s = time.monotonic()

        assert ingest.stop() == 0

        assert time.monotonic() - asked_s < 5
        assert unacknowledged(broker) == 1


def test_a_second_signal_ends_it_at_once(tmp_path: Path, shop: Shop, broker: RunningBroker) -> None:
    with (
        proxied_database(shop.url) as (database, url),
        running_ingest(tmp_path, url, broker.address.mqtt_port) as ingest,
    ):
        database.silence(*Way)
        say((broker.address.host, broker.address.mqtt_port), shop.carts[0], [scan(1)])

        def ended_by_another_signal() -> bool:
            # Two that are pending at once are one, so it is sent until it counts; alone, the first would end with 0.
            ingest.child.send_signal(signal.SIGTERM)
            return ingest.child.poll() is not None

        eventually(ended_by_another_signal)
        assert ingest.wait(1) == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_worker_killed_over_and_over_loses_and_doubles_nothing(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    """R1, R11 in small: SIGKILL and SIGTERM in turn, under load."""
    for turn in range(6):
        ingest = start_ingest()
        for cart in shop.carts:
            say(address, cart, [scan(40 * turn + one) for one in range(1, 41)])
        if turn % 2:
            assert ingest.stop() == 0
        else:
            ingest.kill()
    start_ingest()

    eventually(lambda: counted(shop.url)["logged"] == 6 * 40 * 5, within_s=30)
    eventually(settled(shop.url))
    eventually(lambda: unacknowledged(broker) == 0)
    assert query(shop.url, "SELECT DISTINCT sum(quantity) FROM cart_line GROUP BY session_id") == [(240,)]


def test_two_workers_that_hear_everything_apply_it_once(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    start_ingest()
    start_ingest(name="ingest-1")

    for cart in shop.carts:
        say(address, cart, [scan(seq) for seq in range(1, 41)])

    eventually(lambda: counted(shop.url)["received"] == 2 * 200, within_s=20)
    assert counted(shop.url) == {"received": 400, "duplicates": 200, "logged": 200, "dead": 0}
    assert query(shop.url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


@pytest.mark.slow
def test_a_silent_broker_is_noticed_and_the_worker_comes_back(tmp_path: Path, shop: Shop) -> None:
    """R10: within 45 s, and without ending the process: paho notices before the canary does."""
    with (
        running(OpenDoor(EVERYBODY)) as broker,
        fault_proxy(("127.0.0.1", broker.address.mqtt_port)) as proxy,
        running_ingest(tmp_path, shop.url, proxy.port) as ingest,
    ):
        proxy.silence(*Way)
        eventually(lambda: ingest.logged("broker_disconnected"), within_s=45, every_s=0.5)
        assert not ingest.ready()
        proxy.heal()
        proxy.reset()

        eventually(ingest.ready, within_s=30)
        say((broker.address.host, broker.address.mqtt_port), shop.carts[0], [scan(1)])
        eventually(lambda: counted(shop.url)["logged"] == 1)
        assert ingest.child.poll() is None


@pytest.mark.slow
def test_a_worker_that_was_suspended_for_a_minute_works_again_or_ends(
    tmp_path: Path, shop: Shop, broker: RunningBroker
) -> None:
    """R12: SIGSTOP 60 s."""
    with running_ingest(tmp_path, shop.url, broker.address.mqtt_port) as ingest:
        os.kill(ingest.child.pid, signal.SIGSTOP)
        time.sleep(60)
        os.kill(ingest.child.pid, signal.SIGCONT)

        eventually(lambda: ingest.child.poll() == 70 or ingest.ready(), within_s=20)
