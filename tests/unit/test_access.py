"""The access policy against its laws: what a filter covers, what matches, and that identities stay in their lane."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared import access
from shared.access import (
    CartIdentity,
    Identity,
    ServiceIdentity,
    ShopperIdentity,
    cart_of,
    covers,
    grants,
    is_service,
    matches,
    may_publish,
    may_receive,
    may_retain,
    may_subscribe,
    shopper_of,
    username,
)
from shared.contracts.channels import CHANNELS, ROOT, BadTopicId

UNHURRIED = settings(deadline=None)  # the machine may be busy with other tests

LEVELS = st.sampled_from(["a", "b", "", "$x", "a b"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)


@st.composite
def filters(draw: st.DrawFn) -> str:
    levels = draw(st.lists(LEVELS | st.just("+"), max_size=4))
    if draw(st.booleans()) or not levels:
        levels.append("#")
    found = "/".join(levels)
    return found or "+"


def reference_match(topic_filter: list[str], topic: list[str]) -> bool:
    """Section 4.7.1 read aloud, one level at a time."""
    if not topic_filter:
        return not topic
    head, *rest = topic_filter
    if head == "#":
        return True
    if not topic:
        return False
    return head in ("+", topic[0]) and reference_match(rest, topic[1:])


def witnesses(topic_filter: str) -> list[str]:
    """Topics that a filter matches, with levels that no filter here names."""
    levels = ["new" if level == "+" else level for level in topic_filter.split("/")]
    if levels[-1] != "#":
        return ["/".join(levels)]
    return ["/".join([*levels[:-1], *["new"] * depth]) for depth in range(6) if depth or len(levels) > 1]


@UNHURRIED
@given(filters(), TOPICS)
@example("a/#", "a")
@example("#", "$x")
@example("+/a", "$x/a")
@example("$x/#", "$x/a")
@example("+", "")
def test_matching_is_what_the_standard_says(topic_filter: str, topic: str) -> None:
    hidden = topic.startswith("$") and topic_filter[0] in "+#"
    expected = bool(topic) and not hidden and reference_match(topic_filter.split("/"), topic.split("/"))
    assert matches(topic_filter, topic) is expected


@UNHURRIED
@given(filters(), filters())
@example("a/+", "a/#")
@example("a/#", "a")
@example("+", "#")
def test_a_covered_filter_matches_nothing_that_is_not_granted(granted: str, requested: str) -> None:
    if covers(granted, requested):
        for topic in witnesses(requested):
            if matches(requested, topic):
                assert matches(granted, topic), topic


@UNHURRIED
@given(filters(), filters(), TOPICS)
def test_covering_carries_over_to_every_topic(granted: str, requested: str, topic: str) -> None:
    if covers(granted, requested) and matches(requested, topic):
        assert matches(granted, topic)


@UNHURRIED
@given(filters(), filters())
def test_whatever_is_wholly_granted_is_covered(granted: str, requested: str) -> None:
    # Nobody is granted a hash (below); `+/#` and `#` match the same topics and need not know it.
    if (
        "#" not in granted
        and requested[0] != "$"
        and all(matches(granted, topic) for topic in witnesses(requested) if topic)
    ):
        assert covers(granted, requested)


@UNHURRIED
@given(filters())
def test_a_filter_covers_itself(topic_filter: str) -> None:
    assert covers(topic_filter, topic_filter) or topic_filter.startswith("$")


@pytest.mark.parametrize("bad", ["", "a/#/b", "a#", "+a", "a/b+", "#/", "a\0", "$SYS/#", "$share/ingest/a"])
def test_a_malformed_or_reserved_filter_is_covered_by_nothing(bad: str) -> None:
    assert not covers("#", bad)
    assert not covers("+/+", bad)


IDENTITIES: st.SearchStrategy[Identity] = st.one_of(
    st.builds(CartIdentity, st.integers(1, 10**17), st.sampled_from(["main", "other", "s-1"])),
    st.builds(ShopperIdentity, st.integers(1, 10**17)),
    st.sampled_from(["ingest-0", "publisher-7", "bench-999"]).map(ServiceIdentity),
)
STORES = st.sampled_from(["main", "other", "s-1", "x"])


def house_topics(number: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    ids = st.fixed_dictionaries(
        {"store": STORES, "cart": number, "shopper": number, "service": st.sampled_from(["ingest-0", "bench-999"])}
    )
    return st.tuples(st.sampled_from(CHANNELS), ids).map(
        lambda drawn: drawn[0].topic(**{name: drawn[1][name] for name in drawn[0].parameters})
    )


@UNHURRIED
@given(IDENTITIES, house_topics(st.integers(1, 5)) | TOPICS)
def test_what_may_be_subscribed_may_be_received_and_the_other_way_round(identity: Identity, topic: str) -> None:
    assert may_subscribe(identity, topic) == may_receive(identity, topic)


@UNHURRIED
@given(
    IDENTITIES,
    filters() | st.sampled_from([f"{ROOT}/#", f"{ROOT}/stores/+/carts/#", "+/+/#"]),
    house_topics(st.integers(1, 5)),
)
def test_no_granted_filter_lets_more_in_than_may_be_received(identity: Identity, asked: str, topic: str) -> None:
    if may_subscribe(identity, asked) and matches(asked, topic):
        assert may_receive(identity, topic)


@UNHURRIED
@given(IDENTITIES, IDENTITIES, house_topics(st.integers(1, 5)))
def test_two_clients_never_share_a_topic_unless_one_is_a_service(one: Identity, other: Identity, topic: str) -> None:
    if one == other or isinstance(one, ServiceIdentity) or isinstance(other, ServiceIdentity):
        return
    if isinstance(one, CartIdentity) and isinstance(other, CartIdentity) and one.cart_id == other.cart_id:
        return
    assert not (may_publish(one, topic) and (may_publish(other, topic) or may_receive(other, topic)))
    assert not (may_receive(one, topic) and may_receive(other, topic))


@UNHURRIED
@given(IDENTITIES, house_topics(st.integers(1, 5)) | TOPICS)
def test_what_may_be_retained_may_be_published(identity: Identity, topic: str) -> None:
    assert not may_retain(identity, topic) or may_publish(identity, topic)


@UNHURRIED
@given(IDENTITIES)
def test_only_services_are_granted_wildcards_and_nobody_a_hash(identity: Identity) -> None:
    granted = grants(identity)
    for topic_filter in (*granted.publish, *granted.receive):
        assert "#" not in topic_filter
        assert isinstance(identity, ServiceIdentity) or "+" not in topic_filter


@UNHURRIED
@given(st.text(), st.integers(1, 10**17))
@example("main/carts/2/events/#", 1)
@example("+", 1)
@example("main\0", 1)
def test_no_store_name_changes_the_shape_of_a_carts_topics(store: str, cart_id: int) -> None:
    try:
        granted = grants(CartIdentity(cart_id, store))
    except BadTopicId:
        return
    shapes = {topic.replace(f"/stores/{store}/", "/stores/*/", 1).count("/") for topic in granted.publish}
    assert shapes == {6}
    assert not any(sign in topic for topic in (*granted.publish, *granted.receive) for sign in "+#$\0")


@UNHURRIED
@given(IDENTITIES)
def test_a_user_name_leads_back_to_its_identity_and_no_other_kind(identity: Identity) -> None:
    name = username(identity)
    match identity:
        case CartIdentity(cart_id=cart_id):
            assert (cart_of(name), shopper_of(name), is_service(name)) == (cart_id, None, False)
        case ShopperIdentity(shopper_id=shopper_id):
            assert (cart_of(name), shopper_of(name), is_service(name)) == (None, shopper_id, False)
        case ServiceIdentity():
            assert (cart_of(name), shopper_of(name), is_service(name)) == (None, None, True)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "cart-0",
            "cart-01",
            "cart--1",
            "cart-1\n",
            "cart-١",
            "Cart-1",
            " cart-1",
            "cart-",
            "cart-1/#",
            "cart-" + "9" * 19,
        ),
        *("shopper-0", "shopper-1 ", "ingest", "ingest-", "ingest-1000", "ingest-0\n", "admin", "", "#", "+"),
    ],
)
def test_names_that_only_look_like_ours_are_nobodys(name: str) -> None:
    assert (cart_of(name), shopper_of(name), is_service(name)) == (None, None, False)


def test_shared_subscriptions_are_for_services_only() -> None:
    shared, plain = access.ingest_filters(share=True), access.ingest_filters(share=False)
    for filter_, own in zip(shared, plain, strict=True):
        assert may_subscribe(ServiceIdentity("ingest-1"), filter_)
        assert may_subscribe(ServiceIdentity("ingest-1"), own)
        assert not may_subscribe(CartIdentity(1, "main"), filter_)
        assert not may_subscribe(ServiceIdentity("ingest-1"), filter_.replace("$share/ingest/", "$share/others/"))
