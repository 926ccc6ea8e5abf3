"""Which store a phone is in, and where its cart is. Metres in the store's plan."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.db.queries import sql
from shared.db.types import Tx


@dataclass(frozen=True, slots=True)
class CartPlace:
    """Where a cart is: what it said itself, or where the product it scanned last stands."""

    x: float
    y: float
    floor: int
    section_id: int | None
    seen_at: datetime
    source: Literal["cart", "last_scan"]


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The shopper does not hold this cart, or there is no such cart."""


def find_store_for(tx: Tx, shopper_id: int) -> int | None:
    """The store a shopper is in, else the first one; None when there is no store at all."""
    found = tx.execute(sql("find_store_of_shopper"), {"shopper_id": shopper_id}).fetchone()
    if found is None:
        found = tx.execute(sql("find_first_store")).fetchone()
    return found[0] if found else None


def find_first_store(tx: Tx) -> int | None:
    """The store to speak of when nobody said which."""
    found = tx.execute(sql("find_first_store")).fetchone()
    return found[0] if found else None


def store_exists(tx: Tx, store_id: int) -> bool:
    """Whether there is such a store."""
    return tx.execute(sql("store_exists"), {"store_id": store_id}).fetchone() is not None


def find_place_of_held_cart(tx: Tx, shopper_id: int, cart_id: int) -> CartPlace | NotHeld | None:
    """Where the shopper's cart is; None when nobody knows yet."""
    held = tx.execute(sql("find_location_of_held_cart"), {"shopper_id": shopper_id, "cart_id": cart_id}).fetchone()
    if held is None:
        return NotHeld()
    store_id, since, x, y, floor, located_at = held
    if x is not None and located_at is not None:
        return _place(tx, store_id, x, y, floor, located_at, "cart")
    scanned = tx.execute(
        sql("find_place_of_last_scan"), {"cart_id": cart_id, "store_id": store_id, "since": since}
    ).fetchone()
    if scanned is None:
        return None
    x, y, floor, scanned_at = scanned
    return _place(tx, store_id, x, y, floor, scanned_at, "last_scan")


def _place(
    tx: Tx, store_id: int, x: float, y: float, floor: int, seen_at: datetime, source: Literal["cart", "last_scan"]
) -> CartPlace:
    at = {"store_id": store_id, "x": x, "y": y, "floor": floor}
    section = tx.execute(sql("find_section_at"), at).fetchone()
    return CartPlace(x, y, floor, section[0] if section else None, seen_at, source)


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of floor, or a connector of the layout by its number, that is closed for now."""

    floor: int | None
    x1: float | None
    y1: float | None
    x2: float | None
    y2: float | None
    connector: int | None


def list_layout_versions(tx: Tx) -> dict[int, int]:
    """The version of the layout in force by store."""
    return dict(tx.execute(sql("list_layout_versions")).fetchall())


def list_blocks_in_force(tx: Tx, store_id: int) -> list[Block]:
    """What is closed in a store at the moment."""
    return [Block(*row) for row in tx.execute(sql("list_blocks_in_force"), {"store_id": store_id})]
