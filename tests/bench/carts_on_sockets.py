"""Carts as bare sockets, for measurements: packets are encoded beforehand, and one thread drives all of them.

What it can send is measured too (`broker_ceiling` in the table), so that it can be seen not to be the bottleneck.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from firmware_sim.packets import Connack, Decoder, Message, connect, puback, publish, subscribe
from shared.contracts.channels import EVENTS, STATE, STATUS

KEEPALIVE_S = 120


@dataclass
class BareCart:
    """One connected cart with its prepared packets."""

    cart_id: int
    socket: socket.socket
    decoder: Decoder = field(default_factory=Decoder)
    packets: list[bytes] = field(default_factory=list)
    outgoing: bytes = b""
    sent_s: dict[int, float] = field(default_factory=dict)
    acked: int = 0


def scan_packet(cart_id: int, seq: int, code: str, store: str = "main") -> bytes:
    """One scan as a PUBLISH of quality of service 1."""
    payload = json.dumps({"v": 1, "epoch": 1, "seq": seq, "at": int(time.time() * 1000), "type": "scan", "code": code})
    topic = EVENTS.topic(store=store, cart=cart_id).encode()
    return publish(topic, payload.encode(), packet_id=(seq - 1) % 65_535 + 1)


def connect_carts(host: str, port: int, passwords: dict[int, str], *, hear_states: bool) -> list[BareCart]:
    """Connect every cart, one after the other; raises ConnectionError when one is refused."""
    carts = []
    for cart_id, password in passwords.items():
        connection = socket.create_connection((host, port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        will = (STATUS.topic(store="main", cart=cart_id), b'{"v":1,"online":false}')
        connection.sendall(connect(f"cart-{cart_id}", f"cart-{cart_id}", password, KEEPALIVE_S, *will))
        cart = BareCart(cart_id, connection)
        _expect_welcome(cart)
        if hear_states:
            connection.sendall(subscribe(1, (STATE.topic(store="main", cart=cart_id),)))
        connection.setblocking(False)
        carts.append(cart)
    return carts


def close_carts(carts: Sequence[BareCart]) -> None:
    """Hang up."""
    for cart in carts:
        cart.socket.close()


def pump(carts: Sequence[BareCart], is_done: Callable[[], bool], *, every_s: float = 0.05, limit_s: float) -> None:
    """Send what is outgoing and read what comes until `is_done`, which is asked every `every_s`.

    Raises TimeoutError after `limit_s`.
    """
    with selectors.DefaultSelector() as selector:
        for cart in carts:
            selector.register(cart.socket, _interest(cart), cart)
        started_s = asked_s = time.monotonic()
        while True:
            for key, events in selector.select(every_s):
                cart = key.data
                if events & selectors.EVENT_WRITE:
                    sent = cart.socket.send(cart.outgoing[:262_144])
                    cart.outgoing = cart.outgoing[sent:]
                if events & selectors.EVENT_READ:
                    _read(cart)
                selector.modify(cart.socket, _interest(cart), cart)
            now_s = time.monotonic()
            if now_s - asked_s >= every_s:
                asked_s = now_s
                if is_done():
                    return
                if now_s - started_s > limit_s:
                    raise TimeoutError(f"not done after {limit_s} s")


def pace(carts: Sequence[BareCart], per_s: float, for_s: float) -> list[float]:
    """Send the prepared packets evenly at `per_s` over all carts for `for_s` seconds; gives the seconds from
    each publish to the state that acknowledges it, as the cart itself received it."""
    latencies: list[float] = []
    by_socket = {cart.socket: cart for cart in carts}
    total = int(per_s * for_s)
    with selectors.DefaultSelector() as selector:
        for cart in carts:
            selector.register(cart.socket, selectors.EVENT_READ)
        started_s = time.monotonic()
        number = 0
        while number < total or (any(cart.sent_s for cart in carts) and time.monotonic() < started_s + for_s + 5):
            now_s = time.monotonic()
            while number < total and started_s + number / per_s <= now_s:
                cart = carts[number % len(carts)]
                seq = number // len(carts) + 1
                cart.sent_s[seq] = time.monotonic()
                cart.socket.send(cart.packets[seq - 1])
                number += 1
            due_s = started_s + number / per_s - time.monotonic() if number < total else 0.05
            for key, _ in selector.select(max(0.0, due_s)):
                latencies += _hear_states(by_socket[key.fileobj])  # type: ignore[index]
    return latencies


def _interest(cart: BareCart) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if cart.outgoing else 0)


def _read(cart: BareCart) -> None:
    data = cart.socket.recv(262_144)
    if not data:
        raise ConnectionError(f"the broker hung up on cart {cart.cart_id}")
    for packet in cart.decoder.feed(data):
        if isinstance(packet, Message) and packet.packet_id:
            cart.outgoing += puback(packet.packet_id)


def _hear_states(cart: BareCart) -> list[float]:
    heard = []
    now_s = time.monotonic()
    for packet in cart.decoder.feed(cart.socket.recv(262_144)):
        if not isinstance(packet, Message):
            continue
        if packet.packet_id:
            cart.socket.send(puback(packet.packet_id))
        acked = json.loads(packet.payload)["ack"]["seq"]
        for seq in [seq for seq in cart.sent_s if seq <= acked]:
            heard.append(now_s - cart.sent_s.pop(seq))
    return heard


def _expect_welcome(cart: BareCart) -> None:
    while True:
        for packet in cart.decoder.feed(cart.socket.recv(4096)):
            if isinstance(packet, Connack):
                if packet.code:
                    raise ConnectionError(f"cart {cart.cart_id} was refused: {packet.code}")
                return
