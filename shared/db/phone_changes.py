"""One piece more or less by hand, on the phone: read in one round trip of a pipeline, written in one statement, for one
shopper or for several at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from shared.db.array_text import number_array, text_array
from shared.db.cart_records import spans_of
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import CartRecord, OpenSession, settle_phone_change
from shared.domain.frontier import Frontier
from shared.domain.session_cart import Fact, Key, Line, PricedProduct, Refusal, SessionCart

_TRIP = 9  # columns that say the same on every row of a trip


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


@dataclass(frozen=True, slots=True)
class CartNotFree:
    """Nothing was done: somebody works on the cart at this moment, or the shopper holds none."""


class ItemChange(NamedTuple):
    """One piece more, or one less, in the cart that the shopper holds."""

    shopper_id: int
    product_id: int
    pieces: Literal[1, -1]


Outcome = ItemChanged | NoCart | NotInCart | UnknownProduct | LineLimit


def change_item(tx: Tx, shopper_id: int, product_id: int, pieces: Literal[1, -1], now: datetime) -> Outcome:
    """Change one cart; waits for whoever works on it. The change stands in the log behind what the cart said last."""
    (outcome,) = _change(tx, [ItemChange(shopper_id, product_id, pieces)], "lock_carts_of_shoppers", NoCart(), now)
    assert not isinstance(outcome, CartNotFree)
    return outcome


def change_free_items(tx: Tx, asked: Sequence[ItemChange], now: datetime) -> list[Outcome | CartNotFree]:
    """The same for several shoppers, each once; waits for nobody, so that no cart holds up the others."""
    return _change(tx, asked, "lock_free_carts_of_shoppers", CartNotFree(), now)


def _change(
    tx: Tx, asked: Sequence[ItemChange], lock: str, without_cart: NoCart | CartNotFree, now: datetime
) -> list[Outcome | CartNotFree]:
    """Everything is asked before the first answer is waited for: in a pipeline that is one round trip. The order
    counts: trips are read when the rows of their carts are locked."""
    shopper_ids = number_array([one.shopper_id for one in asked])
    product_ids = number_array([one.product_id for one in asked])
    locked = tx.execute(sql(lock), {"shopper_ids": shopper_ids})
    trips = tx.execute(sql("read_trips_of_shoppers"), {"shopper_ids": shopper_ids}, binary=True)
    priced = tx.execute(sql("find_products_to_change"), {"product_ids": product_ids})
    carts = {row[0]: row[1:] for row in locked.fetchall()}
    lines = {shopper_id: list(own) for shopper_id, own in groupby(trips.fetchall(), key=itemgetter(0))}
    products = {row[0]: row for row in priced.fetchall()}
    outcomes: list[Outcome | CartNotFree] = []
    changes: list[_Change] = []
    for one in asked:
        held = _held_cart(carts.get(one.shopper_id), lines.get(one.shopper_id), one.shopper_id)
        if held is None:
            outcomes.append(without_cart)
            continue
        if one.product_id not in products:
            outcomes.append(UnknownProduct())
            continue
        *price, code = products[one.product_id]
        outcome, change = _settle(*held, PricedProduct(*price), code, one.pieces)
        outcomes.append(outcome)
        if change is not None:
            changes.append(change)
    if changes:
        _write(tx, changes, now)
    return outcomes


class _Change(NamedTuple):
    """A cart before and after the fact that changed it."""

    before: CartRecord
    after: CartRecord
    fact: Fact


def _settle(
    before: CartRecord, version: int, product: PricedProduct, code: str, pieces: Literal[1, -1]
) -> tuple[Outcome, _Change | None]:
    kind: Literal["scan", "remove"] = "scan" if pieces > 0 else "remove"

    def fact_at(key: Key) -> Fact:
        return Fact(key, kind, code, 1, product)

    after, entry = settle_phone_change(before, fact_at)
    match entry.reason:
        case None:
            return ItemChanged(after.cart_id, version + 1), _Change(before, after, entry.fact)
        case Refusal.NOT_IN_CART:
            return NotInCart(), None
        case _:
            return LineLimit(), None


def _held_cart(cart: Any, trip: list[Any] | None, shopper_id: int) -> tuple[CartRecord, int] | None:
    """The locked cart on its trip, and its version; None when there is none, or when it was lost while we waited."""
    if cart is None or not trip or trip[0][1] != cart[0]:
        return None
    cart_id, epoch, seq, ahead, head_sub, version = cart
    _, _, session_id, *after, opened_at, next_line, measured_g = trip[0][:_TRIP]
    lines = tuple(Line(*row[_TRIP:]) for row in trip if row[_TRIP] is not None)
    session = OpenSession(
        session_id,
        (after[0], after[1], after[2]),
        shopper_id,
        opened_at,
        cart=SessionCart(lines, next_line, measured_g),
    )
    return CartRecord(cart_id, Frontier(epoch, seq, spans_of(ahead)), head_sub, session=session), version


def _write(tx: Tx, changes: Sequence[_Change], now: datetime) -> None:
    rows = [_columns(change) for change in changes]
    numbers = {name: number_array([row[name] for row in rows]) for name in _NUMBERS}
    texts = {name: text_array([row[name] for row in rows]) for name in rows[0].keys() - numbers.keys()}
    tx.execute(sql("write_phone_changes"), {"now": now, **numbers, **texts})


_NUMBERS = (
    *("cart_ids", "epochs", "seqs", "subs", "product_ids", "unit_prices", "unit_paids", "unit_weights", "lines"),
    *("quantities", "next_lines", "total_items", "subtotals", "totals"),
)


def _columns(change: _Change) -> dict[str, Any]:
    before, after, fact = change
    assert before.session is not None
    assert after.session is not None
    assert fact.product is not None
    cart, product = after.session.cart, fact.product
    line, quantity = _changed_line(before.session.cart, cart)
    return {
        "cart_ids": after.cart_id,
        "epochs": fact.key[0],
        "seqs": fact.key[1],
        "subs": fact.key[2],
        "types": fact.type,
        "session_ids": after.session.session_id,
        "product_ids": product.product_id,
        "codes": fact.code,
        "unit_prices": product.unit_price_minor,
        "unit_paids": product.unit_paid_minor,
        "unit_weights": product.unit_weight_g,
        "payloads": json.dumps({"type": fact.type, "product_id": product.product_id}),
        "lines": line.number,
        "quantities": quantity,
        "next_lines": cart.next_line,
        "total_items": cart.total_items,
        "subtotals": cart.subtotal_minor,
        "totals": cart.total_minor,
    }


def _changed_line(before: SessionCart, after: SessionCart) -> tuple[Line, int]:
    """The one line that differs and its new quantity, 0 when it is gone."""
    for old, new in zip_longest(before.lines, after.lines):
        if old == new:
            continue
        if len(after.lines) < len(before.lines):
            return old, 0
        return new, new.quantity
    raise AssertionError("a change that was not refused changes a line")
