"""A state that is derived from the last one and a commit is the state that reading would give."""

from shared.db.cart_memory import CartMemory
from shared.db.cart_states import read_cart_snapshots, snapshot_after
from shared.db.incoming import Incoming
from shared.db.types import Tx
from tests.builders import BUTTER, OAT_DRINK, RYE_BREAD, Shop, incoming, remove, scan, weight
from tests.integration.db.trips import apply, take_cart


def stepped(connection: Tx, memory: CartMemory, *deliveries: Incoming) -> set[int]:
    """Apply these; compares what follows from each step to what is read. Gives the carts that made one."""
    cart_ids = {one.cart_id for one in deliveries}
    before = {one.cart_id: one for one in read_cart_snapshots(connection, cart_ids)}
    with connection.pipeline(), connection.transaction():
        applied = apply(connection, *deliveries, memory=memory)
    memory.keep(applied.carts)
    after = {one.cart_id: one for one in read_cart_snapshots(connection, cart_ids)}
    for step in applied.steps:
        cart_id = step.cart.record.cart_id
        assert step.after_version == before[cart_id].version
        assert snapshot_after(before[cart_id], step.cart, applied.names) == after[cart_id]
    return {step.cart.record.cart_id for step in applied.steps}


def test_scans_removals_and_weights_on_an_open_trip_are_steps(connection: Tx, shop: Shop) -> None:
    cart, other, _ = shop.carts
    memory = CartMemory()
    take_cart(connection, cart, shop.shoppers[0])
    trips = [
        [incoming(cart, scan(1))],
        [incoming(cart, scan(2, BUTTER)), incoming(cart, scan(3)), incoming(cart, weight(4, 1500))],
        [incoming(cart, remove(5)), incoming(cart, scan(6, RYE_BREAD))],
        [incoming(cart, remove(7)), incoming(cart, remove(8, BUTTER)), incoming(cart, scan(10, OAT_DRINK))],
    ]

    assert all(stepped(connection, memory, *batch) == {cart} for batch in trips)
    assert stepped(connection, memory, incoming(other, scan(1)), incoming(cart, scan(9))) == set(), "a trip, gap filled"
    assert stepped(connection, memory, incoming(other, scan(2)), incoming(cart, scan(9))) == {other}, "a duplicate"


def test_what_shows_a_notice_or_begins_a_trip_is_no_step(connection: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    memory = CartMemory()

    assert stepped(connection, memory, incoming(cart, scan(1))) == set(), "it begins a trip"
    assert stepped(connection, memory, incoming(cart, scan(2, "nothing"))) == set(), "refused"
    assert stepped(connection, memory, incoming(cart, scan(3))) == {cart}, "and the notice still shows"
    assert stepped(connection, memory, incoming(cart, {"epoch": 1, "seq": 4, "type": "dance"})) == set(), "quarantined"
    assert stepped(connection, memory, incoming(cart, scan(1, epoch=2))) == {cart}, "a new epoch"
