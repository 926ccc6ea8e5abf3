"""Packets are cut out of the stream wherever the network cut the stream itself."""

import hypothesis.strategies as st
from hypothesis import given

from services.cart_ingest.gated_client import Heard, read_message, split_packets
from tests.integration.broker.wire import packet, publish_bytes

bodies = st.binary(max_size=300)
packets = st.builds(packet, st.integers(0x10, 0xFF), bodies)


@given(st.lists(packets, max_size=20), st.binary(max_size=1))
def test_whole_packets_come_out_in_order_and_the_rest_waits(sent: list[bytes], begun: bytes) -> None:
    data = b"".join(sent) + begun

    found, end = split_packets(data)

    assert [data[start:stop] for start, _, stop in found] == sent
    assert data[end:] == begun


@given(st.lists(packets, min_size=1, max_size=5), st.data())
def test_it_does_not_matter_where_the_network_cuts(sent: list[bytes], choose: st.DataObject) -> None:
    data = b"".join(sent)
    cut = choose.draw(st.integers(0, len(data)))

    first, end = split_packets(data[:cut])
    second, _ = split_packets(data[end:])

    whole = [data[start:stop] for start, _, stop in first]
    whole += [data[end + start : end + stop] for start, _, stop in second]
    assert whole == sent


@given(st.text("abc/ü", min_size=1, max_size=200), st.binary(max_size=5_000), st.integers(1, 65_535))
def test_a_message_is_read_as_it_was_written(topic: str, payload: bytes, packet_id: int) -> None:
    data = publish_bytes(topic, payload, 1, packet_id)
    ((start, body, end),), _ = split_packets(data)

    assert read_message(data, start, body, end) == Heard(topic.encode(), payload, 1, packet_id)


@given(st.integers(0x30, 0x3F), st.binary(max_size=12))
def test_reading_a_broken_message_never_raises_and_never_gives_one_without_a_number(first: int, body: bytes) -> None:
    data = packet(first, body)
    ((start, at, end),), _ = split_packets(data)

    message = read_message(data, start, at, end)

    assert message is None or message.qos == 0 or (message.qos == 1 and message.mid > 0)
    assert message is None or len(message.topic) + len(message.payload) <= len(body)


def test_a_length_that_is_none_ends_the_stream_in_one_piece() -> None:
    data = packet(0x40, b"\x00\x01") + b"\x30\xff\xff\xff\xff\x01abc"

    found, end = split_packets(data)

    assert [data[start:stop] for start, _, stop in found] == [data[:4], data[4:]]
    assert end == len(data)
