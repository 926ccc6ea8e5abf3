"""What a batch of deliveries leaves in the tables, on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from shared.db.cart_states import CartSnapshot, publish_everything_again, read_cart_snapshots, read_farewells
from shared.db.dead_letters import list_dead_letters
from shared.db.phone_changes import ItemChanged, NotInCart, change_item
from shared.db.sessions import (
    CartInUse,
    CheckedOut,
    Connected,
    GapOpen,
    GoodsInCart,
    HoldsAnotherCart,
    WrongPairingCode,
    checkout,
    connect_cart,
    disconnect_cart,
)
from shared.db.types import Tx
from shared.db.upkeep import give_up_gaps, list_open_gaps
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, Shop, incoming, remove, scan, weight
from tests.integration.db.trips import apply, paid_trip, take_cart


def snapshot(tx: Tx, cart_id: int) -> CartSnapshot:
    return read_cart_snapshots(tx, [cart_id])[0]


def contents(tx: Tx, cart_id: int) -> dict[str, int]:
    return {one.line.code: one.line.quantity for one in snapshot(tx, cart_id).lines}


def rows(tx: Tx, query: Any, *parameters: Any) -> list[tuple[Any, ...]]:
    return tx.execute(query, parameters).fetchall()


def test_a_first_scan_opens_a_session_and_is_acknowledged(tx: Tx, shop: Shop) -> None:
    applied = apply(tx, incoming(shop.carts[0], scan(1)))

    state = snapshot(tx, shop.carts[0])
    assert applied.outcomes == ("applied",)
    assert (state.ack_epoch, state.ack_seq) == (1, 1)
    assert contents(tx, shop.carts[0]) == {OAT_DRINK: 1}
    assert state.cart.total_minor == 189
    assert state.session_id is not None


def test_the_same_delivery_twice_in_one_batch_and_again_later_counts_once(tx: Tx, shop: Shop) -> None:
    one = incoming(shop.carts[0], scan(1))

    first = apply(tx, one, one)
    again = apply(tx, one)

    assert first.outcomes == ("applied", "duplicate")
    assert again.outcomes == ("duplicate",)
    assert contents(tx, shop.carts[0]) == {OAT_DRINK: 1}
    assert rows(tx, "SELECT received, duplicates FROM delivery_count") == [(3, 2)]


def test_a_duplicate_asks_for_the_state_to_be_published_again_without_a_new_version(tx: Tx, shop: Shop) -> None:
    apply(tx, incoming(shop.carts[0], scan(1)))
    tx.execute("UPDATE cart SET published_version = version")
    before = snapshot(tx, shop.carts[0]).version

    apply(tx, incoming(shop.carts[0], scan(1)))

    after = snapshot(tx, shop.carts[0])
    assert after.version == before
    assert after.published_version < after.version


def test_a_scan_ahead_of_a_gap_is_seen_at_once_and_the_filler_moves_the_frontier(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    ahead = apply(tx, incoming(cart, scan(1)), incoming(cart, scan(3, RYE_BREAD)))

    assert contents(tx, cart) == {OAT_DRINK: 1, RYE_BREAD: 1}
    assert snapshot(tx, cart).ack_seq == 1
    assert ahead.resends[0] == ("main", cart, 1, 2)

    filled = apply(tx, incoming(cart, scan(2, BUTTER)))

    assert snapshot(tx, cart).ack_seq == 3
    assert [one.line.code for one in snapshot(tx, cart).lines] == [OAT_DRINK, BUTTER, RYE_BREAD]
    assert filled.resends == ()


def test_a_removal_that_overtook_its_scan_gives_the_same_cart_as_in_order(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, incoming(cart, remove(2)))
    assert rows(tx, "SELECT verdict, reason FROM cart_event") == [("refused", "not_in_cart")]

    apply(tx, incoming(cart, scan(1)))

    assert contents(tx, cart) == {}
    assert rows(tx, "SELECT seq, verdict, reason, session_id IS NOT NULL FROM cart_event ORDER BY seq") == [
        (1, "applied", None, True),
        (2, "applied", None, True),
    ]


def test_a_weight_before_the_first_scan_belongs_to_the_session_in_any_order(tx: Tx, shop: Shop) -> None:
    in_order, reordered = shop.carts[:2]
    for event in (weight(1, 1040), scan(2)):
        apply(tx, incoming(in_order, event))
    for event in (scan(2), weight(1, 1040)):
        apply(tx, incoming(reordered, event))

    assert snapshot(tx, in_order).cart == snapshot(tx, reordered).cart
    assert snapshot(tx, in_order).weight.verdict == "match"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (scan(1, "9520000099999"), "wrong_check_digit"),
        (scan(1, "9520000000998"), "unknown_code"),
        (scan(1, "HOUSE-7"), "unknown_code"),
        (remove(1), "not_in_cart"),
        (scan(1, session="00000000-0000-4000-8000-000000000000"), "unknown_session"),
        (scan(1, session="not-a-session-of-ours"), "unknown_session"),
    ],
)
def test_what_a_rule_refuses_is_acknowledged_with_a_notice(tx: Tx, shop: Shop, event: Any, reason: str) -> None:
    applied = apply(tx, incoming(shop.carts[0], event))

    state = snapshot(tx, shop.carts[0])
    assert applied.outcomes == ("refused",)
    assert state.ack_seq == 1
    assert [notice.code for notice in state.notices] == [reason]


def test_an_unreadable_event_with_a_number_is_kept_and_does_not_stop_the_cart(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    applied = apply(tx, incoming(cart, scan(1, quantity=True)), incoming(cart, scan(2)))

    assert applied.outcomes == ("field", "applied")
    assert snapshot(tx, cart).ack_seq == 2
    letters = list_dead_letters(tx)
    assert [(letter.reason, letter.seq) for letter in letters] == [("field", 1)]


@pytest.mark.parametrize(
    ("cart", "event", "reason"),
    [
        (0, b"", "empty"),
        (0, b"{", "decode"),
        (0, b"[]", "shape"),
        (0, b"x" * 5000, "oversize"),
        (0, scan(20_000), "window"),
        (0, scan(1, epoch=5000), "window"),
        (999, scan(1), "unknown_cart"),
    ],
)
def test_what_is_no_event_of_ours_is_kept_with_its_reason(
    tx: Tx, shop: Shop, cart: int, event: Any, reason: str
) -> None:
    applied = apply(tx, incoming(shop.carts[cart] if cart < 3 else cart, event))

    assert applied.outcomes == (reason,)
    assert [letter.reason for letter in list_dead_letters(tx)] == [reason]


def test_an_older_epoch_is_stale_and_the_new_one_flags_a_gap_it_leaves_behind(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, incoming(cart, scan(1, epoch=2)), incoming(cart, scan(3, epoch=2)))

    applied = apply(tx, incoming(cart, scan(1, epoch=3)), incoming(cart, scan(2, epoch=2)))

    assert applied.outcomes == ("applied", "stale")
    assert snapshot(tx, cart).incomplete
    assert rows(tx, "SELECT kind FROM alert") == [("gap",)]


def test_one_number_for_two_events_is_a_conflict_and_the_first_wins(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, incoming(cart, scan(1)))

    applied = apply(tx, incoming(cart, scan(1, BUTTER)), incoming(cart, scan(1, at=5, quantity=None)))

    assert applied.outcomes == ("conflict", "duplicate")
    assert contents(tx, cart) == {OAT_DRINK: 1}
    assert rows(tx, "SELECT kind FROM alert") == [("conflict",)]


def test_a_wrong_store_in_the_topic_is_not_believed(tx: Tx, shop: Shop) -> None:
    assert apply(tx, incoming(shop.carts[0], scan(1), store="other")).outcomes == ("wrong_store",)


def test_a_shopper_takes_pays_and_leaves_an_empty_cart_for_the_next(tx: Tx, shop: Shop) -> None:
    cart, (anna, ben) = shop.carts[0], shop.shoppers
    code = snapshot(tx, cart).pairing_code
    assert isinstance(connect_cart(tx, cart, anna, "x", True, NOW), WrongPairingCode)
    taken = connect_cart(tx, cart, anna, code, True, NOW)
    assert isinstance(taken, Connected)
    assert connect_cart(tx, cart, anna, None, True, NOW) == Connected(taken.session_id, cart, already=True)
    assert isinstance(connect_cart(tx, cart, ben, None, False, NOW), CartInUse)
    assert connect_cart(tx, shop.carts[1], anna, None, False, NOW) == HoldsAnotherCart(cart)
    apply(tx, incoming(cart, scan(1, RYE_BREAD, quantity=2)))
    assert isinstance(disconnect_cart(tx, anna, False, NOW), GoodsInCart)

    order = checkout(tx, anna, "EUR", NOW)

    assert isinstance(order, CheckedOut)
    assert (order.total_items, order.subtotal_minor, order.total_minor) == (2, 658, 558)
    assert contents(tx, cart) == {}
    assert snapshot(tx, cart).session_id is None
    assert isinstance(connect_cart(tx, cart, ben, snapshot(tx, cart).pairing_code, True, NOW), Connected)
    assert contents(tx, cart) == {}


def test_a_scan_after_the_checkout_is_late_with_a_notice_and_an_alert(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    session_id = paid_trip(tx, cart, shop.shoppers[0])

    applied = apply(tx, incoming(cart, scan(2, session=str(session_id))))

    state = snapshot(tx, cart)
    assert applied.outcomes == ("late",)
    assert state.ack_seq == 2
    assert state.session_id is None
    assert [notice.code for notice in state.notices] == ["session_closed"]
    assert rows(tx, "SELECT kind FROM alert") == [("late",)]


def test_a_scan_that_came_before_the_checkout_and_is_decided_after_it_leaves_a_notice(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    session_id = paid_trip(tx, cart, shop.shoppers[0])

    apply(tx, incoming(cart, scan(2, session=str(session_id)), at=NOW - timedelta(milliseconds=5)))

    assert [(notice.seq, notice.code) for notice in snapshot(tx, cart).notices] == [(2, "session_closed")]
    take_cart(tx, cart, shop.shoppers[1])
    assert snapshot(tx, cart).notices == ()


def test_a_trip_that_the_next_scan_begins_still_shows_what_was_late_for_the_last(tx: Tx, shop: Shop) -> None:
    """The hand that scanned behind the checkout scans on: the state in between may never have been sent."""
    cart = shop.carts[0]
    session_id = paid_trip(tx, cart, shop.shoppers[0])

    apply(tx, incoming(cart, scan(2, session=str(session_id)), at=NOW - timedelta(milliseconds=5)))
    apply(tx, incoming(cart, scan(3), at=NOW))

    state = snapshot(tx, cart)
    assert state.session_id not in {None, session_id}
    assert [(notice.seq, notice.code) for notice in state.notices] == [(2, "session_closed")]
    connect_cart(tx, cart, shop.shoppers[1], state.pairing_code, True, NOW + timedelta(seconds=1))
    assert snapshot(tx, cart).notices == ()


def test_a_misread_code_that_begins_a_trip_leaves_a_notice(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, incoming(cart, scan(1, "9520000099999"), at=NOW - timedelta(milliseconds=5)))

    assert [notice.code for notice in snapshot(tx, cart).notices] == ["wrong_check_digit"]


def test_a_shopper_on_the_next_trip_is_told_no_more_of_the_last(tx: Tx, shop: Shop) -> None:
    """A broker that lost its memory is told every state again, farewells of carts that idle since then included."""
    first, second, anna = shop.carts[0], shop.carts[1], shop.shoppers[0]
    paid_trip(tx, first, anna)
    publish_everything_again(tx)
    assert [one.is_closed for one in read_farewells(tx, [snapshot(tx, first)])] == [True]

    take_cart(tx, second, anna)

    assert read_farewells(tx, [snapshot(tx, first)]) == []


def test_checkout_waits_for_a_gap_and_an_old_gap_is_given_up(tx: Tx, shop: Shop) -> None:
    cart, anna = shop.carts[0], shop.shoppers[0]
    take_cart(tx, cart, anna)
    apply(tx, incoming(cart, scan(1)), incoming(cart, scan(4)))
    assert isinstance(checkout(tx, anna, "EUR", NOW), GapOpen)
    tx.execute("UPDATE cart SET gap_since = gap_since - interval '61 s'")
    tx.execute("UPDATE cart_presence SET online = true")

    assert give_up_gaps(tx, [], NOW) == [], "it only looks old: a clock may have been set"
    assert give_up_gaps(tx, list_open_gaps(tx), NOW) == [cart]

    assert snapshot(tx, cart).incomplete
    assert snapshot(tx, cart).ack_seq == 4
    assert apply(tx, incoming(cart, scan(2))).outcomes == ("applied",)
    assert contents(tx, cart) == {OAT_DRINK: 3}
    assert isinstance(checkout(tx, anna, "EUR", NOW), CheckedOut)


def test_pieces_changed_on_the_phone_stand_in_the_log_behind_the_carts_events(tx: Tx, shop: Shop) -> None:
    cart, anna = shop.carts[0], shop.shoppers[0]
    take_cart(tx, cart, anna)
    apply(tx, incoming(cart, scan(1)), incoming(cart, scan(3)))

    assert isinstance(change_item(tx, anna, shop.products[BUTTER], 1, NOW), ItemChanged)
    assert isinstance(change_item(tx, anna, shop.products[RYE_BREAD], -1, NOW), NotInCart)
    apply(tx, incoming(cart, scan(2)), incoming(cart, remove(4, BUTTER)))

    assert contents(tx, cart) == {OAT_DRINK: 3}
    assert rows(tx, "SELECT seq, sub, source, verdict FROM cart_event ORDER BY seq, sub") == [
        (1, 0, "cart", "applied"),
        (2, 0, "cart", "applied"),
        (3, 0, "cart", "applied"),
        (3, 1, "phone", "applied"),
        (4, 0, "cart", "applied"),
    ]


def test_a_call_for_help_reaches_staff_once_however_often_it_is_repeated(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, *(incoming(cart, {"v": 1, "epoch": 1, "seq": seq, "type": "help"}) for seq in (1, 2)))

    assert rows(tx, "SELECT kind, times FROM alert") == [("help", 2)]
    assert snapshot(tx, cart).session_id is None


def test_a_clock_that_cannot_be_right_is_flagged_and_changes_nothing_else(tx: Tx, shop: Shop) -> None:
    good = int(NOW.timestamp() * 1000)
    times = [good, None, 0, 253402300799000, "noon", 1.5]
    events = [incoming(shop.carts[0], scan(seq, at=at)) for seq, at in enumerate(times, start=1)]

    applied = apply(tx, *events)

    assert set(applied.outcomes) == {"applied"}
    suspect = rows(tx, "SELECT ts_suspect FROM cart_event ORDER BY seq")
    assert suspect == [(False,), (True,), (True,), (True,), (True,), (True,)]


def test_a_wild_number_before_a_close_does_not_make_the_next_trip_late(tx: Tx, shop: Shop) -> None:
    cart, (anna, ben) = shop.carts[0], shop.shoppers
    take_cart(tx, cart, anna)
    apply(tx, incoming(cart, scan(1)), incoming(cart, scan(9000)))
    disconnect_cart(tx, anna, True, NOW)
    session_id = take_cart(tx, cart, ben)

    applied = apply(tx, *(incoming(cart, scan(seq, session=str(session_id))) for seq in (3, 2)))
    without_a_name = apply(tx, incoming(cart, scan(4)))

    assert applied.outcomes == ("applied", "applied")
    assert without_a_name.outcomes == ("late",)
    assert contents(tx, cart) == {OAT_DRINK: 2}


def test_a_trip_that_was_flagged_incomplete_waits_for_every_later_gap_all_the_same(tx: Tx, shop: Shop) -> None:
    """The flag is for the gap that was given up: what is missing now may still come, and would leave unpaid."""
    cart, anna = shop.carts[0], shop.shoppers[0]
    take_cart(tx, cart, anna)
    apply(tx, *(incoming(cart, scan(seq)) for seq in (1, 3)))
    tx.execute("UPDATE cart SET gap_since = gap_since - interval '61 s'")
    tx.execute("UPDATE cart_presence SET online = true")
    give_up_gaps(tx, list_open_gaps(tx), NOW)
    assert (snapshot(tx, cart).incomplete, snapshot(tx, cart).ack_seq) == (True, 3)

    apply(tx, incoming(cart, scan(5)))
    assert isinstance(checkout(tx, anna, "EUR", NOW), GapOpen)

    apply(tx, incoming(cart, scan(4, BUTTER)))
    paid = checkout(tx, anna, "EUR", NOW)
    assert isinstance(paid, CheckedOut)
    assert paid.total_items == 4
