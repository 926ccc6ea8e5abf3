"""Carts as our own last commit left them. The row of each is locked all the same, and its version read: what somebody
else has changed since is loaded again, because every change of a cart raises its version."""

from collections.abc import Collection, Iterable

from shared.db.array_text import number_array
from shared.db.cart_records import LockedCart, lock_carts
from shared.db.queries import sql
from shared.db.types import Tx

REMEMBERED = 10_000  # carts; a full one takes about 10 kB (measured)


class CartMemory:
    """For one connection at a time. A connection that is gone may have left a transaction without an answer, or led to
    a server that was since restored from a backup: then nothing is believed any more."""

    def __init__(self) -> None:
        self._carts: dict[int, LockedCart] = {}
        self._connection: Tx | None = None

    def lock(self, tx: Tx, cart_ids: Collection[int]) -> dict[int, LockedCart]:
        """As `lock_carts`: the rows are locked in id order, and what comes back is what the tables say."""
        if tx is not self._connection:
            self._carts.clear()
            self._connection = tx
        if not self._carts:
            return lock_carts(tx, cart_ids)
        rows = tx.execute(sql("lock_cart_versions"), {"cart_ids": number_array(sorted(cart_ids))}).fetchall()
        known: dict[int, LockedCart] = {}
        unknown: list[int] = []
        for cart_id, version, is_revoked in rows:
            cart = self._carts.get(cart_id)
            if cart is not None and cart.version == version and cart.is_revoked == is_revoked:
                known[cart_id] = cart
            else:
                unknown.append(cart_id)
        return {**known, **lock_carts(tx, unknown)} if unknown else known

    def keep(self, carts: Iterable[LockedCart]) -> None:
        """Remember these. Only after PostgreSQL has said that their transaction committed: a version that never was
        may be given out again, to other content."""
        for cart in carts:
            self._carts.pop(cart.record.cart_id, None)
            self._carts[cart.record.cart_id] = cart
        while len(self._carts) > REMEMBERED:
            del self._carts[next(iter(self._carts))]
