"""The fast path of `settle` says what the rest of it would say."""

from typing import get_args
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from shared.domain import cart_record
from shared.domain.cart_record import Arrival, CartRecord, Change, settle
from shared.domain.session_cart import Fact, FactType, PricedProduct, Refusal
from tests.unit.domain.shop import NOON

OPEN, CLOSED = UUID(int=1), UUID(int=2)
PRODUCTS = [PricedProduct(number, 100 * number, 90 * number, None) for number in (1, 2)]

facts = st.builds(
    Fact,
    st.tuples(st.integers(1, 2), st.integers(1, 9), st.just(0)),
    st.sampled_from(get_args(FactType)),
    st.sampled_from(["a", "b"]),
    st.sampled_from([1, 2, 600]),
    st.none() | st.sampled_from(PRODUCTS),
    st.just(5),
    st.none() | st.just(Refusal.UNKNOWN_CODE),
)
arrivals = st.one_of(
    st.builds(Arrival, facts),
    st.builds(Arrival, facts, st.just(OPEN), is_open_ref=st.just(True)),
    st.builds(Arrival, facts, st.just(CLOSED), is_closed_ref=st.just(True)),
    st.builds(Arrival, facts, is_unknown_ref=st.just(True)),
)
in_order = st.lists(arrivals, max_size=8).map(
    lambda batch: [one._replace(fact=one.fact._replace(key=(1, seq, 0))) for seq, one in enumerate(batch, 1)]
)


def settled(batches: list[list[Arrival]]) -> list[Change]:
    record, changes = CartRecord(cart_id=7, closed=(1, 2, 0)), []
    for batch in batches:
        changes.append(settle(record, batch, NOON, lambda: OPEN))
        record = changes[-1].record
    return changes


@given(st.lists(in_order | st.lists(arrivals, max_size=6), max_size=4))
def test_the_fast_path_settles_as_the_slow_one_does(batches: list[list[Arrival]]) -> None:
    fast = settled(batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cart_record, "_settle_in_line", lambda record, arrivals, settled: record)
        slow = settled(batches)

    assert fast == slow
