"""The decoder answers everything: any bytes, anything like JSON, and tens of thousands of bent good payloads."""

import json
from collections import Counter
from itertools import islice

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.contracts.decode import Undecodable, decode_event
from shared.contracts.events import CART_EVENT
from tests.bench.fuzz_decoder import CART_ID, hostile_payloads, hostile_topics, verdict_on, verdict_on_topic

CI_INPUTS = 50_000
ANY_TEXT = st.text(st.characters(), max_size=40)
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ANY_TEXT, inner, max_size=4)),
    max_leaves=10,
)
LIKELY = st.one_of(
    st.integers(-2, 1001), st.sampled_from(["scan", "remove", "weight", "help", "4006381333931", 1.0, True, None])
)
EVENT_LIKE = st.fixed_dictionaries(
    {
        "v": st.one_of(st.just(1), LIKELY),
        "epoch": st.one_of(st.integers(1, 2**63), LIKELY),
        "seq": st.one_of(st.integers(1, 2**63), LIKELY),
        "type": st.one_of(st.sampled_from(["scan", "remove", "weight", "help"]), JSON_VALUES),
    },
    optional={
        "code": st.one_of(st.text("0123456789", max_size=70), JSON_VALUES),
        "quantity": st.one_of(LIKELY, JSON_VALUES),
        "weight_g": st.one_of(LIKELY, JSON_VALUES),
        "total_g": st.one_of(LIKELY, JSON_VALUES),
        "at": JSON_VALUES,
        "session": st.one_of(st.uuids().map(str), JSON_VALUES),
        "cart_id": st.one_of(st.just(CART_ID), JSON_VALUES),
        "another": JSON_VALUES,
    },
)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=5000))
@example(b'{"v":1,"epoch":1,"seq":1,"type":"\\u0000"}')  # its control character once reached the detail
def test_any_bytes_are_answered(payload: bytes) -> None:
    verdict_on(payload)


@settings(max_examples=150, deadline=None)
@given(JSON_VALUES, st.booleans())
def test_any_json_is_answered(value: object, ascii_only: bool) -> None:
    verdict_on(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@settings(max_examples=250, deadline=None)
@given(EVENT_LIKE)
def test_anything_like_an_event_is_answered_and_what_is_read_reads_the_same_again(document: dict[str, object]) -> None:
    payload = json.dumps(document).encode()
    verdict_on(payload)
    event = decode_event(payload, CART_ID)
    if not isinstance(event, Undecodable):
        without_time = event.model_copy(update={"at": None})
        assert decode_event(CART_EVENT.dump_json(without_time), CART_ID) == without_time


def test_fifty_thousand_bent_payloads_are_answered_with_every_kind_of_answer() -> None:
    """The long run is `python -m tests.bench.fuzz_decoder`; a failure carries its payload."""
    answers = Counter(verdict_on(payload) for payload in islice(hostile_payloads(seed=1), CI_INPUTS))
    assert answers.total() == CI_INPUTS
    assert set(answers) == {
        *("empty", "oversize", "decode", "shape", "field", "wrong_cart"),
        *("scan", "remove", "weight", "help"),
    }


def test_fifty_thousand_bent_topics_belong_to_one_channel_or_none() -> None:
    answers = Counter(verdict_on_topic(topic) for topic in islice(hostile_topics(seed=1), CI_INPUTS))
    assert answers.total() == CI_INPUTS
    assert len(answers) == 8
