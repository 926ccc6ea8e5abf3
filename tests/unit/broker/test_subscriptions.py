"""The subscription table hears exactly what the access policy's matching says, however it got that way."""

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.embedded.subscriptions import Subscriptions, is_valid_filter
from shared.access import matches

LEVEL = st.sampled_from(["a", "b", "", "$x"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTER = (
    st.tuples(st.lists(LEVEL | st.just("+"), max_size=4), st.sampled_from([[], ["#"]]))
    .map(lambda parts: "/".join(parts[0] + parts[1]))
    .filter(bool)
)

UNHURRIED = settings(deadline=None)  # the machine may be busy with other tests
STEPS = st.lists(st.tuples(st.booleans(), FILTER, st.sampled_from(["one", "two"]), st.integers(0, 2)), max_size=20)


@UNHURRIED
@given(STEPS, st.lists(TOPIC, min_size=1, max_size=6))
def test_each_subscriber_hears_once_at_the_highest_quality_of_its_matching_filters(
    steps: list[tuple[bool, str, str, int]], topics: list[str]
) -> None:
    table: Subscriptions[str] = Subscriptions()
    held: dict[tuple[str, str], int] = {}
    for adds, topic_filter, subscriber, qos in steps:
        table.hearers(topics[0])  # an answer that must not be remembered for too long
        if adds:
            table.add(topic_filter, subscriber, qos)
            held[topic_filter, subscriber] = qos
        else:
            table.remove(topic_filter, subscriber)
            held.pop((topic_filter, subscriber), None)
    for topic in topics:
        expected: dict[str, int] = {}
        for (topic_filter, subscriber), qos in held.items():
            if matches(topic_filter, topic):
                expected[subscriber] = max(qos, expected.get(subscriber, 0))
        assert dict(table.hearers(topic)) == expected
        assert len(table.hearers(topic)) == len(expected)


@UNHURRIED
@given(STEPS)
def test_nothing_is_left_after_everybody_has_gone(steps: list[tuple[bool, str, str, int]]) -> None:
    table: Subscriptions[str] = Subscriptions()
    for _, topic_filter, subscriber, qos in steps:
        table.add(topic_filter, subscriber, qos)
    for _, topic_filter, subscriber, _ in steps:
        table.remove(topic_filter, subscriber)
    assert table.is_empty


def test_filters_are_valid_by_section_4_7_and_not_endlessly_deep() -> None:
    assert all(map(is_valid_filter, ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "/+", "+/+/#", "$SYS/#", "a b"]))
    assert not any(map(is_valid_filter, ["", "a#", "#/a", "a/#/b", "+a", "a+/b", "##", "++", "/" * 64]))
