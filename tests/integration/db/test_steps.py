"""A state that is derived from the last one and a commit is the state that reading would give."""

from collections.abc import Iterator

import psycopg
import pytest

from shared.db.cart_log import apply_events
from shared.db.cart_memory import CartMemory
from shared.db.cart_states import read_cart_snapshots, snapshot_after
from shared.db.incoming import Incoming
from shared.db.sessions import Connected, connect_cart
from shared.db.types import Tx
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, Shop, build_shop, incoming, remove, scan, weight


@pytest.fixture
def shop(database_url: str) -> Shop:
    return build_shop(database_url, carts=2)


@pytest.fixture
def tx(shop: Shop) -> Iterator[Tx]:
    with psycopg.connect(shop.url, autocommit=True) as connection:
        yield connection


def stepped(tx: Tx, memory: CartMemory, shop: Shop, *deliveries: Incoming) -> set[int]:
    """Apply these; compares what follows from each step to what is read. Gives the carts that made one."""
    before = {one.cart_id: one for one in read_cart_snapshots(tx, shop.carts)}
    with tx.pipeline(), tx.transaction():
        applied = apply_events(tx, deliveries, [], NOW, "ingest-0", memory)
    memory.keep(applied.carts)
    after = {one.cart_id: one for one in read_cart_snapshots(tx, shop.carts)}
    for step in applied.steps:
        cart_id = step.cart.record.cart_id
        assert step.after_version == before[cart_id].version
        assert snapshot_after(before[cart_id], step.cart, applied.names) == after[cart_id]
    return {step.cart.record.cart_id for step in applied.steps}


def test_scans_removals_and_weights_on_an_open_trip_are_steps(tx: Tx, shop: Shop) -> None:
    cart, other = shop.carts
    memory = CartMemory()
    assert isinstance(connect_cart(tx, cart, shop.shoppers[0], None, False, NOW), Connected)
    trips = [
        [incoming(cart, scan(1))],
        [incoming(cart, scan(2, BUTTER)), incoming(cart, scan(3)), incoming(cart, weight(4, 1500))],
        [incoming(cart, remove(5)), incoming(cart, scan(6, RYE_BREAD))],
        [incoming(cart, remove(7)), incoming(cart, remove(8, BUTTER)), incoming(cart, scan(10, OAT_DRINK))],
    ]

    assert all(stepped(tx, memory, shop, *batch) == {cart} for batch in trips)
    assert stepped(tx, memory, shop, incoming(other, scan(1)), incoming(cart, scan(9))) == set(), "a trip, a gap filled"
    assert stepped(tx, memory, shop, incoming(other, scan(2)), incoming(cart, scan(9))) == {other}, "a duplicate"


def test_what_shows_a_notice_or_begins_a_trip_is_no_step(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    memory = CartMemory()

    assert stepped(tx, memory, shop, incoming(cart, scan(1))) == set(), "it begins a trip"
    assert stepped(tx, memory, shop, incoming(cart, scan(2, "nothing"))) == set(), "refused"
    assert stepped(tx, memory, shop, incoming(cart, scan(3))) == {cart}, "and the notice still shows"
    assert stepped(tx, memory, shop, incoming(cart, {"epoch": 1, "seq": 4, "type": "dance"})) == set(), "quarantined"
    assert stepped(tx, memory, shop, incoming(cart, scan(1, epoch=2))) == {cart}, "a new epoch"
