"""Short ways to put a store, products, carts and shoppers into a test's database, and to speak as a cart."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from shared.contracts.channels import EVENTS
from shared.contracts.decode import decode_event
from shared.db.carts import add_carts
from shared.db.incoming import Incoming
from shared.db.types import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

# GTIN-13s of GS1 prefix 952, which is reserved for examples.
OAT_DRINK, RYE_BREAD, BUTTER = "9520000000011", "9520000000028", "9520000000035"


@dataclass
class Shop:
    """A store `main` with three products and as many carts as asked for."""

    url: str
    carts: list[int] = field(default_factory=list)
    passwords: dict[int, str] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    shoppers: list[int] = field(default_factory=list)

    def connect(self) -> Tx:
        return psycopg.connect(self.url)


def build_shop(url: str, carts: int = 1, shoppers: int = 2) -> Shop:
    """Write a small shop into an empty migrated database."""
    shop = Shop(url)
    with psycopg.connect(url) as tx:
        tx.execute("INSERT INTO store (name) VALUES ('main')")
        for code, name, price, paid, weight in (
            (OAT_DRINK, "Oat Drink 1 L", 189, None, 1040),
            (RYE_BREAD, "Rye Bread 750 g", 329, 279, 750),
            (BUTTER, "Butter 250 g", 249, None, 260),
        ):
            row = tx.execute(
                "INSERT INTO product (gtin, barcode, name, price_minor, discounted_price_minor, weight_g)"
                " VALUES (%s, %s, %s, %s, %s, %s) RETURNING product_id",
                (code.zfill(14), code, name, price, paid, weight),
            ).fetchone()
            assert row is not None
            shop.products[code] = row[0]
            tx.execute("INSERT INTO product_code (code, product_id) VALUES (%s, %s)", (code.zfill(14), row[0]))
        for added in add_carts(tx, "main", carts):
            shop.carts.append(added.cart_id)
            shop.passwords[added.cart_id] = added.password
        for number in range(shoppers):
            row = tx.execute(
                "INSERT INTO shopper (phone_hash) VALUES (%s) RETURNING shopper_id", (bytes([number]),)
            ).fetchone()
            assert row is not None
            shop.shoppers.append(row[0])
    return shop


def scan(seq: int, code: str = OAT_DRINK, *, epoch: int = 1, **more: Any) -> dict[str, Any]:
    """A scan as a cart writes it."""
    return {"v": 1, "epoch": epoch, "seq": seq, "type": "scan", "code": code, **more}


def remove(seq: int, code: str = OAT_DRINK, *, epoch: int = 1, **more: Any) -> dict[str, Any]:
    """A removal as a cart writes it."""
    return {"v": 1, "epoch": epoch, "seq": seq, "type": "remove", "code": code, **more}


def weight(seq: int, total_g: int, *, epoch: int = 1, **more: Any) -> dict[str, Any]:
    """A reading of the scale as a cart writes it."""
    return {"v": 1, "epoch": epoch, "seq": seq, "type": "weight", "total_g": total_g, **more}


def incoming(cart_id: int, event: dict[str, Any] | bytes, *, store: str = "main", at: datetime = NOW) -> Incoming:
    """A delivery of this event on the cart's topic."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    topic = EVENTS.topic(store=store, cart=cart_id)
    return Incoming(topic, store, cart_id, payload, decode_event(payload, cart_id), at)
