"""What planning a walk reads: one statement for where the shopper is, one for where the products stand. Metres."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared.db.places import Block
from shared.db.queries import sql
from shared.db.types import Tx


class Spot(NamedTuple):
    """A place on a floor of the store."""

    floor: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class CartOnTheWay:
    """The cart a shopper holds since `held_since`. `said`: where it said it is."""

    cart_id: int
    held_since: datetime
    said: Spot | None


@dataclass(frozen=True, slots=True)
class WalkingGround:
    """The store a shopper walks in. `layout_version` is None before the first import, `cart` without a cart."""

    store_id: int
    layout_version: int | None
    closed: tuple[Block, ...]
    cart: CartOnTheWay | None


def find_walking_ground(tx: Tx, shopper_id: int) -> WalkingGround | None:
    """The store of the shopper's cart, else the first one; None when there is no store at all."""
    found = tx.execute(sql("find_walking_ground"), {"shopper_id": shopper_id}).fetchone()
    if found is None:
        return None
    store_id, layout_version, closed, cart_id, held_since, floor, x, y = found
    said = None if x is None else Spot(floor, x, y)
    cart = None if cart_id is None else CartOnTheWay(cart_id, held_since, said)
    return WalkingGround(store_id, layout_version, tuple(Block(*block) for block in closed or ()), cart)


def find_last_scan(tx: Tx, store_id: int, cart: CartOnTheWay) -> Spot | None:
    """Where the product that the cart scanned last on this trip stands."""
    asked = {"cart_id": cart.cart_id, "store_id": store_id, "since": cart.held_since}
    scanned = tx.execute(sql("find_place_of_last_scan"), asked).fetchone()
    if scanned is None:
        return None
    x, y, floor, _ = scanned
    return Spot(floor, x, y)


def list_stands_of_products(tx: Tx, store_id: int, product_ids: Collection[int]) -> dict[int, list[Spot]]:
    """Where each of the products stands that there are; nowhere is an empty list."""
    stands: dict[int, list[Spot]] = {}
    for product_id, floor, x, y in tx.execute(
        sql("list_stands_of_products"), {"store_id": store_id, "product_ids": list(product_ids)}
    ):
        known = stands.setdefault(product_id, [])
        if x is not None:
            known.append(Spot(floor, x, y))
    return stands
