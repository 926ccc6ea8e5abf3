"""One piece more or less by hand, on the phone: read in one round trip of a pipeline, written in one statement."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Literal

from shared.db.cart_records import spans_of
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import CartRecord, OpenSession, settle_phone_change
from shared.domain.frontier import Frontier
from shared.domain.session_cart import Fact, Key, Line, PricedProduct, Refusal, SessionCart

_TRIP = 8  # columns that say the same on every row of a trip


@dataclass(frozen=True, slots=True)
class ItemChanged:
    cart_id: int
    version: int


@dataclass(frozen=True, slots=True)
class NoCart:
    pass


@dataclass(frozen=True, slots=True)
class NotInCart:
    pass


@dataclass(frozen=True, slots=True)
class UnknownProduct:
    pass


@dataclass(frozen=True, slots=True)
class LineLimit:
    pass


def change_item(
    tx: Tx, shopper_id: int, product_id: int, pieces: Literal[1, -1], now: datetime
) -> ItemChanged | NoCart | NotInCart | UnknownProduct | LineLimit:
    """Change the cart that the shopper holds; the change stands in the log behind what the cart said last.

    Everything is asked before the first answer is waited for: in a pipeline that is one round trip. The order counts:
    the trip is read when the cart's row is locked.
    """
    asked = {"shopper_id": shopper_id, "product_id": product_id}
    cart = tx.execute(sql("lock_cart_of_shopper"), asked)
    trip = tx.execute(sql("read_trip_of_shopper"), asked, binary=True)
    priced = tx.execute(sql("find_product_to_change"), asked)
    held = _held_cart(cart.fetchone(), trip.fetchall(), shopper_id)
    if held is None:
        return NoCart()
    found = priced.fetchone()
    if found is None:
        return UnknownProduct()
    *price, code = found
    product = PricedProduct(*price)
    kind: Literal["scan", "remove"] = "scan" if pieces > 0 else "remove"

    def fact_at(key: Key) -> Fact:
        return Fact(key, kind, code, 1, product)

    before, version = held
    after, entry = settle_phone_change(before, fact_at)
    match entry.reason:
        case None:
            _write(tx, before, after, entry.fact, now)
            return ItemChanged(after.cart_id, version + 1)
        case Refusal.NOT_IN_CART:
            return NotInCart()
        case _:
            return LineLimit()


def _held_cart(cart: Any, trip: list[Any], shopper_id: int) -> tuple[CartRecord, int] | None:
    """The locked cart on its trip, and its version; None when there is none, or when it was lost while we waited."""
    if cart is None or not trip or trip[0][0] != cart[0]:
        return None
    cart_id, epoch, seq, ahead, head_sub, version = cart
    _, session_id, *after, opened_at, next_line, measured_g = trip[0][:_TRIP]
    lines = tuple(Line(*row[_TRIP:]) for row in trip if row[_TRIP] is not None)
    session = OpenSession(
        session_id,
        (after[0], after[1], after[2]),
        shopper_id,
        opened_at,
        cart=SessionCart(lines, next_line, measured_g),
    )
    return CartRecord(cart_id, Frontier(epoch, seq, spans_of(ahead)), head_sub, session=session), version


def _write(tx: Tx, before: CartRecord, after: CartRecord, fact: Fact, now: datetime) -> None:
    assert before.session is not None
    assert after.session is not None
    assert fact.product is not None
    cart = after.session.cart
    line, quantity = _changed_line(before.session.cart, cart)
    tx.execute(
        sql("write_phone_change"),
        {
            "cart_id": after.cart_id,
            "epoch": fact.key[0],
            "seq": fact.key[1],
            "sub": fact.key[2],
            "type": fact.type,
            "session_id": after.session.session_id,
            "product_id": fact.product.product_id,
            "code": fact.code,
            "unit_price_minor": fact.product.unit_price_minor,
            "unit_paid_minor": fact.product.unit_paid_minor,
            "unit_weight_g": fact.product.unit_weight_g,
            "payload": json.dumps({"type": fact.type, "product_id": fact.product.product_id}).encode(),
            "line": line.number,
            "quantity": quantity,
            "next_line": cart.next_line,
            "total_items": cart.total_items,
            "subtotal_minor": cart.subtotal_minor,
            "total_minor": cart.total_minor,
            "now": now,
        },
    )


def _changed_line(before: SessionCart, after: SessionCart) -> tuple[Line, int]:
    """The one line that differs and its new quantity, 0 when it is gone."""
    for old, new in zip_longest(before.lines, after.lines):
        if old == new:
            continue
        if len(after.lines) < len(before.lines):
            return old, 0
        return new, new.quantity
    raise AssertionError("a change that was not refused changes a line")
