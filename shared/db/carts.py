"""Carts as devices: their accounts and credentials. What is inside a cart is not here."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from shared.access import CartIdentity, username
from shared.db.queries import sql
from shared.db.stores import get_store
from shared.db.types import Tx
from shared.domain.device_secret import hash_secret, new_secret

MAX_OVERLAP_S = 86_400.0  # docs/reliability.md S8: two secrets are valid for a day at most


@dataclass(frozen=True, slots=True)
class CartAdded:
    """A new cart with its account at the broker. The password exists nowhere else: it is shown once."""

    cart_id: int
    store: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CartRotated:
    """A cart's new password; the one before it is refused from `previous_valid_until`, at once when that is None."""

    cart_id: int
    store: str
    username: str
    previous_valid_until: datetime | None
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CartRevoked:
    """The cart may not connect any more, since `revoked_at`."""

    cart_id: int
    store: str
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class CartUnknown:
    cart_id: int


@dataclass(frozen=True, slots=True)
class ListedCart:
    cart_id: int
    store: str
    online: bool
    firmware: str | None
    last_seen_at: datetime | None
    in_use: bool
    total_items: int
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CartCredential:
    """What the broker checks a cart's password against; both hashes are SHA-256."""

    cart_id: int
    store: str
    secret_hash: bytes = field(repr=False)
    previous_secret_hash: bytes | None = field(repr=False)
    previous_valid_until: datetime | None
    revoked: bool
    changed_at: datetime


def add_carts(tx: Tx, store: str, count: int) -> list[CartAdded]:
    """Add `count` carts to a store, each with a secret and a pairing code of its own. Raises UnknownStore."""
    get_store(tx, store)
    passwords = {hash_secret(password): password for password in (new_secret() for _ in range(count))}
    rows = tx.execute(
        sql("insert_carts"),
        {
            "store": store,
            "secret_hashes": list(passwords),
            "pairing_codes": [f"{secrets.randbelow(1_000_000):06d}" for _ in passwords],
        },
    )
    return [
        CartAdded(cart_id, store, username(CartIdentity(cart_id, store)), passwords[bytes(secret_hash)])
        for cart_id, secret_hash in rows
    ]


def rotate_cart(tx: Tx, cart_id: int, overlap_s: float) -> CartRotated | CartRevoked | CartUnknown:
    """Give a cart a new password; the present one stays valid for `overlap_s` seconds (0 to a day).

    A secret that an earlier rotation left valid ends now. A revoked cart stays revoked and gets none.
    """
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise ValueError(f"overlap_s is 0 to {MAX_OVERLAP_S:g}")
    password = new_secret()
    rotated = tx.execute(
        sql("rotate_cart_secret"),
        {"cart_id": cart_id, "secret_hash": hash_secret(password), "overlap_s": overlap_s},
    ).fetchone()
    if rotated is None:
        return _find_revoked(tx, cart_id)
    store, valid_until = rotated
    return CartRotated(cart_id, store, username(CartIdentity(cart_id, store)), valid_until, password)


def revoke_cart(tx: Tx, cart_id: int) -> CartRevoked | CartUnknown:
    """Take a cart's access away for good. Doing it twice changes nothing."""
    tx.execute(sql("revoke_cart"), {"cart_id": cart_id})
    return _find_revoked(tx, cart_id)


def list_carts(tx: Tx, store: str | None = None) -> list[ListedCart]:
    """Carts of one store, or of all, by their number. Raises UnknownStore."""
    if store is not None:
        get_store(tx, store)
    return [ListedCart(*row) for row in tx.execute(sql("list_carts"), {"store": store})]


def list_cart_credentials(tx: Tx, changed_after: datetime | None) -> list[CartCredential]:
    """Credentials changed since `changed_after` (all when None), revoked ones included, oldest change first.

    Also repeats what changed in the ten seconds before, because a change becomes visible only when its transaction
    commits: pass the largest `changed_at` seen so far, and take a credential seen before as no news.
    """
    return [CartCredential(*row) for row in tx.execute(sql("list_cart_credentials"), {"changed_after": changed_after})]


def _find_revoked(tx: Tx, cart_id: int) -> CartRevoked | CartUnknown:
    found = tx.execute(sql("find_cart_revocation"), {"cart_id": cart_id}).fetchone()
    if found is None:
        return CartUnknown(cart_id)
    store, revoked_at = found
    return CartRevoked(cart_id, store, revoked_at)
