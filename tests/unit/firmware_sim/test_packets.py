"""MQTT on the wire: what is written can be read by others, and what arrives in any pieces is read whole."""

import asyncio
import contextlib
from itertools import pairwise
from typing import Any

import pytest
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.subscribe import SubscribePacket
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim import packets
from firmware_sim.packets import Connack, Decoder, Message, Pingresp, ProtocolError, Puback, Suback


class Reader:
    """Bytes as amqtt reads them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def read(self, n: int = -1) -> bytes:
        piece, self._raw = (self._raw, b"") if n < 0 else (self._raw[:n], self._raw[n:])
        return piece

    def feed_eof(self) -> None:
        pass


def read_as(kind: Any, raw: bytes) -> Any:
    async def read() -> Any:
        reader = Reader(raw)
        header = await MQTTFixedHeader.from_stream(reader)  # type: ignore[arg-type]
        return await kind.from_stream(reader, fixed_header=header)

    return asyncio.run(read())


def test_a_connect_says_who_what_will_and_how_long() -> None:
    packet = read_as(ConnectPacket, packets.connect("cart-7", "cart-7", "secret", 30, "a/status", b"gone"))
    assert packet.client_id == packet.username == "cart-7"
    assert packet.password == "secret"
    assert packet.keep_alive == 30
    assert packet.clean_session_flag
    assert (packet.will_topic, packet.will_message, packet.will_qos, packet.will_retain_flag) == (
        "a/status",
        b"gone",
        1,
        True,
    )


@pytest.mark.parametrize("size", [0, 1, 120, 127, 128, 4096, 20_000])
def test_a_publish_of_any_size_is_read_by_another_implementation(size: int) -> None:
    packet = read_as(PublishPacket, packets.publish(b"a/b", b"x" * size, packet_id=513, retain=True))
    assert (packet.topic_name, packet.packet_id, packet.qos, packet.retain_flag) == ("a/b", 513, 1, True)
    assert len(packet.data or b"") == size


def test_a_subscribe_asks_for_each_filter_at_quality_one() -> None:
    packet = read_as(SubscribePacket, packets.subscribe(9, ("a/state", "a/commands")))
    assert packet.payload.topics == [("a/state", 1), ("a/commands", 1)]


STREAM = (
    b"\x20\x02\x00\x00"
    + packets.publish(b"a/b", b"{}", packet_id=7)
    + packets.publish(b"a/c", b"y" * 300, packet_id=0, retain=True)
    + b"\x40\x02\x00\x07\x90\x04\x00\x01\x01\x80\xd0\x00"
)
READ = [
    Connack(False, 0),
    Message("a/b", b"{}", 1, False, 7),
    Message("a/c", b"y" * 300, 0, True, 0),
    Puback(7),
    Suback(1, (1, 0x80)),
    Pingresp(),
]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_packets_are_read_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    decoder = Decoder()
    edges = [0, *sorted(cuts), len(STREAM)]
    assert [p for a, b in pairwise(edges) for p in decoder.feed(STREAM[a:b])] == READ


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_packets_or_a_protocol_error(raw: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        Decoder().feed(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\xff\xff\xff\xff\x01",  # remaining length of five bytes
        b"\x30\xff\xff\xff\x7f",  # 256 MB
        b"\x30\x01\x00",  # shorter than its topic's length
        b"\x36\x05\x00\x01a\x00\x01",  # quality of service 3
        b"\x32\x03\x00\x01a",  # no packet id
        b"\x30\x03\x00\x01\xff",  # topic is not UTF-8
        b"\xf0\x00",  # reserved type
    ],
)
def test_what_the_standard_forbids_is_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(raw)
