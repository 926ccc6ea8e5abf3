"""MQTT 3.1.1 on the wire, as much of it as a cart needs: bytes to packets and back. No input or output here.

OASIS MQTT Version 3.1.1, sections 2 and 3. Quality of service 0 and 1; topics and client ids are ASCII by contract.
"""

from dataclasses import dataclass

MAX_PACKET_BYTES = 64 * 1024  # a cart's contract allows 4 KiB payloads; more than this is no broker of ours

_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class ProtocolError(Exception):
    """The other side does not speak MQTT 3.1.1; the connection has to be closed."""


@dataclass(frozen=True, slots=True)
class Connack:
    """`code` 0 is welcome; 4 and 5 mean that the credential was refused."""

    session_present: bool
    code: int


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH that arrived; `packet_id` 0 for quality of service 0."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int


@dataclass(frozen=True, slots=True)
class Puback:
    packet_id: int


@dataclass(frozen=True, slots=True)
class Suback:
    packet_id: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pingresp:
    pass


Packet = Connack | Message | Puback | Suback | Pingresp


def _length(size: int) -> bytes:
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(encoded)


def _text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body


def connect(
    client_id: str, username: str, password: str, keepalive_s: int, will_topic: str, will_payload: bytes
) -> bytes:
    """CONNECT with a clean session and a retained will of quality of service 1."""
    flags = 0x80 | 0x40 | 0x20 | 0x08 | 0x04 | 0x02
    head = _text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big")
    return _packet(
        0x10,
        head + _text(client_id) + _text(will_topic) + _text(will_payload) + _text(username) + _text(password),
    )


def publish(topic: bytes, payload: bytes, *, packet_id: int, retain: bool = False, dup: bool = False) -> bytes:
    """PUBLISH; with `packet_id` 0 quality of service 0, else 1. `topic` is the encoded topic name."""
    first = _PUBLISH | (0x08 if dup and packet_id else 0) | (0x02 if packet_id else 0) | (0x01 if retain else 0)
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return _packet(first, len(topic).to_bytes(2, "big") + topic + number + payload)


def puback(packet_id: int) -> bytes:
    """PUBACK."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def subscribe(packet_id: int, filters: tuple[str, ...]) -> bytes:
    """SUBSCRIBE to each filter with quality of service 1."""
    return _packet(0x82, packet_id.to_bytes(2, "big") + b"".join(_text(each) + b"\x01" for each in filters))


class Decoder:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[Packet]:
        """The packets that are complete now. Raises ProtocolError; the decoder is of no use afterwards."""
        buffer = self._buffer
        buffer += chunk
        packets: list[Packet] = []
        start = 0
        while (found := self._frame(start)) is not None:
            body_at, end = found
            packets.append(_decode(buffer[start], bytes(buffer[body_at:end])))
            start = end
        del buffer[:start]
        return packets

    def _frame(self, start: int) -> tuple[int, int] | None:
        buffer = self._buffer
        length = 0
        for position in range(4):
            at = start + 1 + position
            if at >= len(buffer):
                return None
            length |= (buffer[at] & 0x7F) << (7 * position)
            if buffer[at] < 0x80:
                if length > MAX_PACKET_BYTES:
                    raise ProtocolError(f"packet of {length} bytes")
                return (at + 1, at + 1 + length) if at + 1 + length <= len(buffer) else None
        raise ProtocolError("remaining length has more than four bytes")


def _decode(first: int, body: bytes) -> Packet:
    kind = first & 0xF0
    if kind == _PUBLISH:
        return _decode_publish(first, body)
    if kind == _PUBACK and len(body) == 2:
        return Puback(int.from_bytes(body, "big"))
    if kind == _CONNACK and len(body) == 2:
        return Connack(bool(body[0] & 1), body[1])
    if kind == _SUBACK and len(body) >= 3:
        return Suback(int.from_bytes(body[:2], "big"), tuple(body[2:]))
    if kind == _PINGRESP and not body:
        return Pingresp()
    raise ProtocolError(f"packet type {first >> 4} with {len(body)} bytes")


def _decode_publish(first: int, body: bytes) -> Message:
    qos = (first >> 1) & 3
    topic_end = 2 + int.from_bytes(body[:2], "big")
    payload_at = topic_end + (2 if qos else 0)
    if qos > 1 or len(body) < 2 or payload_at > len(body):
        raise ProtocolError("malformed PUBLISH")
    try:
        topic = body[2:topic_end].decode()
    except UnicodeDecodeError as problem:
        raise ProtocolError("topic is not UTF-8") from problem
    packet_id = int.from_bytes(body[topic_end:payload_at], "big")
    return Message(topic, body[payload_at:], qos, bool(first & 1), packet_id)
