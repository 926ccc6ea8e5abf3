"""What a broken or hostile client may send, and what it gets: its connection ended, nobody else disturbed.

docs/reliability.md M25, M27 and M30.
"""

import struct
import time
from dataclasses import replace

import psutil
import pytest

from broker.embedded.limits import Limits
from tests.eventually import eventually
from tests.integration.broker.conftest import CART, INGEST, PUBLISHER, HouseBroker, TestedBroker
from tests.integration.broker.embedded import RunningBroker
from tests.integration.broker.test_policy import EVENTS, STATE, STATUS
from tests.integration.broker.wire import (
    CONNACK,
    PUBACK,
    Will,
    connect_bytes,
    packet,
    publish_bytes,
    subscribe_bytes,
    text,
    unsubscribe_bytes,
)

FORBIDDEN_FIRST = {
    "publish before connect": publish_bytes("a", b"b"),
    "subscribe before connect": subscribe_bytes([("a", 0)]),
    "ping before connect": b"\xc0\x00",
    "connect with flags": b"\x11" + connect_bytes("x")[1:],
    "reserved connect flag": packet(0x10, text("MQTT") + bytes((4, 3)) + b"\0\x3c" + text("x")),
    "will qos 3": packet(0x10, text("MQTT") + bytes((4, 0x1E)) + b"\0\x3c" + text("x") + text("w") + text("p")),
    "will retain without will": packet(0x10, text("MQTT") + bytes((4, 0x22)) + b"\0\x3c" + text("x")),
    "password without name": packet(0x10, text("MQTT") + bytes((4, 0x42)) + b"\0\x3c" + text("x") + text("p")),
    "client id not utf-8": packet(0x10, text("MQTT") + bytes((4, 2)) + b"\0\x3c" + text(b"\xff\xfe")),
    "cut off inside": packet(0x10, text("MQTT") + bytes((4, 2)) + b"\0\x3c\x00\x09abc"),
    "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "five length bytes": b"\x10\xff\xff\xff\xff\x01",
}
FORBIDDEN_LATER = {
    "reserved kind 0": b"\x00\x00",
    "reserved kind 15": b"\xf0\x00",
    "a server's packet": b"\x20\x02\x00\x00",
    "five length bytes": b"\x30\xff\xff\xff\xff\x01",
    "256 MB announced": b"\x30\xff\xff\xff\x7f",
    "20 kB": publish_bytes("a", b"x" * 20_000),
    "qos 3": b"\x36" + publish_bytes("a", b"b", 2)[1:],
    "publish id 0": publish_bytes("a", b"b", 1, 0),
    "publish cut off": packet(0x32, b"\x00\x09abc"),
    "publish topic empty": publish_bytes("", b"b"),
    "publish topic with wildcard": publish_bytes("a/+/b", b"b"),
    "publish topic with #": publish_bytes("a/#", b"b"),
    "publish topic not utf-8": packet(0x30, text(b"\xff\xff") + b"b"),
    "publish topic with nul": packet(0x30, text(b"a\0b") + b"b"),
    "publish topic with surrogate": packet(0x30, text(b"\xed\xa0\x80") + b"b"),
    "puback id 0": packet(0x40, b"\0\0"),
    "puback too short": packet(0x40, b"\0"),
    "pubrel with wrong flags": packet(0x60, b"\0\x01"),
    "subscribe with wrong flags": b"\x80" + subscribe_bytes([("a", 0)])[1:],
    "subscribe id 0": subscribe_bytes([("a", 0)], 0),
    "subscribe to nothing": packet(0x82, b"\0\x01"),
    "subscribe qos 3": subscribe_bytes([("a", 3)]),
    "subscribe not utf-8": packet(0x82, b"\0\x01" + text(b"\xff") + b"\0"),
    "unsubscribe from nothing": packet(0xA2, b"\0\x01"),
    "unsubscribe id 0": unsubscribe_bytes(["a"], 0),
}
# Mosquitto 2.0 lets these pass; none of them does harm there.
MOSQUITTO_ALLOWS = {"puback id 0"}


@pytest.mark.parametrize("name", FORBIDDEN_FIRST)
def test_a_forbidden_first_packet_ends_the_connection(open_broker: TestedBroker, name: str) -> None:
    with open_broker.client() as client:
        client.send(FORBIDDEN_FIRST[name])
        assert client.is_closed_by_broker()


def test_a_forbidden_packet_ends_the_connection_with_its_will(open_broker: TestedBroker) -> None:
    survived = []
    with open_broker.client() as witness:
        witness.connect("witness")
        witness.subscribe(("wills/#", 0))
        for name, bad in FORBIDDEN_LATER.items():
            if open_broker.kind == "mosquitto" and name in MOSQUITTO_ALLOWS:
                continue
            with open_broker.client() as client:
                client.connect("client", will=Will("wills/client", name.encode(), qos=0))
                client.send(bad)
                if not client.is_closed_by_broker(within_s=3):
                    survived.append(name)
            assert witness.receive().payload == name.encode()
    assert survived == []


def test_an_acknowledgement_of_nothing_harms_nobody(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as speaker:
        hearer.connect("hearer")
        hearer.subscribe(("a", 1))
        speaker.connect("speaker")
        speaker.publish("a", b"waiting", 1)
        for kind in (0x40, 0x50, 0x70):
            with open_broker.client() as bad:
                bad.connect("bad")
                bad.send(packet(kind, struct.pack("!H", 1)))
                if open_broker.kind == "embedded":
                    assert bad.is_closed_by_broker()
        assert hearer.messages(1)[0].payload == b"waiting"


def test_memory_stays_flat_while_clients_announce_huge_packets(embedded_only: HouseBroker) -> None:
    """256 MB announced is refused from the header; a half packet holds no more than it sent."""
    process = psutil.Process()
    before = process.memory_info().rss
    for _ in range(200):
        with embedded_only.client() as client:
            client.send(b"\x10\xff\xff\xff\x7f" + b"x" * 1_000)
            assert client.is_closed_by_broker()
    waiting = [embedded_only.client() for _ in range(200)]
    for client in waiting:
        client.send(b"\x10\x80\x7f" + b"x" * 16_000)
    assert process.memory_info().rss - before < 50 << 20
    for client in waiting:
        client.cut()


def test_a_silent_connection_is_closed_before_it_says_connect(open_broker: TestedBroker) -> None:
    if open_broker.kind == "mosquitto":
        pytest.skip("Mosquitto gives a silent socket its default keep-alive; a firewall or proxy has to be stricter")
    with open_broker.client() as silent, open_broker.client() as slow:
        started = time.monotonic()
        slow.send(connect_bytes("slow")[:5])
        assert silent.is_closed_by_broker(within_s=5)
        assert slow.is_closed_by_broker(within_s=5)
        assert 1.5 < time.monotonic() - started < 5


def test_foreign_filters_by_the_hundred_are_refused_one_by_one(embedded_only: HouseBroker) -> None:
    with embedded_only.join(CART) as cart:
        codes = cart.subscribe(*[(f"smartcart/v1/stores/main/carts/{n}/state", 1) for n in range(1, 200)])
        assert codes == [1] + [0x80] * 198
        assert cart.subscribe((STATE[CART], 0)) == [0], "an own filter again is not one more"


class TestWithShortKeepAlives:
    """Bounds as in production, only shorter, so that the test need not wait minutes."""

    @pytest.fixture
    def house_limits(self) -> Limits:
        standard = Limits()
        return replace(standard, carts=replace(standard.carts, keep_alive_min_s=1.0, keep_alive_max_s=2.0))

    @pytest.mark.parametrize("asked_s", [0, 1, 3_000])
    def test_no_keep_alive_a_cart_asks_for_keeps_a_dead_one(self, embedded_only: HouseBroker, asked_s: int) -> None:
        with (
            embedded_only.join(INGEST) as ingest,
            embedded_only.join(CART, keep_alive_s=asked_s, will=Will(STATUS[CART])) as cart,
        ):
            ingest.subscribe((STATUS[CART], 1))
            started = time.monotonic()
            assert cart.is_closed_by_broker(within_s=6)
            longest_s = 1.0 if asked_s == 1 else 2.0
            assert longest_s * 1.5 <= time.monotonic() - started + 0.5 < longest_s * 1.5 + 1.5
            assert ingest.messages(1)[0].topic == STATUS[CART]


def test_the_documented_bounds_of_a_keep_alive_are_10_and_120_seconds() -> None:
    limits = Limits()
    for client in (limits.carts, limits.shoppers):
        assert (client.keep_alive_min_s, client.keep_alive_max_s) == (10.0, 120.0)
    assert limits.connect_timeout_s == 5.0
    assert limits.packet_max_bytes == 16_384


def test_events_go_on_while_others_misbehave(house: HouseBroker) -> None:
    with house.join(INGEST) as ingest, house.join(CART) as cart:
        ingest.subscribe((EVENTS[CART], 1))
        for number, bad in enumerate(FORBIDDEN_LATER.values()):
            with house.join(PUBLISHER) as hostile:
                hostile.send(bad)
                cart.send(publish_bytes(EVENTS[CART], b"%d" % number, 1, 1 + number))
                assert cart.expect(PUBACK).packet_id == 1 + number
                assert ingest.messages(1)[0].payload == b"%d" % number


def test_a_connack_is_the_only_answer_before_rights_are_known(house: HouseBroker) -> None:
    """A CONNECT and a PUBLISH in one write: the PUBLISH of a refused client goes nowhere."""
    with house.join(INGEST) as ingest, house.client() as client:
        ingest.subscribe((EVENTS[CART], 1))
        client.send(connect_bytes("cart-1", "cart-1", "0" * 64) + publish_bytes(EVENTS[CART], b"forged", 1))
        assert client.expect(CONNACK).body[1] == 5
        assert client.is_closed_by_broker()
        assert ingest.hears_nothing()


def test_connections_are_counted_out_again(embedded_only: HouseBroker, embedded_house: RunningBroker) -> None:
    for _ in range(20):
        embedded_only.join(CART).cut()
    eventually(lambda: embedded_house.broker.sizes["open"] == 0)
    assert embedded_house.broker.sizes["sessions"] == 0
