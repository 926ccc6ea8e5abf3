"""The load: carts as bare sockets in one process, their packets encoded beforehand.

    python -m tests.bench.carts_on_sockets < order.json

Each cart keeps a window of events under way, as firmware does, and moves on with what the backend acknowledges in the
cart's state; what makes no progress for 5 s is sent again. Against a broker without a worker the broker's PUBACK moves
the window instead. Runs until its standard input ends. What it can send at most is a row of the table.
"""

import contextlib
import json
import mmap
import os
import re
import select
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_sim.packets import Connack, Decoder, connect, puback, subscribe
from shared.contracts.channels import EVENTS, STATE, STATUS

KEEPALIVE_S = 120
STORE = "main"
EVENTS_EACH = 9_900  # of one cart; ten lines hold 999 pieces each, and a refused scan would be no fair load
ROUND_S = 0.01  # what comes within it is read and answered together: few system calls, and no round trip needs less
REPEAT_AFTER_S = 5.0  # docs/design.md, section 4: a cart publishes again after 5 s without progress
READ_BYTES = 262_144
_ACK = re.compile(rb'"ack": ?\{"epoch": ?\d+, ?"seq": ?(\d+)')
_PUBACK = 0x40


@dataclass
class BareCart:
    """One connected cart. `sent` and `acked` are numbers of events; all up to them are sent, acknowledged."""

    cart_id: int
    socket: socket.socket
    head: bytes
    sent: int = 0
    acked: int = 0
    progress_s: float = 0.0
    rest: bytes = b""
    unsent: bytes = b""


@dataclass
class Heard:
    """What one read brought: the highest acknowledgement in a state, how many PUBACKs, and the PUBACKs that we owe."""

    acked: int = 0
    pubacks: int = 0
    owed: list[bytes] = field(default_factory=list)


@dataclass
class Done:
    """What the load came to: events sent, how many of them more than once, and the system calls that it took."""

    sent: int = 0
    repeated: int = 0
    reads: int = 0
    writes: int = 0


def tails(codes: Sequence[str], first_seq: int, count: int, at_ms: int) -> list[bytes]:
    """Packet id and payload of `count` scans. All are of one length, so that a cart's packets share their head:
    blanks before a number are nothing in JSON."""
    made = []
    for seq in range(first_seq, first_seq + count):
        code = codes[seq % len(codes)]
        payload = f'{{"v":1,"epoch":1,"seq":{seq:>7},"at":{at_ms},"type":"scan","code":"{code}"}}'.encode()
        made.append(struct.pack(">H", (seq - 1) % 65_535 + 1) + payload)
    assert len({len(tail) for tail in made}) == 1, "codes of one length, and at most 9,999,999 events"
    return made


def head(cart_id: int, tail_bytes: int) -> bytes:
    """Everything of a cart's PUBLISH of quality of service 1 that comes before the packet id."""
    topic = EVENTS.topic(store=STORE, cart=cart_id).encode()
    remaining = 2 + len(topic) + tail_bytes
    assert 128 <= remaining < 16_384, "a remaining length of two bytes"
    return bytes((0x32, remaining & 0x7F | 0x80, remaining >> 7)) + struct.pack(">H", len(topic)) + topic


def open_line(
    port: int, user: str, password: str, filters: tuple[str, ...], will_topic: str | None = None
) -> socket.socket:
    """Connect, with a cart's last will when a topic for it is given, and subscribe; raises ConnectionError when it is
    refused."""
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if will_topic is None:
        line.sendall(_connect_without_will(user, password))
    else:
        line.sendall(connect(user, user, password, KEEPALIVE_S, will_topic, b'{"v":1,"online":false}'))
    decoder = Decoder()
    while True:
        for packet in decoder.feed(line.recv(4096)):
            if isinstance(packet, Connack):
                if packet.code:
                    raise ConnectionError(f"{user} was refused: {packet.code}")
                if filters:
                    line.sendall(subscribe(1, filters))
                line.setblocking(False)
                return line


def open_cart(port: int, cart_id: int, password: str, *, hear_states: bool) -> socket.socket:
    """A cart's connection, with its will, subscribed to its own state when asked to."""
    filters = (STATE.topic(store=STORE, cart=cart_id),) if hear_states else ()
    return open_line(port, f"cart-{cart_id}", password, filters, STATUS.topic(store=STORE, cart=cart_id))


def read_packets(buffer: bytes, heard: Heard) -> bytes:
    """Note what came into `heard`; gives the beginning of a packet that is not complete yet."""
    at, end = 0, len(buffer)
    while end - at >= 4:
        kind = buffer[at]
        if kind == _PUBACK:
            heard.pubacks += 1
            at += 4
            continue
        length, body = buffer[at + 1], at + 2
        if length >= 0x80:
            length, body = length & 0x7F | buffer[at + 2] << 7, at + 3
        if body + length > end:
            break
        if kind & 0xF0 == 0x30:
            topic_end = body + 2 + (buffer[body] << 8 | buffer[body + 1])
            if kind & 0x06:
                heard.owed.append(puback(buffer[topic_end] << 8 | buffer[topic_end + 1]))
            found = _ACK.search(buffer, topic_end, body + length)
            if found is not None:
                heard.acked = max(heard.acked, int(found[1]))
        at = body + length
    return buffer[at:]


class Load:
    """All carts of one order, and the loop that drives them."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        """`moves_on`: state or puback. `under_way` is for all carts together; `counted` names a file in which somebody
        counts what came out at the other end, so that no more than that is under way inside the broker."""
        self._by_puback = order["moves_on"] == "puback"
        self._under_way: int = order["under_way"]
        self._window = max(1, order["under_way"] // len(order["carts"]))
        self._first = order["first_seq"]
        self._tails = tails(order["codes"], self._first, EVENTS_EACH, int(time.time() * 1000))
        self._counted = _open_count(order["counted"]) if order["counted"] else None
        self._look_every_s = 0.02 if self._counted else 0.5
        self._epoll = select.epoll()
        self.done = Done()
        self.carts: dict[int, BareCart] = {}
        for cart_id, password in order["carts"]:
            line = open_cart(order["port"], cart_id, password, hear_states=not self._by_puback)
            self.carts[line.fileno()] = BareCart(cart_id, line, head(cart_id, len(self._tails[0])))
            self._epoll.register(line, select.EPOLLIN)

    def run_until_input_ends(self) -> None:
        """Drive the carts until standard input is closed; raises ConnectionError when the broker hangs up."""
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        now_s = asked_s = time.monotonic()
        for cart in self.carts.values():
            cart.progress_s = now_s
            self._fill(cart, b"")
        while True:
            for number, events in self._epoll.poll(self._look_every_s):
                if number == sys.stdin.fileno():
                    return
                self._turn(self.carts[number], events)
            time.sleep(ROUND_S)
            now_s = time.monotonic()
            if now_s - asked_s < self._look_every_s:
                continue
            asked_s = now_s
            for cart in self.carts.values():
                if self._counted is not None:
                    self._fill(cart, b"")
                else:
                    self._repeat(cart, now_s)

    def close(self) -> None:
        for cart in self.carts.values():
            cart.socket.close()

    def _turn(self, cart: BareCart, events: int) -> None:
        heard = Heard()
        if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            data = cart.socket.recv(READ_BYTES)
            self.done.reads += 1
            if not data:
                raise ConnectionError(f"the broker hung up on cart {cart.cart_id}")
            cart.rest = read_packets(cart.rest + data, heard)
        if self._by_puback:
            cart.acked += heard.pubacks
        elif heard.acked - self._first + 1 > cart.acked:
            cart.acked = heard.acked - self._first + 1
            cart.progress_s = time.monotonic()
        self._fill(cart, b"".join(heard.owed))

    def _fill(self, cart: BareCart, owed: bytes) -> None:
        """Send what is owed and as many events as the window allows."""
        if self._by_puback and cart.acked == EVENTS_EACH:  # nobody looks at the numbers then: begin again
            cart.sent = cart.acked = 0
        until = min(cart.acked + self._window, EVENTS_EACH)
        if self._counted is not None:
            room = self._under_way - (self.done.sent - struct.unpack_from("Q", self._counted)[0])
            until = min(until, cart.sent + max(0, room))
        if cart.unsent or until <= cart.sent:
            self._send(cart, owed)
            return
        self.done.sent += until - cart.sent
        part = self._tails[cart.sent : until]
        cart.sent = until
        self._send(cart, owed + cart.head + cart.head.join(part))

    def _send(self, cart: BareCart, data: bytes) -> None:
        blocked = bool(cart.unsent)
        cart.unsent += data
        if not cart.unsent:
            return
        with contextlib.suppress(BlockingIOError):
            cart.unsent = cart.unsent[cart.socket.send(cart.unsent) :]
            self.done.writes += 1
        if bool(cart.unsent) != blocked:
            self._epoll.modify(cart.socket, select.EPOLLIN | (select.EPOLLOUT if cart.unsent else 0))

    def _repeat(self, cart: BareCart, now_s: float) -> None:
        if not self._by_puback and cart.sent > cart.acked and now_s - cart.progress_s > REPEAT_AFTER_S:
            self.done.repeated += cart.sent - cart.acked
            cart.sent, cart.progress_s = cart.acked, now_s
            self._fill(cart, b"")


def _connect_without_will(user: str, password: str) -> bytes:
    """CONNECT of a phone or a service: a clean session, no will (MQTT 3.1.1, section 3.1)."""
    texts = (text.encode() for text in (user, user, password))
    body = b"\x00\x04MQTT\x04\xc2" + struct.pack(">H", KEEPALIVE_S)
    body += b"".join(struct.pack(">H", len(text)) + text for text in texts)
    assert len(body) < 16_384
    return bytes((0x10, len(body) & 0x7F | 0x80, len(body) >> 7)) + body


def _open_count(path: str) -> mmap.mmap:
    """Eight bytes that another process writes: how many messages it has taken."""
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), 8)


def main() -> None:
    """Connect, say `connected`, load until told to stop, then print what was done as JSON."""
    load = Load(json.loads(sys.stdin.readline()))
    print("connected", flush=True)
    try:
        load.run_until_input_ends()
    finally:
        print(json.dumps(vars(load.done)), flush=True)
        load.close()
    os._exit(0)  # ten thousand sockets are closed by the kernel faster than by us


if __name__ == "__main__":
    main()
