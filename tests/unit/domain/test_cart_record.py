"""The laws of arrivals: any order, any duplication, any cut into batches gives the same cart, once."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.cart_record import Arrival, CartRecord, Verdict, close_session, open_session, settle
from shared.domain.frontier import Admission, Frontier
from shared.domain.session_cart import Fact, Refusal, SessionCart
from tests.unit.domain.memory_store import MemoryStore
from tests.unit.domain.naive import NaiveCart, rows_of
from tests.unit.domain.shop import (
    APPLE,
    KNOWN_PRODUCTS,
    MILK,
    NOON,
    call_for_help,
    deliveries,
    key_of,
    remove,
    scan,
    trips,
    unreadable,
    weight,
)


def delivered(*batches: list[Fact], held_by_phone: bool = False) -> MemoryStore:
    store = MemoryStore()
    if held_by_phone:
        store.connect()
    for batch in batches:
        store.arrive(batch)
    return store


def in_order(facts: list[Fact], *, held_by_phone: bool = False) -> MemoryStore:
    return delivered(*([fact] for fact in facts), held_by_phone=held_by_phone)


@settings(max_examples=200, deadline=None)
@given(st.data(), trips(), st.booleans())
def test_any_order_any_duplication_and_any_batches_give_the_same_cart(
    data: st.DataObject, facts: list[Fact], held_by_phone: bool
) -> None:
    batches = data.draw(deliveries(facts))
    store = delivered(*batches, held_by_phone=held_by_phone)
    expected = in_order(facts, held_by_phone=held_by_phone)
    assert store.cart == expected.cart
    assert store.verdicts() == expected.verdicts()
    assert store.record.frontier == expected.record.frontier == Frontier(epoch=1, seq=len(facts))
    assert store.received["known"] == sum(map(len, batches)) - len(facts)


@settings(max_examples=100, deadline=None)
@given(trips(max_events=20), st.booleans())
def test_in_order_the_fast_path_alone_gives_the_fold(facts: list[Fact], held_by_phone: bool) -> None:
    store = MemoryStore()
    if held_by_phone:
        store.connect()
    for fact in facts:
        claims = store.record.has_unclaimed and store.record.session is None and fact.type == "scan"
        assert store.arrive([fact]).must_refold == claims
    if store.cart is not None:
        naive = NaiveCart.of(fact for fact in facts if fact.type != "unreadable")
        assert rows_of(store.cart) == naive.rows
        assert store.cart.measured_g == naive.measured_g


@settings(max_examples=120, deadline=None)
@given(st.data(), trips(max_events=12), trips(max_events=6))
def test_a_phone_change_keeps_its_place_whatever_comes_late(
    data: st.DataObject, before: list[Fact], later: list[Fact]
) -> None:
    """The phone's change stands behind the newest event known when it was made; what is older and comes late goes
    before it, what is newer after it."""
    product = data.draw(KNOWN_PRODUCTS)
    taken_out = data.draw(st.booleans())
    make = remove if taken_out else scan
    newest = len(before)
    later = [fact._replace(key=key_of(newest + fact.key[1])) for fact in later]
    early = data.draw(st.sets(st.sampled_from(before))) | {before[-1]}
    late = [fact for fact in before if fact not in early]

    store = delivered(data.draw(st.permutations(sorted(early, key=lambda fact: fact.key))), held_by_phone=True)
    entry = store.change_by_phone(lambda key: make(key, product))
    second = store.change_by_phone(lambda key: scan(key, MILK))
    for batch in data.draw(deliveries([*late, *later])) if late or later else []:
        store.arrive(batch)

    assert (entry.fact.key, second.fact.key) == ((1, newest, 1), (1, newest, 2))
    facts = [*before, entry.fact, second.fact, *later]
    naive = NaiveCart.of(fact for fact in facts if fact.type != "unreadable")
    assert store.cart is not None
    assert rows_of(store.cart) == naive.rows
    assert {key: reason for key, (_, reason) in store.verdicts().items()} == {
        fact.key: naive.decisions.get(fact.key) for fact in facts
    }


@settings(max_examples=100, deadline=None)
@given(st.data(), trips())
def test_numbers_given_up_may_come_later_and_the_cart_is_whole_again(data: st.DataObject, facts: list[Fact]) -> None:
    order = data.draw(st.permutations(facts))
    store = MemoryStore()
    store.connect()
    for fact in order:
        store.arrive([fact])
        if data.draw(st.booleans()):
            store.give_up_gap()
    assert store.cart == in_order(facts, held_by_phone=True).cart
    assert store.record.frontier == Frontier(epoch=1, seq=len(facts))


@settings(max_examples=100, deadline=None)
@given(st.data(), trips(), trips(max_events=8, epoch=2))
def test_a_reset_storage_continues_the_trip_and_the_old_numbers_are_over(
    data: st.DataObject, first: list[Fact], second: list[Fact]
) -> None:
    store = delivered(*data.draw(deliveries(first)), held_by_phone=True)
    for batch in data.draw(deliveries(second)):
        store.arrive(batch)
    assert store.cart == in_order([*first, *second], held_by_phone=True).cart
    late_in_an_old_epoch = scan(key_of(len(first) + 1))
    change = store.arrive([late_in_an_old_epoch])
    assert (change.settled[0].admission, change.settled[0].entry) == (Admission.STALE, None)


@settings(max_examples=100, deadline=None)
@given(st.data(), trips())
def test_what_fills_a_gap_after_the_close_is_late_and_never_doubled(data: st.DataObject, facts: list[Fact]) -> None:
    early = sorted(data.draw(st.sets(st.sampled_from(facts), min_size=1)), key=lambda fact: fact.key)
    store = delivered(data.draw(st.permutations(early)), held_by_phone=True)
    session_id = store.close()
    paid_for = store.closed[session_id]
    newest = store.record.frontier.head_seq
    for batch in data.draw(deliveries(facts)):
        store.arrive(batch)

    verdicts = store.verdicts()
    for fact in facts:
        if fact in early:
            assert verdicts[fact.key][0] in (Verdict.APPLIED, Verdict.REFUSED, Verdict.QUARANTINED)
        elif fact.type == "unreadable":
            assert verdicts[fact.key] == (Verdict.QUARANTINED, None)
        elif fact.key[1] < newest:
            assert verdicts[fact.key] == (Verdict.LATE, "session_closed")
        else:
            assert verdicts[fact.key][0] is not Verdict.LATE
    of_next_trip = [fact for fact in facts if fact.key[1] > newest and fact.type != "unreadable"]
    if any(fact.type == "scan" for fact in of_next_trip):
        assert store.cart is not None
        assert rows_of(store.cart) == NaiveCart.of(of_next_trip).rows
    assert store.closed[session_id] == paid_for


@settings(max_examples=100, deadline=None)
@given(st.data(), trips())
def test_received_is_applied_refused_late_quarantined_or_known(data: st.DataObject, facts: list[Fact]) -> None:
    batches = data.draw(deliveries(facts))
    store = MemoryStore()
    for batch in batches:
        store.arrive(batch)
        if store.record.session is not None and data.draw(st.booleans()):
            store.close()
    kept = Counter(entry.verdict for entry in store.log.values())
    assert sum(map(len, batches)) == store.received.total() == kept.total() + store.received["known"]
    assert set(store.log) == {fact.key for fact in facts}


def test_the_first_scan_opens_a_trip_that_takes_in_what_came_before_it() -> None:
    store = in_order([weight(key_of(1), 300), remove(key_of(2)), call_for_help(key_of(3))])
    assert (store.cart, store.record.has_unclaimed) == (None, True)
    assert store.verdicts()[key_of(2)] == (Verdict.REFUSED, Refusal.NOT_IN_CART)
    change = store.arrive([scan(key_of(4))])
    assert (change.must_refold, store.record.has_unclaimed) == (True, False)
    assert store.cart is not None
    assert (store.cart.measured_g, store.cart.total_items) == (300, 1)


def test_a_removal_that_nobody_had_claimed_takes_its_piece_out_when_the_scan_before_it_comes() -> None:
    store = delivered([remove(key_of(2))], [scan(key_of(3), MILK)], [scan(key_of(1))])
    assert store.verdicts()[key_of(2)] == (Verdict.APPLIED, None)
    assert store.cart is not None
    assert [line.product_id for line in store.cart.lines] == [MILK.product_id]


def test_a_phone_that_connects_takes_in_what_nobody_had_claimed() -> None:
    store = in_order([weight(key_of(1), 300)])
    store.connect()
    assert store.cart == SessionCart(measured_g=300)


def test_a_call_for_help_opens_no_trip_and_leaves_nothing_to_claim() -> None:
    store = in_order([call_for_help(key_of(1))])
    assert (store.record.session, store.record.has_unclaimed) == (None, False)
    assert store.verdicts() == {key_of(1): (Verdict.APPLIED, None)}


def test_a_scan_of_an_unknown_code_opens_a_trip_with_nothing_in_it() -> None:
    store = in_order([scan(key_of(1), None)])
    assert store.cart == SessionCart()


def test_the_next_shopper_starts_empty() -> None:
    store = in_order([weight(key_of(1), 300), scan(key_of(2), APPLE, 2)])
    store.close()
    store.connect(shopper_id=2)
    assert store.cart == SessionCart()
    store.arrive([scan(key_of(3), MILK)])
    assert store.cart is not None
    assert [line.product_id for line in store.cart.lines] == [MILK.product_id]


def test_what_nobody_claimed_before_the_close_is_not_in_the_next_trip() -> None:
    store = in_order([weight(key_of(1), 300)])
    store.connect()
    store.close()
    store.arrive([scan(key_of(2))])
    assert store.cart is not None
    assert store.cart.measured_g is None


def test_m23_an_event_that_believes_in_a_closed_trip_is_late_and_opens_no_new_one() -> None:
    store = in_order([scan(key_of(1))])
    over = store.close()
    store.arrive([Arrival(scan(key_of(2)), session_ref=over, is_closed_ref=True)])
    assert store.log[key_of(2)].session_id == over
    assert store.verdicts()[key_of(2)] == (Verdict.LATE, "session_closed")
    assert store.record.session is None
    assert store.record.frontier == Frontier(epoch=1, seq=2)


def test_m23_what_is_late_is_not_folded_into_the_next_trip() -> None:
    store = in_order([scan(key_of(1))])
    over = store.close()
    store.connect(shopper_id=2)
    store.arrive([Arrival(weight(key_of(3), 9), session_ref=over, is_closed_ref=True), Arrival(scan(key_of(4), MILK))])
    store.arrive([scan(key_of(2))])  # fills a gap: the trip is folded again
    assert store.cart is not None
    assert (store.cart.total_items, store.cart.measured_g) == (2, None)


def test_an_event_of_a_trip_we_never_had_is_refused_and_stays_refused() -> None:
    store = MemoryStore()
    store.arrive([Arrival(weight(key_of(2), 9), session_ref=UUID(int=99), is_unknown_ref=True)])
    assert (store.record.session, store.record.has_unclaimed) == (None, False)
    store.arrive([scan(key_of(3))])
    store.arrive([scan(key_of(1))])
    assert store.verdicts()[key_of(2)] == (Verdict.REFUSED, Refusal.UNKNOWN_SESSION)
    assert store.cart is not None
    assert (store.cart.total_items, store.cart.measured_g) == (2, None)


def test_m15_m22_ten_thousand_redeliveries_change_nothing() -> None:
    store = in_order([scan(key_of(1))])
    once = store.record
    change = store.arrive([scan(key_of(1))] * 10_000)
    assert store.record == once
    assert {settled.admission for settled in change.settled} == {Admission.KNOWN}


def test_m16_the_first_content_under_a_number_wins() -> None:
    store = in_order([scan(key_of(1), APPLE)])
    change = store.arrive([scan(key_of(1), MILK)])
    assert (change.settled[0].admission, change.settled[0].entry) == (Admission.KNOWN, None)
    assert store.cart is not None
    assert [line.product_id for line in store.cart.lines] == [APPLE.product_id]


def test_m17_what_jumps_ahead_is_in_the_cart_at_once_and_the_frontier_waits() -> None:
    store = in_order([scan(key_of(1)), scan(key_of(3), MILK)])
    assert store.cart is not None
    assert store.cart.total_items == 2
    assert store.record.frontier.first_missing == (1, 2)
    assert store.arrive([scan(key_of(2))]).must_refold
    assert store.record.frontier == Frontier(epoch=1, seq=3)


def test_m18_numbers_out_of_the_window_leave_the_record_alone() -> None:
    store = in_order([scan(key_of(1, epoch=2))])
    before = store.record
    change = store.arrive([scan(key_of(2**63 - 1, epoch=2)), scan(key_of(9)), scan(key_of(1, epoch=1003))])
    assert [settled.admission for settled in change.settled] == [Admission.WINDOW, Admission.STALE, Admission.WINDOW]
    assert store.record == before


def test_an_unreadable_event_holds_its_number_so_that_the_cart_need_not_send_it_for_ever() -> None:
    store = in_order([scan(key_of(1)), unreadable(key_of(2)), scan(key_of(3))])
    assert store.record.frontier == Frontier(epoch=1, seq=3)
    assert store.verdicts()[key_of(2)] == (Verdict.QUARANTINED, None)
    assert store.log[key_of(2)].session_id is None


def test_a_lost_gap_is_told_once_when_a_new_epoch_begins() -> None:
    store = in_order([scan(key_of(1)), scan(key_of(3))])
    assert store.arrive([scan(key_of(1, epoch=2))]).lost_gap
    assert not store.arrive([scan(key_of(2, epoch=2))]).lost_gap


def test_a_gap_lost_within_a_batch_is_told_whatever_comes_behind_it() -> None:
    store = in_order([scan(key_of(1)), scan(key_of(3))])
    assert store.arrive([scan(key_of(1, epoch=2)), scan(key_of(2, epoch=2))]).lost_gap


def test_phone_changes_before_any_event_of_the_cart_stand_before_all_of_them() -> None:
    store = MemoryStore()
    store.connect()
    assert store.change_by_phone(scan).fact.key == (0, 0, 1)
    store.arrive([remove(key_of(1))])
    assert store.cart is not None
    assert store.cart.lines == ()


def test_phone_changes_of_two_trips_at_one_event_do_not_share_a_key() -> None:
    store = in_order([scan(key_of(1))])
    store.change_by_phone(scan)
    store.close()
    store.connect(shopper_id=2)
    assert store.change_by_phone(lambda key: scan(key, MILK)).fact.key == (1, 1, 2)
    assert store.cart is not None
    assert [line.product_id for line in store.cart.lines] == [MILK.product_id]


def test_settling_nothing_changes_nothing() -> None:
    record = open_session(CartRecord(cart_id=7), UUID(int=1), None, NOON)
    change = settle(record, [], NOON, lambda: UUID(int=2))
    assert (change.record, change.settled, change.must_refold) == (record, (), False)
    assert close_session(record).session is None


def test_a_trip_that_the_backup_does_not_know_is_the_open_one_until_the_restored_carts_next_trip_has_ended() -> None:
    store = MemoryStore()
    store.record = replace(store.record, restored=True)
    store.arrive([Arrival(scan(key_of(1)), session_ref=UUID(int=99), is_unknown_ref=True)])
    assert store.verdicts()[key_of(1)] == (Verdict.APPLIED, None)
    store.arrive([scan(key_of(2))])
    assert store.record.restored
    store.close()
    store.arrive([Arrival(scan(key_of(3)), session_ref=UUID(int=99), is_unknown_ref=True)])
    assert store.verdicts()[key_of(3)] == (Verdict.REFUSED, Refusal.UNKNOWN_SESSION)


def test_a_restored_cart_that_is_far_ahead_is_taken_in_and_others_are_not() -> None:
    far = scan(key_of(50_000))
    other, restored = MemoryStore(), MemoryStore()
    restored.record = replace(restored.record, restored=True)
    assert other.arrive([far]).settled[0].admission is Admission.WINDOW
    change = restored.arrive([far])
    assert (change.settled[0].admission, change.passed_over) == (Admission.AHEAD, True)
    assert not restored.arrive([scan(key_of(50_001))]).passed_over
