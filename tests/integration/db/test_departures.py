"""Goods do not leave without a call for staff, whichever way a trip ends."""

import pytest

from shared.db.running_time import advance_running_time
from shared.db.sessions import CheckedOut, Disconnected, checkout, disconnect_cart
from shared.db.types import Tx
from shared.db.upkeep import abandon_idle_sessions
from tests.builders import NOW, Shop, incoming, remove, scan, weight
from tests.integration.db.trips import apply, take_cart

TWENTY_KG = 20_000


def calls(tx: Tx) -> list[tuple[str, int]]:
    return tx.execute("SELECT kind, times FROM alert WHERE resolved_at IS NULL ORDER BY kind").fetchall()


def test_a_cart_that_is_20_kg_too_heavy_pays_and_staff_are_called(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    take_cart(tx, cart, shop.shoppers[0])
    apply(tx, incoming(cart, scan(1)), incoming(cart, weight(2, TWENTY_KG)))

    order = checkout(tx, shop.shoppers[0], "EUR", NOW)

    assert isinstance(order, CheckedOut)
    assert calls(tx) == [("too_heavy", 1)]
    (kept,) = tx.execute("SELECT weight_verdict, measured_g, expected_g > 0 FROM purchase_order").fetchall()
    assert kept == ("too_heavy", TWENTY_KG, True)


def test_a_cart_that_weighs_what_it_pays_for_calls_nobody(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    take_cart(tx, cart, shop.shoppers[0])
    apply(tx, incoming(cart, scan(1)))
    tx.execute("UPDATE cart_line SET unit_weight_g = 1000")
    apply(tx, incoming(cart, weight(2, 1_000)))

    assert isinstance(checkout(tx, shop.shoppers[0], "EUR", NOW), CheckedOut)

    assert calls(tx) == []
    assert tx.execute("SELECT weight_verdict FROM purchase_order").fetchall() == [("match",)]


def test_a_shopper_who_leaves_goods_behind_calls_staff(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    take_cart(tx, cart, shop.shoppers[0])
    apply(tx, incoming(cart, scan(1)))

    assert isinstance(disconnect_cart(tx, shop.shoppers[0], True, NOW), Disconnected)

    assert calls(tx) == [("abandoned", 1)]


def test_nothing_scanned_but_a_heavy_cart_calls_staff_however_the_trip_ends(tx: Tx, shop: Shop) -> None:
    left, idle = shop.carts[:2]
    take_cart(tx, left, shop.shoppers[0])
    take_cart(tx, idle, shop.shoppers[1])
    for cart in (left, idle):
        apply(tx, incoming(cart, scan(1)), incoming(cart, remove(2)), incoming(cart, weight(3, TWENTY_KG)))

    assert isinstance(disconnect_cart(tx, shop.shoppers[0], False, NOW), Disconnected)
    advance_running_time(tx, 7_201.0)
    assert abandon_idle_sessions(tx, 7_200.0, NOW)[0] == 1

    assert calls(tx) == [("too_heavy", 1), ("too_heavy", 1)]


@pytest.mark.parametrize("trips", [1, 3])
def test_one_call_a_cart_and_kind_stays_open_and_counts(tx: Tx, shop: Shop, trips: int) -> None:
    cart = shop.carts[0]
    for trip in range(trips):
        take_cart(tx, cart, shop.shoppers[0])
        apply(tx, incoming(cart, scan(2 * trip + 1)), incoming(cart, weight(2 * trip + 2, TWENTY_KG)))
        assert isinstance(disconnect_cart(tx, shop.shoppers[0], True, NOW), Disconnected)

    assert calls(tx) == [("abandoned", trips), ("too_heavy", trips)]
