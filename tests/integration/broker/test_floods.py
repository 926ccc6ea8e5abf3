"""Slow readers and floods hurt nobody but themselves: R15 and R16, on the embedded broker and on Mosquitto alike.

Both run as processes of their own, the embedded one as the program, Mosquitto with its production configuration.
The sizes of docs/reliability.md are marked slow; every push runs a tenth of them.
"""

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from shared.access import CartIdentity, Identity, ServiceIdentity, ShopperIdentity, username
from shared.contracts.channels import SHOPPER_CART, STATE
from shared.db.carts import add_carts
from shared.db.stores import ensure_store
from shared.mosquitto.rights import Account
from shared.mqtt_tokens import mint_mqtt_token
from tests.eventually import eventually
from tests.integration.broker.wire import PUBACK, PUBLISH, RawClient, connect_bytes, publish_bytes, subscribe_bytes
from tests.mosquitto import free_port, needs_mosquitto, start_mosquitto

SERVICE_PASSWORD = "service-password-for-tests"
TOKEN_SECRET = "token-secret-for-tests-0123456789abcdef"
PUBLISHER = ServiceIdentity("publisher-0")
CONNECT_WITHIN_S = 5.0  # docs/reliability.md R16
SILENCE_ENDS_WITHIN_S = 10.0
RSS_GROWTH_MAX = 50 << 20
SAMPLES = 300
NOISE_S = 0.05  # below this a p99 says more about the machine than about the broker
STATE_BYTES = b"x" * 3_900

SMALL = pytest.param(0.1, id="a tenth")
WHOLE = pytest.param(1.0, id="whole", marks=pytest.mark.slow)


@dataclass(frozen=True)
class Flooded:
    """A broker in a process of its own, with one cart, the publisher and many phones."""

    kind: str
    port: int
    ws_port: int
    process: psutil.Process
    cart: CartIdentity
    passwords: dict[str, str]

    def join(self, identity: Identity, client: RawClient | None = None) -> RawClient:
        client = client or RawClient(("127.0.0.1", self.port))
        name = username(identity)
        try:
            assert client.connect(name, name, self.passwords[name]).body[1] == 0, name
        except AssertionError:
            client.cut()
            raise
        return client

    @property
    def rss(self) -> int:
        size: int = self.process.memory_info().rss
        return size


@pytest.fixture(
    params=["embedded", pytest.param("mosquitto", marks=[pytest.mark.mosquitto, needs_mosquitto])],
)
def broker(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Flooded]:
    phones = [ShopperIdentity(number) for number in range(1, 202)]
    now = datetime.now(UTC)
    passwords = {username(phone): mint_mqtt_token(TOKEN_SECRET, phone.shopper_id, now, 900) for phone in phones}
    passwords[PUBLISHER.name] = SERVICE_PASSWORD
    with psycopg.connect(database_url, autocommit=True) as database:
        ensure_store(database, "main")
        (added,) = add_carts(database, "main", 1)
    cart = CartIdentity(added.cart_id, "main")
    passwords[added.username] = added.password
    if request.param == "mosquitto":
        known = [Account(identity, passwords[username(identity)]) for identity in (PUBLISHER, cart, *phones)]
        with start_mosquitto(tmp_path, known, ws_port=free_port()) as address:
            assert address.ws_port is not None
            process = psutil.Process(address.pid)
            yield Flooded("mosquitto", address.port, address.ws_port, process, cart, passwords)
        return
    with _embedded(tmp_path, database_url) as (child, ports):
        yield Flooded("embedded", ports["mqtt"], ports["ws"], psutil.Process(child.pid), cart, passwords)


@contextlib.contextmanager
def _embedded(folder: Path, database_url: str) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, int]]]:
    told = {
        "RUN_DIR": str(folder),
        "MQTT_PORT": "0",
        "WS_PORT": "0",
        "DATABASE_URL": database_url,
        "MQTT_SERVICE_PASSWORD": SERVICE_PASSWORD,
        "MQTT_TOKEN_SECRET": TOKEN_SECRET,
    }
    with (folder / "broker.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "broker.embedded"], env={**os.environ, **told}, stderr=log)
    try:
        ports_file = folder / "broker.ports.json"
        eventually(ports_file.exists)
        yield child, json.loads(ports_file.read_text())
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("part", [SMALL, WHOLE])
def test_readers_that_stand_still_leave_a_carts_states_as_fast_as_they_were(broker: Flooded, part: float) -> None:
    """docs/reliability.md R15: one phone takes a byte a second, 200 over WebSocket take nothing at all."""
    slow, *stalled = [ShopperIdentity(number) for number in range(1, 2 + round(200 * part))]
    eventually(lambda: broker.join(broker.cart).leave() is None)  # the embedded one reads the cart's secret first
    with contextlib.ExitStack() as open_ones:
        publisher = open_ones.enter_context(broker.join(PUBLISHER))
        cart = open_ones.enter_context(broker.join(broker.cart))
        topic = STATE.topic(store="main", cart=broker.cart.cart_id)
        assert cart.subscribe((topic, 1)) == [1]
        topics = [SHOPPER_CART.topic(shopper=phone.shopper_id) for phone in (slow, *stalled)]
        before = _p99_s(publisher, cart, topic, topics)

        reader = open_ones.enter_context(broker.join(slow, _narrow(broker.port)))
        assert reader.subscribe((topics[0], 1)) == [1]
        for phone, own_topic in zip(stalled, topics[1:], strict=True):
            open_ones.enter_context(_stalled_websocket(broker, phone, own_topic))
        after = _p99_s(publisher, cart, topic, topics, sip=reader)

        print(f"{broker.kind}: p99 {before * 1000:.1f} ms before, {after * 1000:.1f} ms with {len(stalled)} stalled")
        assert after < max(2 * before, NOISE_S), f"p99 {before * 1000:.1f} ms before, {after * 1000:.1f} ms with them"


def _p99_s(
    publisher: RawClient, cart: RawClient, topic: str, others: Sequence[str], sip: RawClient | None = None
) -> float:
    """From a state's publication to the cart, while ten other states go to phones between any two."""
    took: list[float] = []
    turn = 0
    sipped_s = time.monotonic()
    for number in range(SAMPLES):
        for _ in range(10):
            publisher.send(publish_bytes(others[turn % len(others)], STATE_BYTES, 1, 2))
            turn += 1
        for _ in range(10):
            publisher.expect(PUBACK)
        started_s = time.monotonic()
        publisher.send(publish_bytes(topic, b"%d" % number + STATE_BYTES, 1, 1))
        heard = cart.expect(PUBLISH)
        took.append(time.monotonic() - started_s)
        cart.acknowledge(heard)
        publisher.expect(PUBACK)
        if sip is not None and time.monotonic() - sipped_s > 1:
            sipped_s = time.monotonic()
            sip.stream.recv(1)
    return sorted(took)[int(len(took) * 0.99)]


def _narrow(port: int) -> RawClient:
    """A client whose machine takes little ahead."""
    client = RawClient(("127.0.0.1", port))
    client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    return client


def _stalled_websocket(broker: Flooded, phone: ShopperIdentity, topic: str) -> socket.socket:
    """A phone that has subscribed over WebSocket and reads nothing after that."""
    name = username(phone)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.settimeout(10)
    line.connect(("127.0.0.1", broker.ws_port))
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall(
        f"GET /mqtt HTTP/1.1\r\nHost: broker\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}"
        "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
    )
    assert b" 101 " in _read_until(line, b"\r\n\r\n")
    line.sendall(_frame(connect_bytes(name, name, broker.passwords[name])))
    assert _read_until(line, b"\x20\x02\x00\x00")
    line.sendall(_frame(subscribe_bytes([(topic, 1)])))
    assert _read_until(line, b"\x90\x03\x00\x01\x01")
    return line


def _frame(payload: bytes) -> bytes:
    """A masked binary frame (RFC 6455 section 5.2); the mask is zero, so that the payload stays as it is."""
    size = len(payload)
    head = bytes((0x82, 0x80 | size)) if size < 126 else bytes((0x82, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def _read_until(line: socket.socket, wanted: bytes) -> bytes:
    heard = b""
    while wanted not in heard:
        chunk = line.recv(4_096)
        assert chunk, f"the broker hung up after {heard!r}"
        heard += chunk
    return heard


@pytest.mark.parametrize("part", [SMALL, WHOLE])
def test_a_crowd_at_the_door_keeps_no_cart_out_and_costs_little_memory(broker: Flooded, part: float) -> None:
    """docs/reliability.md R16: 300 silent connections, 100 with half a CONNECT, 50 new ones a second."""
    eventually(lambda: broker.join(broker.cart).leave() is None)
    before = broker.rss
    with contextlib.ExitStack() as crowd:
        for _ in range(round(300 * part)):
            crowd.enter_context(RawClient(("127.0.0.1", broker.port)))
        for _ in range(round(100 * part)):
            crowd.enter_context(RawClient(("127.0.0.1", broker.port))).send(b"\x10\x80\x01\x00\x04MQTT")
        waits: list[float] = []
        began_s = time.monotonic()
        for number in range(round(500 * part)):
            with RawClient(("127.0.0.1", broker.port)) as wrong:
                wrong.send(connect_bytes("cart-1", "cart-1", "wrong"))
            if number % 10 == 0:
                started_s = time.monotonic()
                broker.join(broker.cart).leave()
                waits.append(time.monotonic() - started_s)
        rate = 500 * part / (time.monotonic() - began_s)
        grown = broker.rss - before
        slowest_ms = max(waits) * 1000
        print(f"{broker.kind}: slowest connect {slowest_ms:.0f} ms at {rate:.0f} new a second, {grown >> 20} MB more")
        assert max(waits) < CONNECT_WITHIN_S
        assert rate > 50, "the flood was a trickle"
        assert grown < RSS_GROWTH_MAX


def test_256_mb_announced_are_refused_from_the_header(broker: Flooded) -> None:
    """Five bytes: kind and remaining length. Before a CONNECT, and after one."""
    eventually(lambda: broker.join(broker.cart).leave() is None)
    before = broker.rss
    for _ in range(50):
        with RawClient(("127.0.0.1", broker.port)) as stranger:
            stranger.send(b"\x10\xff\xff\xff\x7f")
            assert stranger.is_closed_by_broker(within_s=2)
    with broker.join(broker.cart) as cart:
        cart.send(b"\x32\xff\xff\xff\x7f")
        assert cart.is_closed_by_broker(within_s=2)
    assert broker.rss - before < RSS_GROWTH_MAX


def test_a_silent_connection_is_closed_within_ten_seconds(broker: Flooded) -> None:
    if broker.kind == "mosquitto":
        pytest.skip("Mosquitto 2.0 waits 90 s for a CONNECT; a proxy or firewall in front has to be stricter")
    with RawClient(("127.0.0.1", broker.port)) as silent:
        assert silent.is_closed_by_broker(within_s=SILENCE_ENDS_WITHIN_S)
