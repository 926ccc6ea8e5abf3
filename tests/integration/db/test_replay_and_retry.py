"""The log folded again, and dead letters tried again."""

from typing import Any

import pytest

from shared.db.dead_letters import KEPT_PER_HOUR, delete_old_dead_letters, list_dead_letters
from shared.db.phone_changes import change_item
from shared.db.replay import Verified, verify_log
from shared.db.retry import NotRetriable, Retried, retry_dead_letter
from shared.db.running_time import advance_running_time
from shared.db.sessions import CheckedOut, checkout
from shared.db.types import Tx
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, Shop, build_shop, incoming, remove, scan, weight
from tests.integration.db.trips import apply, take_cart


@pytest.fixture
def shop(database_url: str) -> Shop:
    """Two carts after a paid trip with deliveries of many kinds and a change on the phone; each scanned once since."""
    shop = build_shop(database_url, carts=2)
    cart, anna = shop.carts[0], shop.shoppers[0]
    with shop.connect() as tx:
        take_cart(tx, cart, anna)
        batch: list[dict[str, Any] | bytes] = [
            scan(1),
            scan(3, RYE_BREAD),
            weight(4, 900),
            scan(1),
            b"garbage",
            remove(2, OAT_DRINK),
            scan(5, "x"),
        ]
        apply(tx, *(incoming(cart, event) for event in batch))
        change_item(tx, anna, shop.products[BUTTER], 1, NOW)
        assert isinstance(checkout(tx, anna, "EUR", NOW), CheckedOut)
        apply(tx, incoming(cart, scan(6)), incoming(shop.carts[1], scan(7)))
    return shop


def verify(shop: Shop) -> Verified:
    with shop.connect() as connection:
        return verify_log(connection, lambda _: None)


def differences(shop: Shop) -> list[str]:
    return [difference.what for difference in verify(shop).differences]


def test_replay_finds_no_difference_and_conservation_holds(shop: Shop) -> None:
    verified = verify(shop)

    assert verified.differences == ()
    assert verified.conservation.holds
    assert (verified.events, verified.sessions, verified.orders, verified.carts) == (8, 3, 1, 2)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE cart_line SET quantity = quantity + 1", "lines"),
        ("UPDATE cart_line SET unit_paid_minor = unit_paid_minor + 1", "lines"),
        ("UPDATE cart_session SET total_minor = total_minor + 1", "totals"),
        ("UPDATE order_line SET quantity = quantity + 1", "order lines"),
        ("UPDATE purchase_order SET total_minor = total_minor - 1", "order totals"),
        ("UPDATE cart_event SET reason = NULL, verdict = 'applied' WHERE reason = 'unknown_code'", "decisions"),
        ("DELETE FROM cart_event WHERE seq = 4", "numbers of epoch 1"),
        ("UPDATE cart SET ack_seq = ack_seq + 1", "numbers of epoch 1"),
    ],
)
def test_replay_sees_each_kind_of_damage(shop: Shop, damage: str, what: str) -> None:
    with shop.connect() as connection:
        connection.execute(damage.encode())

    assert what in differences(shop)


def test_a_letter_that_vanishes_breaks_the_conservation_law(shop: Shop, tx: Tx) -> None:
    tx.execute("DELETE FROM dead_letter")
    tx.commit()

    assert not verify(shop).conservation.holds


def test_letters_are_kept_for_their_time_and_counted_for_ever(shop: Shop, tx: Tx) -> None:
    kept = list_dead_letters(tx)
    before = sum(letter.occurrences for letter in kept)
    advance_running_time(tx, 100.0)

    assert delete_old_dead_letters(tx, 100.0, 10) == 0, "seen that long ago"
    assert len(list_dead_letters(tx)) == len(kept)
    advance_running_time(tx, 100.1)
    assert [delete_old_dead_letters(tx, 100.0, 1) for _ in kept] == [1] * len(kept), "a piece at a time"
    tx.commit()

    assert list_dead_letters(tx) == []
    law = verify(shop).conservation
    assert law.holds
    assert (law.dead_letters, law.forgotten) == (0, before)


def test_of_one_cart_so_many_letters_are_kept_in_an_hour_and_the_others_are_counted(shop: Shop, tx: Tx) -> None:
    broken, other = shop.carts
    garbage = [incoming(broken, b"garbage %d" % number) for number in range(KEPT_PER_HOUR + 7)]
    first = apply(tx, *garbage[:150])
    second = apply(tx, *garbage[150:], incoming(other, b"garbage"))
    again = apply(tx, garbage[0])
    tx.commit()

    # The shop's own letter of this cart was kept in the same hour.
    assert (first.unkept, second.unkept, again.unkept) == (0, 8, 0)
    assert verify(shop).conservation.holds
    letters = list_dead_letters(tx, limit=1_000)
    assert sum(1 for letter in letters if letter.cart_id == broken) == KEPT_PER_HOUR
    assert sum(1 for letter in letters if letter.cart_id == other) == 1
    assert max(letter.occurrences for letter in letters) == 2, "what is kept is still counted"

    advance_running_time(tx, 3_601.0)
    assert apply(tx, garbage[-1]).unkept == 0, "an hour later one is kept again"


def test_a_dead_letter_that_is_still_bad_stays_dead_with_its_outcome(shop: Shop, tx: Tx) -> None:
    letter = list_dead_letters(tx)[0]

    assert retry_dead_letter(tx, letter.dead_letter_id, NOW) == Retried("decode")

    assert list_dead_letters(tx)[0].outcome == "decode"


def test_a_quarantined_event_is_applied_with_its_own_number_after_the_fix(
    shop: Shop, tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = shop.carts[1]
    apply(tx, incoming(cart, scan(8, quantity=1000)))
    letter = list_dead_letters(tx, reason="field")[0]
    assert letter.seq == 8
    mended = incoming(cart, scan(8, quantity=10)).event
    monkeypatch.setattr("shared.db.retry.decode_event", lambda payload, cart_id: mended)

    assert retry_dead_letter(tx, letter.dead_letter_id, NOW) == Retried("applied")
    assert retry_dead_letter(tx, letter.dead_letter_id, NOW) == Retried("duplicate")

    tx.commit()
    row = tx.execute("SELECT total_items FROM cart_session WHERE cart_id = %s", (cart,)).fetchone()
    assert row == (11,)
    assert differences(shop) == []


def test_a_letter_of_another_topic_is_not_retried(shop: Shop, tx: Tx) -> None:
    letter = list_dead_letters(tx)[0]
    tx.execute("UPDATE dead_letter SET topic = 'elsewhere'")

    assert isinstance(retry_dead_letter(tx, letter.dead_letter_id, NOW), NotRetriable)
