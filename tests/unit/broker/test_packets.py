"""The codec against another implementation of the standard (amqtt's), and against any bytes at all."""

import asyncio
import contextlib
from typing import Any

import pytest
from amqtt.adapters import BufferReader
from amqtt.mqtt.connect import ConnectPacket, ConnectPayload, ConnectVariableHeader
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.embedded import packets
from broker.embedded.packets import Connect, MalformedPacket, Will

UNHURRIED = settings(deadline=None)  # the machine may be busy with other tests

PACKET_MAX = 16_384
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
TOPIC = TEXT.map(lambda text: text.replace("+", "x").replace("#", "y"))
PAYLOAD = st.binary(max_size=300)
PACKET_ID = st.integers(1, 65535)
QOS = st.integers(0, 2)


def body_of(encoded: bytes) -> tuple[int, bytes]:
    frame = packets.next_frame(encoded, 0, PACKET_MAX)
    assert frame is not None
    first, start, end = frame
    assert end == len(encoded)
    return first, encoded[start:end]


def read(kind: Any, encoded: bytes) -> Any:
    return asyncio.run(kind.from_stream(BufferReader(encoded)))


@UNHURRIED
@given(
    TEXT, st.booleans(), st.integers(0, 65535), st.none() | st.tuples(TOPIC, PAYLOAD, QOS, st.booleans()), TEXT, TEXT
)
def test_a_connect_is_read_as_it_was_meant(
    client_id: str, clean: bool, keep_alive_s: int, will: tuple[str, bytes, int, bool] | None, name: str, password: str
) -> None:
    header = ConnectVariableHeader(connect_flags=0xC2 if clean else 0xC0, keep_alive=keep_alive_s)
    payload = ConnectPayload(client_id, username=name, password=password)
    if will is not None:
        header.will_flag, header.will_qos, header.will_retain_flag = True, will[2], will[3]
        payload.will_topic, payload.will_message = will[0], will[1]
    encoded = ConnectPacket(variable_header=header, payload=payload).to_bytes()
    assert packets.decode_connect(body_of(encoded)[1]) == Connect(
        client_id, clean, keep_alive_s, Will(*will) if will else None, name, password.encode()
    )


@UNHURRIED
@given(TOPIC, PAYLOAD, QOS, st.booleans(), PACKET_ID)
def test_a_publish_is_the_same_in_both_directions(
    topic: str, payload: bytes, qos: int, retain: bool, packet_id: int
) -> None:
    theirs = PublishPacket.build(topic, payload, packet_id if qos else None, False, qos, retain).to_bytes()
    ours = packets.encode_publish(topic.encode(), payload, qos, retain, packet_id, False)
    assert ours == theirs
    first, body = body_of(ours)
    raw, decoded_id, decoded_payload = packets.decode_publish(first, body)
    assert (packets.decode_topic(raw), decoded_payload) == (topic, payload)
    assert decoded_id == (packet_id if qos else 0)


@UNHURRIED
@given(st.lists(st.tuples(TEXT, QOS), min_size=1, max_size=8), PACKET_ID)
def test_subscriptions_are_read_as_they_were_meant(wanted: list[tuple[str, int]], packet_id: int) -> None:
    _, body = body_of(SubscribePacket.build(wanted, packet_id).to_bytes())
    assert packets.decode_subscribe(body) == (packet_id, wanted)
    names = [topic_filter for topic_filter, _ in wanted]
    _, body = body_of(UnsubscribePacket.build(names, packet_id).to_bytes())
    assert packets.decode_unsubscribe(body) == (packet_id, names)
    codes = [qos for _, qos in wanted]
    answer = read(SubackPacket, packets.encode_suback(packet_id, codes))
    assert (answer.variable_header.packet_id, answer.payload.return_codes) == (packet_id, codes)


@UNHURRIED
@given(st.binary(max_size=200), st.integers(0, 15))
def test_any_bytes_are_a_packet_or_malformed_and_nothing_else(data: bytes, kind: int) -> None:
    for decode in (
        packets.decode_connect,
        packets.decode_subscribe,
        packets.decode_unsubscribe,
        packets.decode_acknowledgement,
        packets.decode_empty,
        packets.decode_topic,
        lambda body: packets.decode_publish(0x32, body),
        lambda body: packets.next_frame(bytes((kind << 4,)) + body, 0, PACKET_MAX),
    ):
        with contextlib.suppress(MalformedPacket):
            decode(data)


@UNHURRIED
@given(PAYLOAD, st.data())
def test_a_packet_may_arrive_in_any_pieces(payload: bytes, data: st.DataObject) -> None:
    encoded = packets.encode_publish(b"a", payload, 1, False, 1, False)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    assert packets.next_frame(encoded[:cut], 0, PACKET_MAX) is None
    assert packets.next_frame(encoded, 0, PACKET_MAX) == (0x32, len(encoded) - len(payload) - 5, len(encoded))


@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384])
def test_the_largest_packet_is_allowed_and_one_byte_more_is_refused_from_its_header(size: int) -> None:
    encoded = packets.encode_publish(b"a", b"x" * (size - 3), 0, False, 0, False)
    first, body = body_of(encoded)
    assert (first, len(body)) == (0x30, size)
    with pytest.raises(MalformedPacket, match="too large"):
        packets.next_frame(encoded[:4], 0, size - 1)
