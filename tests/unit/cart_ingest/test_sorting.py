"""What a delivery is, told from its topic and bytes: total, whatever a broker lets through."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cart_ingest.listener import Delivery
from services.cart_ingest.sorting import sort_deliveries
from shared.contracts.channels import EVENTS, STATUS, TELEMETRY

SCAN = json.dumps({"v": 1, "epoch": 1, "seq": 1, "type": "scan", "code": "9520000000011"}).encode()


def delivery(topic: str | bytes, payload: bytes = SCAN, qos: int = 1) -> Delivery:
    raw = topic.encode() if isinstance(topic, str) else topic
    return Delivery(1, 1, raw, payload, qos, datetime(2026, 11, 22, tzinfo=UTC))


def test_each_channel_goes_its_own_way() -> None:
    ids: dict[str, str | int] = {"store": "main", "cart": 7}
    batch = sort_deliveries(
        [
            delivery(EVENTS.topic(**ids)),
            delivery(EVENTS.topic(**ids), qos=0),
            delivery(STATUS.topic(**ids), b'{"v":1,"online":true}'),
            delivery(STATUS.topic(**ids), b"?"),
            delivery(TELEMETRY.topic(**ids), b'{"v":1,"location":{"x":1.0,"y":2.0}}'),
            delivery(TELEMETRY.topic(**ids), b"?"),
        ]
    )

    assert [(one.store, one.cart_id) for one in batch.events] == [("main", 7)] * 2
    assert batch.unassured == 1
    assert len(batch.statuses) == len(batch.telemetry) == batch.unheard == 1
    assert [stray.reason for stray in batch.strays] == ["status_decode"]


@pytest.mark.parametrize(
    "topic",
    [
        b"smartcart/v1/stores/main/carts/\xff/events",  # M14
        b"\xc3\x28",
        "smartcart/v1/stores/main/carts/7",
        "smartcart/v1/stores/main/carts/7/events/more",
        "smartcart/v1/stores/main/carts//events",
        "smartcart/v1/stores/main/carts/07/events",
        "smartcart/v1/stores/main/carts/-7/events",
        "smartcart/v1/stores/main/carts/2147483648/events",
        "smartcart/v1/stores/main/carts/٧/events",
        "smartcart/v1/stores/main/carts/²/events",
        "smartcart/v1/stores/" + "a" * 37 + "/carts/7/events",
        "$SYS/broker/uptime",
        "a\0b",
        "",
    ],
)
def test_a_topic_of_no_cart_becomes_a_stray_that_can_be_stored_and_shown(topic: str | bytes) -> None:
    (stray,) = sort_deliveries([delivery(topic, b"\x00raw\xff")]).strays

    assert (stray.reason, stray.payload, stray.cart_id) == ("topic", b"\x00raw\xff", None)
    assert all(" " <= sign <= "~" for sign in stray.topic)
    assert len(stray.topic) <= 200


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_sorting_never_raises(topic: bytes, payload: bytes) -> None:
    batch = sort_deliveries([delivery(topic, payload)])

    assert len(batch.strays) + len(batch.events) + len(batch.statuses) + len(batch.telemetry) + batch.unheard == 1


@given(st.text(max_size=40), st.binary(max_size=200), st.sampled_from(["events", "telemetry", "status"]))
def test_sorting_never_raises_on_a_topic_that_looks_like_ours(cart: str, payload: bytes, kind: str) -> None:
    topic = f"smartcart/v1/stores/main/carts/{cart}/{kind}".encode("utf-8", "surrogatepass")
    batch = sort_deliveries([delivery(topic, payload)])

    assert len(batch.strays) + len(batch.events) + len(batch.statuses) + len(batch.telemetry) + batch.unheard == 1
