"""Topics: an id is a level or it is refused, and a topic says again the ids that it was made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.channels import CHANNELS, EVENTS, SHOPPER_CART, BadTopicId, Channel

SPECIAL = "/+#$\x00 .-aA7é\u202e\u0430\ud800\n"
ANY_TEXT = st.one_of(st.text(st.characters()), st.text(SPECIAL, max_size=40))
IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=36)
CHANNEL = st.sampled_from(CHANNELS)
ANY_TOPIC = st.one_of(
    ANY_TEXT,
    st.lists(
        st.one_of(st.sampled_from(["smartcart", "v1", "stores", "carts", "shoppers", "events", "7", ""]), ANY_TEXT),
        max_size=9,
    ).map("/".join),
)


@given(st.data(), CHANNEL)
def test_a_topic_says_again_the_ids_that_it_was_made_of(data: st.DataObject, channel: Channel) -> None:
    ids = {name: data.draw(IDS) for name in channel.parameters}
    topic = channel.topic(**ids)
    assert channel.parse(topic) == ids
    assert [other for other in CHANNELS if other.parse(topic) is not None] == [channel]


@given(st.data(), CHANNEL)
def test_no_text_as_an_id_changes_the_shape_of_a_topic(data: st.DataObject, channel: Channel) -> None:
    ids = {name: data.draw(ANY_TEXT) for name in channel.parameters}
    try:
        topic = channel.topic(**ids)
    except BadTopicId:
        return
    assert topic.count("/") == channel.filter.count("/")
    assert not set(topic) & set("+#$\x00")
    assert channel.parse(topic) == ids


@given(st.integers())
def test_no_number_as_an_id_changes_the_shape_of_a_topic(number: int) -> None:
    try:
        topic = EVENTS.topic(store="main", cart=number)
    except BadTopicId:
        assert len(str(number)) > 36
    else:
        assert EVENTS.parse(topic) == {"store": "main", "cart": str(number)}


@given(ANY_TOPIC, CHANNEL)
def test_any_text_is_a_topic_of_the_channel_or_none(topic: str, channel: Channel) -> None:
    ids = channel.parse(topic)
    assert ids is None or channel.topic(**ids) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "$SYS/broker/uptime",
        "smartcart/v1/stores/main/carts/7",
        "smartcart/v1/stores/main/carts/7/events/more",
        "smartcart/v1/stores/main/carts/7/events/",
        "/smartcart/v1/stores/main/carts/7/events",
        "smartcart/v1/stores//carts/7/events",
        "smartcart/v1/stores/main/carts//events",
        "smartcart/v1/stores/main/carts/+/events",
        "smartcart/v1/stores/main/carts/#",
        "smartcart/v1/stores/main/carts/7 /events",
        "smartcart/v1/stores/main/carts/7\x00/events",
        "smartcart/v1/stores/main/carts/7\n/events",
        "smartcart/v1/stores/main/carts/" + "7" * 37 + "/events",
        "smartcart/v1/stores/" + "a" * 65 + "/carts/7/events",
        "smartcart/v1/stores/Main/carts/7/events",
        "smartcart/v1/stores/m\u0430in/carts/7/events",
        "smartcart/v1/stores/main/carts/\u0667/events",
        "smartcart/v1/stores/main/carts/7/Events",
        "smartcart/v2/stores/main/carts/7/events",
    ],
)
def test_m13_a_topic_of_another_shape_is_none_of_ours(topic: str) -> None:
    assert [channel.name for channel in CHANNELS if channel.parse(topic) is not None] == []


def test_m14_a_topic_that_was_not_utf8_is_none_of_ours() -> None:
    topic = b"smartcart/v1/stores/main/carts/\xff\xfe/events".decode("utf-8", "surrogateescape")
    assert EVENTS.parse(topic) is None


def test_a_topic_needs_all_its_ids() -> None:
    with pytest.raises(KeyError):
        EVENTS.topic(store="main")


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_filter_has_a_plus_for_every_id(channel: Channel) -> None:
    assert channel.filter.count("+") == len(channel.parameters)
    assert channel.topic(**dict.fromkeys(channel.parameters, "x")).replace("/x", "/+") == channel.filter


def test_topics_are_those_of_the_design() -> None:
    assert EVENTS.topic(store="main", cart=7) == "smartcart/v1/stores/main/carts/7/events"
    assert SHOPPER_CART.topic(shopper=12) == "smartcart/v1/shoppers/12/cart"
