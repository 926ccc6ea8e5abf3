"""Builders for gateway tests: a small shop in the database, and shoppers who are logged in."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI

from services.gateway.app import make_app, make_gateway
from services.gateway.code_delivery import CodeMessage
from services.gateway.phone_numbers import read_number
from services.gateway.server import server_config
from services.gateway.wiring import Gateway
from shared.db.carts import CartAdded, add_carts
from shared.db.stores import ensure_store
from shared.settings import GatewaySettings
from tests.eventually import eventually

ADA = "+491700000001"
BEN = "+491700000002"


class CodesReceived:
    """The test's phones: keeps every code that was sent."""

    def __init__(self) -> None:
        self.messages: list[CodeMessage] = []

    def send(self, message: CodeMessage) -> bool:
        self.messages.append(message)
        return True

    def complaint(self) -> str | None:
        return None

    def close(self) -> None:
        pass

    def newest(self, number: str) -> str:
        """The newest code for this number, however it is written."""
        number = read_number(number, "DE") or number
        return next(message.code for message in reversed(self.messages) if message.number == number)


@dataclass
class Clock:
    """A clock that goes on only when told to."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **much: float) -> None:
        self.moment += timedelta(**much)


@dataclass
class Shop:
    """A gateway served by a thread of this process over a real database; a store, two carts and three products."""

    database_url: str
    gateway: Gateway
    client: httpx.Client
    codes: CodesReceived
    clock: Clock
    carts: list[CartAdded]
    milk: int
    bread: int
    beer: int

    def execute(self, statement: str, *parameters: Any) -> list[Any]:
        """Run SQL beside the gateway; rows when there are any."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def log_in(self, number: str = ADA) -> "LoggedIn":
        """A shopper's phone, logged in as the app does it."""
        sent = self.client.post("/auth/verify_mobile", json={"mobile_number": number})
        assert sent.status_code == 200, sent.text
        code = self.codes.newest(number)
        answer = self.client.post("/auth/verify_otp", json={"mobile_number": number, "otp": code})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return LoggedIn(self.client, number, body["user_id"], body["token"], body["refresh_token"])

    def pairing_code(self, cart_id: int) -> str:
        code: str = self.execute("SELECT pairing_code FROM cart WHERE cart_id = %s", cart_id)[0][0]
        return code

    def connect(self, phone: "LoggedIn", cart_id: int | None = None) -> int:
        """The phone takes a cart with the code on its display."""
        cart_id = cart_id or self.carts[0].cart_id
        asked = {"cart_id": cart_id, "pairing_code": self.pairing_code(cart_id)}
        answer = phone.post("/cart/connect", json=asked)
        assert answer.status_code == 200, answer.text
        return cart_id


@dataclass
class LoggedIn:
    """A phone with a token."""

    client: httpx.Client
    number: str
    user_id: int
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def request(self, method: str, path: str, **more: Any) -> Any:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> Any:
        return self.request("POST", path, **more)


_MANY = 1_000_000
# Tests call faster than people; those of a limit set it themselves.
_UNLIMITED = {
    "otp_seconds_between_sends": 0,
    "otp_sends_per_minute": _MANY,
    "reads_per_address_per_minute": _MANY,
    "writes_per_address_per_minute": _MANY,
    "logins_per_address_per_minute": _MANY,
    "reads_per_shopper_per_minute": _MANY,
    "writes_per_shopper_per_minute": _MANY,
    "scans_per_board_per_minute": _MANY,
}


def settings_for(database_url: str, **changes: Any) -> GatewaySettings:
    """Settings as the environment would give them, for tests only."""
    return GatewaySettings(database_url=database_url, **{**_UNLIMITED, **changes})


def stock(database_url: str) -> dict[str, int]:
    """A store and three products; their ids by name."""
    with psycopg.connect(database_url) as tx:
        ensure_store(tx, "main")
        milk = _add_product(tx, "Fresh milk", "9520000000011", 129, 99, 1030, allergens=["milk"])
        bread = _add_product(tx, "Rye bread", "9520000000028", 249, None, 500, allergens=["gluten"])
        beer = _add_product(tx, "Crème ale", "9520000000035", 100, None, None, allergens=None)
        tx.execute("UPDATE product SET tax_rate_bp = 1900 WHERE product_id = %s", (beer,))
    return {"milk": milk, "bread": bread, "beer": beer}


def _add_product(
    tx: psycopg.Connection[Any],
    name: str,
    barcode: str,
    price: int,
    discounted: int | None,
    weight_g: int | None,
    *,
    allergens: list[str] | None,
) -> int:
    from shared.domain.search_text import normalise_search_text, trigrams

    text = normalise_search_text(name)
    row = tx.execute(
        "INSERT INTO product (gtin, barcode, name, price_minor, discounted_price_minor, weight_g, search_text,"
        " search_trigrams, allergens_are_known) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING product_id",
        (
            barcode.zfill(14),
            barcode,
            name,
            price,
            discounted,
            weight_g,
            text,
            list(trigrams(text)),
            allergens is not None,
        ),
    ).fetchone()
    assert row is not None
    product_id: int = row[0]
    tx.execute("INSERT INTO product_code VALUES (%s, %s)", (barcode.zfill(14), product_id))
    for code in allergens or []:
        tx.execute(
            "INSERT INTO product_allergen (product_id, allergen_id)"
            " SELECT %s, allergen_id FROM allergen WHERE code = %s",
            (product_id, code),
        )
    return product_id


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port as the program does; gives the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="gateway")
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def open_shop(database_url: str, **changes: Any) -> Iterator[Shop]:
    """A stocked shop with its gateway running; `changes` are settings."""
    products = stock(database_url)
    with psycopg.connect(database_url) as tx:
        carts = add_carts(tx, "main", 2)
    codes, clock = CodesReceived(), Clock()
    gateway = replace(make_gateway(settings_for(database_url, **changes)), code_sender=codes, now=clock)
    with serve(make_app(gateway)) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        eventually(lambda: not gateway.readiness.found())
        yield Shop(database_url, gateway, client, codes, clock, carts, **products)
