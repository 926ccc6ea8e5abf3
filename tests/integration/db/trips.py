"""The acts of a shopping trip, all at `NOW`: a cart is taken, its deliveries are applied, the goods are paid."""

from uuid import UUID

from shared.db.cart_log import Applied, apply_events
from shared.db.cart_memory import CartMemory
from shared.db.incoming import Incoming
from shared.db.sessions import CheckedOut, Connected, checkout, connect_cart
from shared.db.types import Tx
from tests.builders import NOW, incoming, scan


def take_cart(tx: Tx, cart_id: int, shopper_id: int) -> UUID:
    """The shopper takes this free cart without a pairing code. Gives the session."""
    taken = connect_cart(tx, cart_id, shopper_id, None, False, NOW)
    assert isinstance(taken, Connected)
    return taken.session_id


def apply(tx: Tx, *deliveries: Incoming, memory: CartMemory | None = None) -> Applied:
    """One batch in the caller's transaction; after the commit the caller gives the `memory` the carts to keep."""
    return apply_events(tx, deliveries, [], NOW, "ingest-0", memory)


def paid_trip(tx: Tx, cart_id: int, shopper_id: int) -> UUID:
    """The shopper takes the cart, which scans one piece as its event 1, and pays. Gives the session, closed by now."""
    session_id = take_cart(tx, cart_id, shopper_id)
    apply(tx, incoming(cart_id, scan(1)))
    assert isinstance(checkout(tx, shopper_id, "EUR", NOW), CheckedOut)
    return session_id
