"""Floods, windows, queues and slow readers: each hurts the one who causes it, and nobody else (M29, R15, R16, S3)."""

import contextlib
import statistics
import threading
import time
from dataclasses import replace

import psutil
import pytest

from broker.embedded.limits import ClientLimits, Limits
from tests.eventually import eventually
from tests.integration.broker.conftest import CART, INGEST, NEIGHBOUR, PUBLISHER, HouseBroker
from tests.integration.broker.embedded import OpenDoor, RunningBroker, running
from tests.integration.broker.test_policy import EVENTS, STATE
from tests.integration.broker.wire import (
    PUBACK,
    PUBLISH,
    ConnectionEnded,
    RawClient,
    acknowledgement_bytes,
    publish_bytes,
    subscribe_bytes,
    unsubscribe_bytes,
)

EVERY_EVENT = "smartcart/v1/stores/+/carts/+/events"


def test_a_flood_from_one_cart_is_slowed_down_and_nothing_of_it_is_lost(embedded_only: HouseBroker) -> None:
    """A window of 20 passes at once, the burst too; then 20 a second, by not reading. The neighbour feels nothing."""
    with (
        embedded_only.join(INGEST) as ingest,
        embedded_only.join(CART) as flooder,
        embedded_only.join(NEIGHBOUR) as neighbour,
    ):
        ingest.subscribe((EVENTS[CART], 1))
        started = time.monotonic()
        flooder.send(b"".join(publish_bytes(EVENTS[CART], b"%d" % n, 1, 1 + n) for n in range(90)))
        window = [flooder.expect(PUBACK).packet_id for _ in range(50)]
        burst_s = time.monotonic() - started
        waits_s = []
        for _ in range(20):
            before = time.monotonic()
            neighbour.publish(EVENTS[NEIGHBOUR], b"scan", 1)
            waits_s.append(time.monotonic() - before)
        rest = [flooder.expect(PUBACK).packet_id for _ in range(40)]
        took_s = time.monotonic() - started
        assert window + rest == [1 + n for n in range(90)]
        assert took_s > 1.5, "40 more at 20 a second"
        assert burst_s < took_s - burst_s, "the burst is not delayed"
        assert statistics.median(waits_s) < 0.05, "the neighbour is not held to the flooder's pace"
        assert [message.payload for message in ingest.messages(90)] == [b"%d" % n for n in range(90)]


def test_no_more_than_the_window_is_on_the_way_at_once(embedded_only: HouseBroker) -> None:
    with embedded_only.join(CART) as cart, embedded_only.join(PUBLISHER) as publisher:
        cart.subscribe((STATE[CART], 1))
        for number in range(30):
            publisher.publish(STATE[CART], b"%d" % number, 1, 1 + number)
        heard = cart.until_pong()
        assert [message.payload for message in heard] == [b"%d" % n for n in range(20)]
        cart.send(acknowledgement_bytes(PUBACK, heard[0].packet_id))
        assert cart.expect(PUBLISH).payload == b"20"
        assert cart.hears_nothing()


def test_a_full_queue_keeps_the_oldest_and_counts_what_it_drops() -> None:
    limits = ClientLimits(queue_max=100)
    with running(OpenDoor(limits)) as broker:
        where = (broker.address.host, broker.address.mqtt_port)
        with RawClient(where) as hearer, RawClient(where) as speaker:
            hearer.connect("hearer", clean=False)
            hearer.subscribe(("q", 1))
            hearer.leave()
            speaker.connect("speaker")
            for number in range(150):
                speaker.publish("q", b"%d" % number, 1, 1 + number)
        with RawClient(where) as hearer:
            hearer.connect("hearer", clean=False)
            assert [message.payload for message in hearer.messages(100)] == [b"%d" % n for n in range(100)]
            assert hearer.hears_nothing()
        assert broker.counts["dropped_queue_full"] == 50


class TestWithASlowReader:
    @pytest.fixture
    def house_limits(self) -> Limits:
        standard = Limits()
        return replace(standard, stalled_s=1.5, services=replace(standard.services, queue_max_bytes=4 << 20))

    def test_a_reader_that_takes_nothing_is_closed_and_holds_bounded_memory(
        self, embedded_only: HouseBroker, embedded_house: RunningBroker
    ) -> None:
        payload = b"x" * 4_000
        with (
            embedded_only.join(INGEST) as stuck,
            embedded_only.join(CART) as cart,
            embedded_only.join(PUBLISHER) as publisher,
        ):
            stuck.subscribe(("smartcart/v1/services/ingest-0/canary", 0))
            stuck.subscribe(("smartcart/v1/services/ingest-0/canary", 1))
            cart.subscribe((STATE[CART], 1))
            process = psutil.Process()
            before = process.memory_info().rss
            stop = threading.Event()

            def talk_to_oneself() -> None:
                # Only a service's own canary reaches it from itself: the stuck reader writes and never reads.
                with contextlib.suppress(OSError):
                    while not stop.is_set():
                        stuck.send(publish_bytes("smartcart/v1/services/ingest-0/canary", payload, 1, 7))

            talker = threading.Thread(target=talk_to_oneself, daemon=True)
            talker.start()
            waits: list[float] = []
            while embedded_house.counts["ended: reads too slowly"] == 0:
                started = time.monotonic()
                publisher.publish(STATE[CART], b"state", 1)
                cart.messages(1)
                waits.append(time.monotonic() - started)
                assert sum(waits) < 20, "never closed"
            stop.set()
            talker.join(5)
            assert sorted(waits)[len(waits) // 2] < 0.2
            assert process.memory_info().rss - before < 64 << 20


def test_bad_passwords_by_the_hundred_do_not_keep_a_cart_out(embedded_only: HouseBroker) -> None:
    """docs/reliability.md S3: 200 a second; here as fast as fifty clients can, each of whom waits for a reading of the
    table, for two seconds."""
    stop = threading.Event()
    tried = [0] * 50

    def knock(slot: int) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, ConnectionEnded), embedded_only.client() as client:
                client.connect("cart-1", "cart-1", "0" * 64)
                tried[slot] += 1

    threads = [threading.Thread(target=knock, args=(slot,), daemon=True) for slot in range(len(tried))]
    for thread in threads:
        thread.start()
    slowest_s = 0.0
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        started = time.monotonic()
        embedded_only.join(CART).leave()
        slowest_s = max(slowest_s, time.monotonic() - started)
    stop.set()
    for thread in threads:
        thread.join(5)
    assert sum(tried) > 200
    assert slowest_s < 2.0


class TestWithAShortConnectTimeout:
    @pytest.fixture
    def house_limits(self) -> Limits:
        return replace(Limits(), connect_timeout_s=1.5)

    def test_silent_and_half_open_connections_do_not_keep_a_cart_out(
        self, embedded_only: HouseBroker, embedded_house: RunningBroker
    ) -> None:
        """docs/reliability.md R16: 300 silent, 100 with half a CONNECT; all gone after the CONNECT timeout."""
        before = psutil.Process().memory_info().rss
        crowd = [embedded_only.client() for _ in range(400)]
        for client in crowd[300:]:
            client.send(b"\x10\x80\x01\x00\x04MQTT")
        started = time.monotonic()
        embedded_only.join(CART).leave()
        assert time.monotonic() - started < 5
        eventually(lambda: embedded_house.broker.sizes["open"] == 0, within_s=10)
        assert psutil.Process().memory_info().rss - before < 50 << 20
        for client in crowd:
            client.cut()


class TestWithFewConnections:
    @pytest.fixture
    def house_limits(self) -> Limits:
        return replace(Limits(), connections_max=3)

    def test_connections_beyond_the_most_are_closed_at_once(self, embedded_only: HouseBroker) -> None:
        with embedded_only.join(CART), embedded_only.join(INGEST), embedded_only.join(PUBLISHER) as leaving:
            with embedded_only.client() as surplus:
                assert surplus.is_closed_by_broker(within_s=2)
            leaving.leave()
            eventually(lambda: embedded_only.join(NEIGHBOUR).leave() is None)


class TestWithoutARateLimit:
    @pytest.fixture
    def house_limits(self) -> Limits:
        standard = Limits()
        return replace(standard, carts=replace(standard.carts, publish_per_s=None))

    def test_five_thousand_events_wait_for_ingest_in_order(self, house: HouseBroker) -> None:
        """Mosquitto's default of 1,000 overflows after a minute of ingest's absence (docs/design.md, section 2)."""
        with house.join(INGEST, clean=False) as ingest:
            ingest.subscribe((EVENTS[CART], 1))
            ingest.leave()
        with house.join(CART) as cart:
            for hundred in range(50):
                numbers = range(hundred * 100, hundred * 100 + 100)
                cart.send(b"".join(publish_bytes(EVENTS[CART], b"%d" % n, 1, 1 + n) for n in numbers))
                assert [cart.expect(PUBACK).packet_id for _ in numbers] == [1 + n for n in numbers]
        with house.join(INGEST, clean=False) as ingest:
            assert [message.payload for message in ingest.messages(5_000)] == [b"%d" % n for n in range(5_000)]
            assert ingest.hears_nothing()

    def test_subscribers_that_come_and_go_do_not_make_others_miss_anything(self, house: HouseBroker) -> None:
        """Stock amqtt iterates its subscriptions across awaits and loses messages here (docs/reliability.md fact 4)."""
        count = 1_000
        stop = threading.Event()

        def come_and_go() -> None:
            with house.join(PUBLISHER) as restless:
                while not stop.is_set():
                    restless.send(subscribe_bytes([(EVENTS[CART], 0), (EVERY_EVENT, 0)]))
                    restless.until_pong()
                    restless.send(unsubscribe_bytes([EVENTS[CART], EVERY_EVENT]))
                    restless.until_pong()

        thread = threading.Thread(target=come_and_go, daemon=True)
        with house.join(INGEST) as ingest, house.join(CART) as cart:
            ingest.subscribe((EVERY_EVENT, 1))
            thread.start()
            for number in range(count):
                cart.publish(EVENTS[CART], b"%d" % number, 1, 1 + number)
            stop.set()
            thread.join(10)
            assert [message.payload for message in ingest.messages(count)] == [b"%d" % n for n in range(count)]
