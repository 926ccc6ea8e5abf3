"""MQTT 3.1.1 packets, strict both ways: what the standard forbids is refused here, before anything acts on it.

Section numbers are those of the OASIS standard. Decoders take the packet's body (without the fixed
header) and raise MalformedPacket; there is no I/O here.
"""

from dataclasses import dataclass
from typing import Final

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

ACCEPTED, BAD_PROTOCOL_LEVEL, IDENTIFIER_REJECTED, SERVER_UNAVAILABLE, NOT_AUTHORISED = 0, 1, 2, 3, 5
SUBSCRIBE_REFUSED = 0x80

PINGRESP_PACKET: Final = bytes((PINGRESP << 4, 0))
PROTOCOL_NAME: Final = b"\x00\x04MQTT"
PROTOCOL_LEVEL: Final = 4

# Section 2.2.2: flags of the packets a client may send; PUBLISH carries meaning in all four bits.
_CLIENT_FLAGS: Final = {
    CONNECT: 0,
    PUBACK: 0,
    PUBREC: 0,
    PUBREL: 2,
    PUBCOMP: 0,
    SUBSCRIBE: 2,
    UNSUBSCRIBE: 2,
    PINGREQ: 0,
    DISCONNECT: 0,
}
_CLIENT_FIRST_BYTES: Final = frozenset(kind << 4 | flags for kind, flags in _CLIENT_FLAGS.items()) | frozenset(
    PUBLISH << 4 | dup << 3 | qos << 1 | retain
    for dup in (0, 1)
    for qos in (0, 1, 2)
    for retain in (0, 1)
    if dup <= qos
)


class MalformedPacket(Exception):
    """Bytes that the standard forbids; the connection must be closed. The text is a short reason for counting."""


class UnsupportedProtocolLevel(MalformedPacket):
    """A CONNECT of another MQTT version: answered with CONNACK 1, then closed (section 3.1.2.2)."""


@dataclass(frozen=True, slots=True)
class Will:
    """What is published when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """A CONNECT packet."""

    client_id: str
    clean_session: bool
    keep_alive_s: int
    will: Will | None
    username: str | None
    password: bytes | None


def next_frame(buffer: bytes, at: int, packet_max: int) -> tuple[int, int, int] | None:
    """First byte, start and end of the body of the packet at `at`, or None while bytes are missing.

    Kind, flags and size are refused from the header alone, so nothing large is ever collected.
    """
    size = len(buffer)
    if at >= size:
        return None
    first = buffer[at]
    if first not in _CLIENT_FIRST_BYTES:
        raise MalformedPacket("packet kind or flags")
    length = shift = 0
    for position in range(at + 1, at + 5):
        if position >= size:
            return None
        byte = buffer[position]
        length |= (byte & 0x7F) << shift
        if length > packet_max:
            raise MalformedPacket("packet too large")
        if byte < 0x80:
            end = position + 1 + length
            return (first, position + 1, end) if end <= size else None
        shift += 7
    raise MalformedPacket("remaining length")


def decode_connect(body: bytes) -> Connect:
    """Section 3.1. Raises UnsupportedProtocolLevel for a version other than 3.1.1."""
    if body[:6] != PROTOCOL_NAME:
        if body[:8] == b"\x00\x06MQIsdp":
            raise UnsupportedProtocolLevel("protocol level")
        raise MalformedPacket("protocol name")
    if len(body) < 10:
        raise MalformedPacket("truncated")
    if body[6] != PROTOCOL_LEVEL:
        raise UnsupportedProtocolLevel("protocol level")
    flags = body[7]
    has_will, will_qos, will_retain = bool(flags & 4), flags >> 3 & 3, bool(flags & 32)
    has_password, has_username = bool(flags & 64), bool(flags & 128)
    if (
        flags & 1
        or will_qos == 3
        or (not has_will and (will_qos or will_retain))
        or (has_password and not has_username)
    ):
        raise MalformedPacket("connect flags")
    client_id, at = _text(body, 10)
    will = None
    if has_will:
        will_topic, at = _text(body, at)
        payload, at = _binary(body, at)
        will = Will(topic_name(will_topic), payload, will_qos, will_retain)
    username = password = None
    if has_username:
        username, at = _text(body, at)
    if has_password:
        password, at = _binary(body, at)
    _expect_end(body, at)
    return Connect(client_id, bool(flags & 2), body[8] << 8 | body[9], will, username, password)


def decode_publish(first: int, body: bytes) -> tuple[bytes, int, bytes]:
    """Section 3.3: the topic as bytes (check it with `decode_topic`), the packet id (0 at QoS 0), the payload."""
    end = 2 + (body[0] << 8 | body[1]) if len(body) >= 2 else len(body) + 1
    if not first & 6:
        if end > len(body):
            raise MalformedPacket("truncated")
        return body[2:end], 0, body[end:]
    if end + 2 > len(body):
        raise MalformedPacket("truncated")
    packet_id = body[end] << 8 | body[end + 1]
    if packet_id == 0:
        raise MalformedPacket("packet id 0")
    return body[2:end], packet_id, body[end + 2 :]


def decode_topic(raw: bytes) -> str:
    """A topic name to publish to: UTF-8, not empty, no NUL, no wildcard (sections 3.3.2.1, 4.7.3)."""
    return topic_name(_utf8(raw))


def topic_name(topic: str) -> str:
    """`topic` itself when it may be published to."""
    if not topic or "+" in topic or "#" in topic:
        raise MalformedPacket("topic name")
    return topic


def decode_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    """Section 3.8: the packet id and the filters with the QoS asked for; filters are not yet checked."""
    packet_id, at = _packet_id(body), 2
    wanted: list[tuple[str, int]] = []
    while at < len(body):
        topic_filter, at = _text(body, at)
        if at >= len(body) or body[at] > 2:
            raise MalformedPacket("requested qos")
        wanted.append((topic_filter, body[at]))
        at += 1
    if not wanted:
        raise MalformedPacket("no filter")
    return packet_id, wanted


def decode_unsubscribe(body: bytes) -> tuple[int, list[str]]:
    """Section 3.10: the packet id and the filters."""
    packet_id, at = _packet_id(body), 2
    filters: list[str] = []
    while at < len(body):
        topic_filter, at = _text(body, at)
        filters.append(topic_filter)
    if not filters:
        raise MalformedPacket("no filter")
    return packet_id, filters


def decode_acknowledgement(body: bytes) -> int:
    """The packet id of a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    packet_id = _packet_id(body)
    _expect_end(body, 2)
    return packet_id


def decode_empty(body: bytes) -> None:
    """PINGREQ and DISCONNECT have no body."""
    _expect_end(body, 0)


def encode_connack(code: int, session_present: bool = False) -> bytes:
    """Section 3.2."""
    return bytes((CONNACK << 4, 2, int(session_present), code))


def encode_publish(topic: bytes, payload: bytes, qos: int, retain: bool, packet_id: int, duplicate: bool) -> bytes:
    """Section 3.3; `packet_id` is left out at QoS 0."""
    first = PUBLISH << 4 | duplicate << 3 | qos << 1 | retain
    size = len(topic)
    if qos:
        head = bytes((first, *_length(size + len(payload) + 4), size >> 8, size & 0xFF))
        return b"".join((head, topic, bytes((packet_id >> 8, packet_id & 0xFF)), payload))
    head = bytes((first, *_length(size + len(payload) + 2), size >> 8, size & 0xFF))
    return b"".join((head, topic, payload))


def encode_acknowledgement(kind: int, packet_id: int) -> bytes:
    """PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK."""
    return bytes((kind << 4 | (2 if kind == PUBREL else 0), 2, packet_id >> 8, packet_id & 0xFF))


def encode_suback(packet_id: int, codes: list[int]) -> bytes:
    """Section 3.9: one code per filter, in the order asked."""
    return bytes((SUBACK << 4, *_length(2 + len(codes)), packet_id >> 8, packet_id & 0xFF, *codes))


def _length(value: int) -> tuple[int, ...]:
    if value < 0x80:
        return (value,)
    if value < 0x4000:
        return (value & 0x7F | 0x80, value >> 7)
    return (value & 0x7F | 0x80, *_length(value >> 7))


def _binary(body: bytes, at: int) -> tuple[bytes, int]:
    start = at + 2
    if start > len(body):
        raise MalformedPacket("truncated")
    end = start + (body[at] << 8 | body[at + 1])
    if end > len(body):
        raise MalformedPacket("truncated")
    return body[start:end], end


def _text(body: bytes, at: int) -> tuple[str, int]:
    raw, end = _binary(body, at)
    return _utf8(raw), end


def _utf8(raw: bytes) -> str:
    """Section 1.5.3: well-formed UTF-8 without surrogates (Python's decoder refuses them) and without NUL."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedPacket("utf-8") from None
    if "\0" in text:
        raise MalformedPacket("nul character")
    return text


def _packet_id(body: bytes) -> int:
    if len(body) < 2:
        raise MalformedPacket("truncated")
    packet_id = body[0] << 8 | body[1]
    if packet_id == 0:
        raise MalformedPacket("packet id 0")
    return packet_id


def _expect_end(body: bytes, at: int) -> None:
    if at != len(body):
        raise MalformedPacket("trailing bytes")
