"""What a shopper's phone does to a whole cart: take it, leave it, pay. Each locks the cart's row first, as ingest
does, so that a scan that races a checkout falls on one side or the other and never in between.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from shared.db.cart_records import (
    LockedCart,
    list_session_facts,
    lock_carts,
    save_carts,
    save_sessions,
)
from shared.db.departures import Ending, call_staff_for_goods
from shared.db.event_rows import Decision, update_verdicts
from shared.db.phone_changes import NoCart
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import (
    CartRecord,
    Verdict,
    close_session,
    open_session,
    refold,
)
from shared.domain.weight_check import check_weight


@dataclass(frozen=True, slots=True)
class Connected:
    """The shopper holds the cart; `already`: he did before."""

    session_id: UUID
    cart_id: int
    already: bool


@dataclass(frozen=True, slots=True)
class CartUnknown:
    pass


@dataclass(frozen=True, slots=True)
class CartInUse:
    pass


@dataclass(frozen=True, slots=True)
class HoldsAnotherCart:
    cart_id: int


@dataclass(frozen=True, slots=True)
class WrongPairingCode:
    pass


@dataclass(frozen=True, slots=True)
class Disconnected:
    cart_id: int


@dataclass(frozen=True, slots=True)
class GoodsInCart:
    total_items: int


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """The order; money in minor units, `total_minor` is what was paid."""

    order_id: int
    receipt_number: int
    total_items: int
    subtotal_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class EmptyCart:
    pass


@dataclass(frozen=True, slots=True)
class GapOpen:
    """Events are missing; they are being asked for."""


def connect_cart(
    tx: Tx, cart_id: int, shopper_id: int, pairing_code: str | None, pairing_required: bool, now: datetime
) -> Connected | CartUnknown | CartInUse | HoldsAnotherCart | WrongPairingCode:
    """Give the cart to the shopper, or say why not. Of two phones at the same cart one wins."""
    cart = lock_carts(tx, [cart_id]).get(cart_id)
    if cart is None or cart.is_revoked:
        return CartUnknown()
    session = cart.record.session
    if session is not None and session.shopper_id == shopper_id:
        return Connected(session.session_id, cart_id, already=True)
    held = _find_held_cart(tx, shopper_id)
    if held is not None:
        return HoldsAnotherCart(held)
    if session is not None and session.shopper_id is not None:
        return CartInUse()
    if pairing_required and not _is_shown(tx, cart_id, pairing_code):
        return WrongPairingCode()
    try:
        with tx.transaction():
            session_id = _take(tx, cart, shopper_id, now)
    except UniqueViolation as refusal:
        if refusal.diag.constraint_name != "one_open_session_per_shopper":
            raise
        held = _find_held_cart(tx, shopper_id)
        return HoldsAnotherCart(held) if held is not None else CartInUse()
    tx.execute(sql("set_pairing_code"), {"cart_id": cart_id, "pairing_code": new_pairing_code(), "now": now})
    return Connected(session_id, cart_id, already=False)


def disconnect_cart(tx: Tx, shopper_id: int, abandon: bool, now: datetime) -> Disconnected | NoCart | GoodsInCart:
    """Leave the cart; with unpaid goods in it only when the shopper says so."""
    cart = _lock_held_cart(tx, shopper_id)
    if cart is None or cart.record.session is None:
        return NoCart()
    items = cart.record.session.cart.total_items
    if items and not abandon:
        return GoodsInCart(items)
    close_locked_session(tx, cart, "released", now)
    return Disconnected(cart.record.cart_id)


def checkout(tx: Tx, shopper_id: int, currency: str, now: datetime) -> CheckedOut | NoCart | EmptyCart | GapOpen:
    """Turn the session into an order, at the prices of the scans, and end it; all or nothing.

    Refused while events are missing: a gap that was given up is none any more, its flag says nothing of a later one.
    """
    cart = _lock_held_cart(tx, shopper_id)
    if cart is None or cart.record.session is None:
        return NoCart()
    session = cart.record.session
    if cart.record.frontier.has_gap:
        return GapOpen()
    if not session.cart.lines:
        return EmptyCart()
    order = _write_order(tx, cart, shopper_id, currency, now)
    close_locked_session(tx, cart, "checked_out", now)
    return order


def new_pairing_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def _find_held_cart(tx: Tx, shopper_id: int) -> int | None:
    row = tx.execute(sql("find_session_of_shopper"), {"shopper_id": shopper_id}).fetchone()
    return row[1] if row else None


def _lock_held_cart(tx: Tx, shopper_id: int) -> LockedCart | None:
    """The cart that the shopper holds, locked; None when he holds none, or lost it while we waited."""
    cart_id = _find_held_cart(tx, shopper_id)
    if cart_id is None:
        return None
    cart = lock_carts(tx, [cart_id])[cart_id]
    session = cart.record.session
    return cart if session is not None and session.shopper_id == shopper_id else None


def _is_shown(tx: Tx, cart_id: int, pairing_code: str | None) -> bool:
    row = tx.execute(sql("find_pairing_code"), {"cart_id": cart_id}).fetchone()
    return row is not None and pairing_code is not None and secrets.compare_digest(row[0], pairing_code)


def _take(tx: Tx, cart: LockedCart, shopper_id: int, now: datetime) -> UUID:
    session = cart.record.session
    if session is not None:
        tx.execute(sql("take_session"), {"session_id": session.session_id, "shopper_id": shopper_id})
        tx.execute(sql("bump_version"), {"cart_id": cart.record.cart_id})
        return session.session_id
    session_id = uuid4()
    record = open_session(cart.record, session_id, shopper_id, now)
    if cart.record.has_unclaimed:
        record = _claim(tx, record)
    save_sessions(tx, [(cart, record)], now)
    save_carts(tx, [(cart, record)], now)
    return session_id


def _claim(tx: Tx, record: CartRecord) -> CartRecord:
    """Take in what the cart said since its last trip."""
    assert record.session is not None
    session = record.session
    logged = list_session_facts(tx, record.cart_id, session.session_id, session.after)
    record, decided = refold(record, [one.fact for one in logged])
    update_verdicts(
        tx,
        [
            Decision(
                record.cart_id,
                key,
                session.session_id,
                Verdict.REFUSED if reason else Verdict.APPLIED,
                reason,
            )
            for key, reason in decided.items()
        ],
    )
    return record


def _write_order(tx: Tx, cart: LockedCart, shopper_id: int, currency: str, now: datetime) -> CheckedOut:
    session = cart.record.session
    assert session is not None
    weight = check_weight(session.cart)
    number = tx.execute(sql("next_receipt_number"), {"store_id": cart.store_id}).fetchone()
    assert number is not None
    order = tx.execute(
        sql("insert_order"),
        {
            "store_id": cart.store_id,
            "shopper_id": shopper_id,
            "cart_id": cart.record.cart_id,
            "session_id": session.session_id,
            "receipt_number": number[0],
            "currency": currency,
            "total_items": session.cart.total_items,
            "subtotal_minor": session.cart.subtotal_minor,
            "total_minor": session.cart.total_minor,
            "incomplete": session.incomplete,
            "weight_verdict": weight.verdict,
            "expected_g": weight.expected_g,
            "measured_g": weight.measured_g,
            "now": now,
        },
    ).fetchone()
    assert order is not None
    tx.execute(sql("insert_order_lines"), {"order_id": order[0], "session_id": session.session_id})
    totals = session.cart
    return CheckedOut(order[0], number[0], totals.total_items, totals.subtotal_minor, totals.total_minor)


def close_locked_session(tx: Tx, cart: LockedCart, status: Ending, now: datetime) -> None:
    """End the open session of a cart whose row is locked; the cart is idle then, with a new pairing code. Staff are
    called when goods may leave with it."""
    session = cart.record.session
    assert session is not None
    call_staff_for_goods(tx, cart, status, now)
    closed = close_session(cart.record).closed
    tx.execute(
        sql("close_session"),
        {"session_id": session.session_id, "status": status, "now": now, "closed_version": cart.version + 1},
    )
    tx.execute(
        sql("close_cart"),
        {
            "cart_id": cart.record.cart_id,
            "epoch": closed[0],
            "seq": closed[1],
            "sub": closed[2],
            "now": now,
            "pairing_code": new_pairing_code(),
        },
    )
