"""Builders for walks through the endpoint: a store of its own for each visit, and a shopper with a cart in it."""

import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.operations.layout import load_layout
from shared.db.carts import CartAdded, add_carts
from shared.domain.gtin import check_digit
from tests.integration.gateway.shop import LoggedIn, Shop

Spot = tuple[float, float] | tuple[float, float, int]
_numbers = itertools.count(1)


def room(*shelves: Sequence[float], bounds: Sequence[float] = (0, 0, 20, 20), **fields: Any) -> dict[str, Any]:
    """The layout of one floor with an entrance in a corner; `floor` overwrites fields of the floor, others the rest."""
    floor = {"floor": 0, "bounds": list(bounds), "shelves": [list(shelf) for shelf in shelves]}
    floor |= fields.pop("floor", {})
    document = {"y_axis": "down", "clearance_m": 0.3, "floors": [floor], "entrances": [[0, 1, 19]]}
    return document | fields


def grid(columns: int, rows: int, **fields: Any) -> dict[str, Any]:
    """Shelves of 1 x 8 m with aisles of 2 m, an entrance and two checkouts at the lower end."""
    width, height = 4.0 + 3 * columns, 6.0 + 10 * rows
    shelves = [(2 + 3 * c, 2 + 10 * r, 3 + 3 * c, 10 + 10 * r) for c in range(columns) for r in range(rows)]
    checkouts = [{"name": str(n + 1), "at": [0, width - 2 - 3 * n, height - 1]} for n in range(2)]
    doors = {"entrances": [[0, 1, height - 1]], "checkouts": checkouts}
    return room(*shelves, bounds=(0, 0, width, height), **doors, **fields)


@dataclass(frozen=True)
class Visit:
    """A shopper who holds a cart in a store that nobody else is in."""

    shop: Shop
    phone: LoggedIn
    store: str
    cart: CartAdded

    def put(self, *places: Spot) -> int:
        """A new product that stands in these places; gives its id."""
        body = f"9521{next(_numbers):08d}"
        barcode = f"{body}{check_digit(body)}"
        product_id: int = self.shop.execute(
            "INSERT INTO product (gtin, barcode, name, price_minor) VALUES (%s, %s, %s, 100) RETURNING product_id",
            barcode.zfill(14),
            barcode,
            f"thing {barcode}",
        )[0][0]
        self.shop.execute("INSERT INTO product_code (code, product_id) VALUES (%s, %s)", barcode.zfill(14), product_id)
        for x, y, *floor in places:
            self.shop.execute(
                "INSERT INTO product_location (store_id, product_id, floor, x, y)"
                " SELECT store_id, %s, %s, %s, %s FROM store WHERE name = %s",
                product_id,
                floor[0] if floor else 0,
                x,
                y,
                self.store,
            )
        return product_id

    def ask(self, *products: int, start: Spot | None = None, **fields: Any) -> httpx.Response:
        """The endpoint's answer."""
        asked: dict[str, Any] = {"destinations": [{"product_id": product_id} for product_id in products], **fields}
        if start is not None:
            asked["start"] = {"x": start[0], "y": start[1], "floor": start[2] if len(start) == 3 else 0}
        answer: httpx.Response = self.phone.post("/cart/shortest_path", json=asked)
        return answer

    def walk(self, *products: int, start: Spot | None = None, **fields: Any) -> dict[str, Any]:
        """The walk, which there must be."""
        answer = self.ask(*products, start=start, **fields)
        assert answer.status_code == 200, answer.text
        walk: dict[str, Any] = answer.json()
        return walk

    def import_layout(self, document: dict[str, Any]) -> None:
        """As `smartcart import layout` does it."""
        with psycopg.connect(self.shop.database_url, autocommit=True) as connection:
            load_layout(connection, {"store": self.store, **document})

    def stand_at(self, x: float, y: float, floor: int = 0) -> None:
        """The cart said where it is."""
        self.shop.execute(
            "INSERT INTO cart_presence (cart_id, x, y, floor, located_at) VALUES (%s, %s, %s, %s, now())"
            " ON CONFLICT (cart_id) DO UPDATE SET (x, y, floor, located_at)"
            " = (excluded.x, excluded.y, excluded.floor, excluded.located_at)",
            self.cart.cart_id,
            x,
            y,
            floor,
        )

    def scan(self, product_id: int) -> None:
        """The cart's board scans a piece."""
        asked = {"cart_id": self.cart.cart_id, "product_id": product_id}
        auth = (str(self.cart.cart_id), self.cart.password)
        answer = self.shop.client.post("/cart/esp32/add_item", json=asked, auth=auth)
        assert answer.status_code == 200, answer.text


def enter(shop: Shop, layout: dict[str, Any] | None, *, holding_a_cart: bool = True) -> Visit:
    """A new store with this layout, and a new shopper in it."""
    store = f"store-{secrets.token_hex(4)}"
    with psycopg.connect(shop.database_url) as tx:
        tx.execute("INSERT INTO store (name) VALUES (%s)", (store,))
        [cart] = add_carts(tx, store, 1)
    phone = shop.log_in(f"+4917{next(_numbers):09d}")
    visit = Visit(shop, phone, store, cart)
    if layout is not None:
        visit.import_layout(layout)
    if holding_a_cart:
        shop.connect(phone, cart.cart_id)
    return visit


def smartcart(shop: Shop, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str:
    """What an operator's command prints."""
    monkeypatch.setenv("DATABASE_URL", shop.database_url)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def order(walk: dict[str, Any]) -> list[int]:
    """The products in walking order."""
    return [segment["product_id"] for segment in walk["segments"]]


def reasons(walk: dict[str, Any]) -> dict[int, str]:
    """Why products were left out."""
    return {one["product_id"]: one["reason"] for one in walk["skipped"]}


def place(point: dict[str, Any]) -> tuple[float, float, int]:
    """A point of an answer."""
    return point["x"], point["y"], point["floor"]
