"""A whole store of a few lines to play against: MQTT for carts, REST for phones, memory instead of a database.

It speaks for real over TCP, so that the fleet is tested as it is; what the backend really does is tested elsewhere.
Run as a program it prints `mqtt=… http=…` and serves until it is ended: for measuring the fleet's own cost.
"""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from firmware_sim import packets
from firmware_sim.catalogue import Product
from shared.contracts.channels import COMMANDS, EVENTS, STATE
from shared.contracts.commands import Resend
from shared.contracts.state import Ack, CartState, StateLine, WeightCheck
from shared.domain.frontier import Frontier, admit
from shared.domain.session_cart import pieces_scanned

CODE = "123456"
PAIRING_CODE = "424242"
STORE = "stub"


def stub_catalogue(count: int = 50) -> list[Product]:
    """Products with one code each."""
    return [
        Product(number, f"Product {number}", (f"{9_520_000_000_000 + number}",), 100 + number, 250)
        for number in range(1, count + 1)
    ]


@dataclass
class StubCart:
    """One cart as the backend knows it."""

    cart_id: int
    frontier: Frontier = field(default_factory=Frontier)
    events: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    session: str | None = None
    holder: str | None = None
    version: int = 1


class StubStore:
    """Serves on free ports of 127.0.0.1 from a thread of its own."""

    def __init__(self, catalogue: list[Product] | None = None) -> None:
        self.products = {code: product for product in catalogue or stub_catalogue() for code in product.codes}
        self.carts: dict[int, StubCart] = {}
        self.orders: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.births: Counter[int] = Counter()
        self.wills: Counter[int] = Counter()
        self.away = False  # phones are answered 503
        self.sabotage = False  # orders are written with a line wrong
        self.mqtt_url = self.http_url = ""
        self._numbers = count(1)
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._transports: set[asyncio.WriteTransport] = set()
        self._serving = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stub-store")

    def __enter__(self) -> "StubStore":
        self._thread.start()
        assert self._serving.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        mqtt = await asyncio.start_server(self._cart_connection, "127.0.0.1", 0)
        http = await asyncio.start_server(self._phone_connection, "127.0.0.1", 0)
        self.mqtt_url = f"mqtt://127.0.0.1:{mqtt.sockets[0].getsockname()[1]}"
        self.http_url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
        self._serving.set()
        await self._stop.wait()
        mqtt.close()
        http.close()
        for transport in list(self._transports):
            transport.abort()
        if ending := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(ending, timeout=5)
        await asyncio.sleep(0)

    def break_all_connections(self) -> None:
        """As when the broker is killed; it forgets nothing here."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self._writers.values()])

    # Carts

    async def _cart_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports.add(writer.transport)
        cart: StubCart | None = None
        goodbye = False
        try:
            while True:
                first, body = await _read_packet(reader)
                kind = first & 0xF0
                if kind == 0x10:
                    cart = self._welcome(body)
                    self._writers[cart.cart_id] = writer
                    writer.write(b"\x20\x02\x00\x00")
                elif cart is None:
                    return
                elif kind == 0x80:
                    writer.write(b"\x90\x04" + body[:2] + b"\x01\x01")
                    self._publish_state(cart)
                elif kind == 0x30:
                    self._hear(cart, packets._decode_publish(first, body), writer)
                elif kind == 0xC0:
                    writer.write(b"\xd0\x00")
                elif kind == 0xE0:
                    goodbye = True
                    return
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            if cart is not None:
                self.wills[cart.cart_id] += not goodbye
            writer.transport.abort()

    def _welcome(self, body: bytes) -> StubCart:
        name_end = 12 + int.from_bytes(body[10:12], "big")
        cart_id = int(body[12:name_end].decode().removeprefix("cart-"))
        return self.carts.setdefault(cart_id, StubCart(cart_id))

    def _hear(self, cart: StubCart, message: packets.Message, writer: asyncio.StreamWriter) -> None:
        if message.packet_id:
            writer.write(packets.puback(message.packet_id))
        if message.topic == EVENTS.topic(store=STORE, cart=cart.cart_id):
            self._apply(cart, json.loads(message.payload))
        elif b'"online":true' in message.payload:
            self.births[cart.cart_id] += 1

    def _apply(self, cart: StubCart, event: dict[str, Any]) -> None:
        key = (event["epoch"], event["seq"])
        cart.frontier, admission = admit(cart.frontier, *key)
        if admission.is_new:
            if cart.session is None:
                self._open(cart)
            cart.events[key] = {**event, "in": cart.session if event.get("session") in (None, cart.session) else None}
            cart.version += 1
        self._publish_state(cart)
        if cart.frontier.has_gap:
            epoch, seq = cart.frontier.first_missing
            command = Resend(expires_at=int(time.time() * 1000) + 5000, epoch=epoch, seq=seq)
            self._publish(cart, COMMANDS.topic(store=STORE, cart=cart.cart_id), command.model_dump_json().encode())

    def _open(self, cart: StubCart) -> None:
        cart.session = f"session-{next(self._numbers)}"

    def _pieces(self, cart: StubCart) -> dict[Product, int]:
        pieces: dict[Product, int] = {}
        for _, event in sorted(cart.events.items()):
            if event["in"] != cart.session or event["type"] not in ("scan", "remove"):
                continue
            product = self.products[event["code"]]
            if event["type"] == "scan":
                given = pieces_scanned(event.get("quantity"), event.get("weight_g"), product.weight_g)
                pieces[product] = pieces.get(product, 0) + given
            else:
                pieces[product] = pieces.get(product, 0) - event.get("quantity", 1)
        return {product: number for product, number in pieces.items() if number > 0}

    def _publish_state(self, cart: StubCart) -> None:
        pieces = self._pieces(cart) if cart.session else {}
        total = sum(product.price_minor * number for product, number in pieces.items())
        state = CartState(
            cart_id=cart.cart_id,
            session_id=cart.session,
            version=cart.version,
            status="active" if cart.session else "idle",
            ack=Ack(epoch=cart.frontier.epoch, seq=cart.frontier.seq),
            lines=tuple(
                StateLine(
                    line=line,
                    product_id=product.product_id,
                    gtin=None,
                    code=product.codes[0],
                    name=product.name,
                    quantity=number,
                    unit_price_minor=product.price_minor,
                    total_minor=product.price_minor * number,
                    weight_g=product.weight_g,
                )
                for line, (product, number) in enumerate(pieces.items(), start=1)
            ),
            total_items=sum(pieces.values()),
            subtotal_minor=total,
            discount_minor=0,
            total_minor=total,
            currency="EUR",
            weight=WeightCheck(expected_g=0, measured_g=None, tolerance_g=0, verdict="unknown"),
            notices=(),
            at=0,
            pairing_code=None if cart.holder else PAIRING_CODE,
        )
        self._publish(cart, STATE.topic(store=STORE, cart=cart.cart_id), state.model_dump_json().encode())

    def _publish(self, cart: StubCart, topic: str, payload: bytes) -> None:
        writer = self._writers.get(cart.cart_id)
        if writer is not None and not writer.is_closing():
            writer.write(packets.publish(topic.encode(), payload, packet_id=1))

    # Phones

    async def _phone_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports.add(writer.transport)
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                method, path, _ = head.split(" ", 2)
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
                }
                status, answer = self._answer(method, path, headers, json.loads(body) if body else {})
                raw = json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)

    def _answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.away:
            return 503, {"detail": "", "code": "unavailable"}
        shopper = headers.get("authorization", "").removeprefix("Bearer ")
        cart = next((cart for cart in self.carts.values() if cart.holder == shopper and shopper), None)
        match (method, path.partition("?")[0]):
            case ("POST", "/auth/verify_mobile"):
                return 200, {"message": "sent"}
            case ("POST", "/auth/verify_otp"):
                right = body["otp"] == CODE
                return (200, {"token": body["mobile_number"], "user_id": 1}) if right else (400, {"code": "wrong_otp"})
            case _ if not shopper:
                return 401, {"code": "not_authenticated"}
            case ("POST", "/cart/connect"):
                return self._connect(shopper, self.carts[body["cart_id"]], body.get("pairing_code"))
            case ("GET", "/orders/history"):
                return 200, list(reversed(self.orders.get(shopper, [])))[:5]
            case ("POST", "/orders/checkout"):
                return self._check_out(shopper, cart, headers["idempotency-key"])
            case _ if cart is None:
                return 404, {"code": "no_cart"}
            case ("GET", "/cart/view"):
                items = [{"product_id": p.product_id, "quantity": n} for p, n in self._pieces(cart).items()]
                return 200, {"cart_id": cart.cart_id, "items": items}
            case ("POST", "/cart/disconnect"):
                self._close(cart)
                return 200, {"message": "bye"}
        return 404, {"code": "not_found"}

    def _connect(self, shopper: str, cart: StubCart, code: str | None) -> tuple[int, Any]:
        if cart.holder not in (None, shopper) or (cart.holder is None and code != PAIRING_CODE):
            return 409, {"code": "cart_in_use"}
        cart.holder = shopper
        if cart.session is None:
            self._open(cart)
        cart.version += 1
        self._publish_state(cart)
        return 200, {"cart_id": cart.cart_id}

    def _check_out(self, shopper: str, cart: StubCart | None, key: str) -> tuple[int, Any]:
        if key in self.answers:
            return 201, self.answers[key]
        if cart is None:
            return 404, {"code": "no_cart"}
        if cart.frontier.has_gap:
            return 409, {"code": "gap_open"}
        items = [
            {"product_id": product.product_id, "quantity": number, "price": product.price_minor / 100}
            for product, number in self._pieces(cart).items()
        ]
        if self.sabotage:
            items[0]["quantity"] += 1
        total = sum(product.price_minor * number for product, number in self._pieces(cart).items()) / 100
        order = {"order_id": next(self._numbers), "items": items, "total_price": total, "discounted_price": total}
        self.orders.setdefault(shopper, []).append(order)
        self.answers[key] = order
        self._close(cart)
        return 201, order

    def _close(self, cart: StubCart) -> None:
        cart.session = cart.holder = None
        cart.version += 1
        self._publish_state(cart)


async def _read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first, await reader.readexactly(length)


if __name__ == "__main__":
    with StubStore() as store:
        print(f"mqtt={store.mqtt_url} http={store.http_url}", flush=True)
        store._thread.join()
