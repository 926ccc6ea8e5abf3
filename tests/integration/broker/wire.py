"""A client that says exactly what a test wants, byte by byte, and sees exactly what the broker answers.

Written from the MQTT 3.1.1 standard, apart from the broker's own codec, so that one cannot hide the other's mistakes.
"""

import contextlib
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 5, 6, 7, 9, 11, 13
PINGREQ_BYTES = b"\xc0\x00"
DISCONNECT_BYTES = b"\xe0\x00"


class ConnectionEnded(AssertionError):
    """The broker closed the connection."""


class Silence(AssertionError):
    """Nothing came in time."""


@dataclass(frozen=True)
class Packet:
    """One packet from the broker."""

    kind: int
    flags: int
    body: bytes

    @property
    def qos(self) -> int:
        return self.flags >> 1 & 3

    @property
    def retain(self) -> bool:
        return bool(self.flags & 1)

    @property
    def duplicate(self) -> bool:
        return bool(self.flags & 8)

    @property
    def topic(self) -> str:
        (size,) = struct.unpack_from("!H", self.body)
        return self.body[2 : 2 + size].decode()

    @property
    def payload(self) -> bytes:
        (size,) = struct.unpack_from("!H", self.body)
        return self.body[2 + size + (2 if self.qos else 0) :]

    @property
    def packet_id(self) -> int:
        at = 2 + struct.unpack_from("!H", self.body)[0] if self.kind == PUBLISH else 0
        found: int = struct.unpack_from("!H", self.body, at)[0]
        return found


@dataclass(frozen=True)
class Will:
    """A will as a client states it."""

    topic: str
    payload: bytes = b"gone"
    qos: int = 1
    retain: bool = False


def packet(first: int, body: bytes) -> bytes:
    """A packet with any first byte."""
    return bytes((first,)) + length(len(body)) + body


def length(value: int) -> bytes:
    """The remaining length field."""
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(raw)) + raw


def connect_bytes(
    client_id: str,
    username: str | None = None,
    password: str | None = None,
    *,
    clean: bool = True,
    keep_alive_s: int = 60,
    will: Will | None = None,
    level: int = 4,
) -> bytes:
    flags = clean << 1 | (username is not None) << 7 | (password is not None) << 6
    body = text(client_id)
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
        body += text(will.topic) + text(will.payload)
    body += b"".join(text(part) for part in (username, password) if part is not None)
    return packet(0x10, text("MQTT") + bytes((level, flags)) + struct.pack("!H", keep_alive_s) + body)


def publish_bytes(
    topic: str, payload: bytes, qos: int = 0, packet_id: int = 1, *, retain: bool = False, duplicate: bool = False
) -> bytes:
    body = text(topic) + (struct.pack("!H", packet_id) if qos else b"") + payload
    return packet(0x30 | duplicate << 3 | qos << 1 | retain, body)


def subscribe_bytes(filters: list[tuple[str, int]], packet_id: int = 1) -> bytes:
    body = b"".join(text(topic_filter) + bytes((qos,)) for topic_filter, qos in filters)
    return packet(0x82, struct.pack("!H", packet_id) + body)


def unsubscribe_bytes(filters: list[str], packet_id: int = 1) -> bytes:
    return packet(0xA2, struct.pack("!H", packet_id) + b"".join(map(text, filters)))


def acknowledgement_bytes(kind: int, packet_id: int) -> bytes:
    return packet(kind << 4 | (2 if kind == PUBREL else 0), struct.pack("!H", packet_id))


@dataclass
class RawClient:
    """A TCP connection that reads packets one at a time."""

    address: tuple[str, int]
    stream: socket.socket = field(init=False)
    _buffer: bytes = b""

    def __post_init__(self) -> None:
        self.stream = socket.create_connection(self.address, timeout=10)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def send(self, data: bytes) -> None:
        self.stream.sendall(data)

    def cut(self) -> None:
        """End the connection without a DISCONNECT."""
        self.stream.close()

    def leave(self) -> None:
        """DISCONNECT, then close."""
        with contextlib.suppress(OSError):
            self.send(DISCONNECT_BYTES)
        self.stream.close()

    def receive(self, within_s: float = 5.0) -> Packet:
        """The next packet; raises Silence or ConnectionEnded."""
        deadline = time.monotonic() + within_s
        while (complete := self._take()) is None:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self.stream], [], [], left_s)[0]:
                raise Silence(f"no packet within {within_s} s")
            try:
                data = self.stream.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise ConnectionEnded
            self._buffer += data
        return complete

    def expect(self, kind: int, within_s: float = 5.0) -> Packet:
        """The next packet, which must be of this kind."""
        received = self.receive(within_s)
        assert received.kind == kind, f"expected kind {kind}, got {received}"
        return received

    def is_closed_by_broker(self, within_s: float = 5.0) -> bool:
        """Whether the broker ends the connection in time; what it says before that is dropped."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                self.receive(max(0.0, deadline - time.monotonic()))
            except ConnectionEnded:
                return True
            except Silence:
                return False

    def connect(
        self, client_id: str, username: str | None = None, password: str | None = None, **rest: object
    ) -> Packet:
        """CONNECT; the CONNACK."""
        self.send(connect_bytes(client_id, username, password, **rest))  # type: ignore[arg-type]
        return self.expect(CONNACK)

    def subscribe(self, *filters: tuple[str, int], packet_id: int = 1) -> list[int]:
        """SUBSCRIBE; the codes of the SUBACK, which must be the next packet."""
        self.send(subscribe_bytes(list(filters), packet_id))
        answer = self.expect(SUBACK)
        assert answer.packet_id == packet_id
        return list(answer.body[2:])

    def publish(self, topic: str, payload: bytes, qos: int = 1, packet_id: int = 1, *, retain: bool = False) -> None:
        """PUBLISH, with the whole handshake of its QoS; no other packet may come in between."""
        self.send(publish_bytes(topic, payload, qos, packet_id, retain=retain))
        if qos == 1:
            assert self.expect(PUBACK).packet_id == packet_id
        if qos == 2:
            assert self.expect(PUBREC).packet_id == packet_id
            self.send(acknowledgement_bytes(PUBREL, packet_id))
            assert self.expect(PUBCOMP).packet_id == packet_id

    def acknowledge(self, received: Packet) -> None:
        """The first answer to a PUBLISH that came in."""
        if received.qos:
            self.send(acknowledgement_bytes(PUBACK if received.qos == 1 else PUBREC, received.packet_id))

    def messages(self, count: int, within_s: float = 5.0) -> list[Packet]:
        """The next `count` messages, each with the whole handshake of its QoS."""
        found: list[Packet] = []
        to_release: set[int] = set()
        while len(found) < count or to_release:
            received = self.receive(within_s)
            if received.kind == PUBREL:
                to_release.discard(received.packet_id)
                self.send(acknowledgement_bytes(PUBCOMP, received.packet_id))
                continue
            assert received.kind == PUBLISH, received
            found.append(received)
            if received.qos == 2:
                to_release.add(received.packet_id)
            self.acknowledge(received)
        return found

    def hears_nothing(self) -> bool:
        """True when everything the broker had for us before a ping is: nothing."""
        self.send(PINGREQ_BYTES)
        return self.receive().kind == PINGRESP

    def until_pong(self) -> list[Packet]:
        """Every message the broker had for us before it answered a ping; none is acknowledged."""
        self.send(PINGREQ_BYTES)
        found: list[Packet] = []
        while (received := self.receive()).kind != PINGRESP:
            found.append(received)
        return found

    def _take(self) -> Packet | None:
        size = shift = 0
        for position in range(1, min(5, len(self._buffer))):
            size |= (self._buffer[position] & 0x7F) << shift
            shift += 7
            if self._buffer[position] < 0x80:
                end = position + 1 + size
                if len(self._buffer) < end:
                    return None
                first, body = self._buffer[0], self._buffer[position + 1 : end]
                self._buffer = self._buffer[end:]
                return Packet(first >> 4, first & 0xF, body)
        return None
