"""Loads cart records under lock and writes their changes back; the rules are in `shared.domain.cart_record`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import namedtuple_row

from shared.db.array_text import number_array, text_array
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import CartRecord, OpenSession
from shared.domain.frontier import Frontier, Span
from shared.domain.session_cart import Fact, Key, Line, PricedProduct, Refusal, SessionCart


class LockedCart(NamedTuple):
    """A cart whose row this transaction holds."""

    record: CartRecord
    store_id: int
    store: str
    is_revoked: bool
    gap_since: datetime | None
    version: int


def lock_carts(tx: Tx, cart_ids: Collection[int]) -> dict[int, LockedCart]:
    """Lock these carts in id order and load what they know; unknown ids are absent from the answer."""
    ids = sorted(cart_ids)
    cursor = tx.cursor(row_factory=namedtuple_row)
    rows: list[Any] = cursor.execute(sql("lock_carts"), {"cart_ids": ids}).fetchall()
    open_rows: list[Any] = cursor.execute(sql("list_open_sessions"), {"cart_ids": ids}).fetchall()
    sessions = {row.cart_id: row for row in open_rows}
    lines = list_session_lines(tx, [row.session_id for row in sessions.values()])
    return {
        row.cart_id: LockedCart(
            CartRecord(
                cart_id=row.cart_id,
                frontier=Frontier(row.ack_epoch, row.ack_seq, spans_of(row.ahead), spans_of(row.skipped)),
                head_sub=row.head_sub,
                closed=(row.closed_epoch, row.closed_seq, row.closed_sub),
                has_unclaimed=row.has_unclaimed,
                session=_open_session(sessions[row.cart_id], lines) if row.cart_id in sessions else None,
                restored=row.restored,
            ),
            row.store_id,
            row.store,
            row.is_revoked,
            row.gap_since,
            row.version,
        )
        for row in rows
    }


def _open_session(row: Any, lines: Mapping[UUID, tuple[Line, ...]]) -> OpenSession:
    return OpenSession(
        session_id=row.session_id,
        after=(row.after_epoch, row.after_seq, row.after_sub),
        shopper_id=row.shopper_id,
        opened_at=row.opened_at,
        incomplete=row.incomplete,
        cart=SessionCart(lines.get(row.session_id, ()), row.next_line, row.measured_g),
    )


def list_session_lines(tx: Tx, session_ids: Collection[UUID]) -> dict[UUID, tuple[Line, ...]]:
    """The lines of these sessions, each session's in the order of their numbers."""
    if not session_ids:
        return {}
    grouped: dict[UUID, list[Line]] = {}
    for session_id, *fields in tx.execute(sql("list_session_lines"), {"session_ids": list(session_ids)}).fetchall():
        grouped.setdefault(session_id, []).append(Line(*fields))
    return {session_id: tuple(found) for session_id, found in grouped.items()}


@dataclass(frozen=True, slots=True)
class LoggedFact:
    """A fact with what the log last decided about it."""

    fact: Fact
    session_id: UUID | None
    verdict: str
    reason: str | None


def list_session_facts(tx: Tx, cart_id: int, session_id: UUID, after: Key) -> list[LoggedFact]:
    """The facts of an open session from the log, with those it takes in because nobody had claimed them."""
    cursor = tx.cursor(row_factory=namedtuple_row)
    rows: Iterable[Any] = cursor.execute(
        sql("list_session_facts"),
        {
            "cart_id": cart_id,
            "session_id": session_id,
            "after_epoch": after[0],
            "after_seq": after[1],
            "after_sub": after[2],
        },
    )
    return [LoggedFact(fact_of(row), row.session_id, row.verdict, row.reason) for row in rows]


# Refusals that were decided when the fact arrived and hold for ever; the others depend on what came before.
_FINAL = {
    one.value
    for one in (Refusal.UNKNOWN_CODE, Refusal.WRONG_CHECK_DIGIT, Refusal.UNREADABLE_CODE, Refusal.AMBIGUOUS_CODE)
}


def fact_of(row: Any) -> Fact:
    """A row of the log as the fact it holds."""
    product = None
    if row.product_id is not None:
        product = PricedProduct(row.product_id, row.unit_price_minor, row.unit_paid_minor, row.unit_weight_g)
    return Fact(
        key=(row.epoch, row.seq, row.sub),
        type=row.type,
        code=row.code,
        quantity=row.quantity or 1,
        product=product,
        total_g=row.total_g,
        refusal=Refusal(row.reason) if row.reason in _FINAL else None,
    )


def save_sessions(tx: Tx, changes: Sequence[tuple[LockedCart, CartRecord]], now: datetime) -> None:
    """Write what changed in open sessions: new sessions, totals, lines that are new, changed or gone."""
    opened: list[tuple[LockedCart, OpenSession]] = []
    touched: list[OpenSession] = []
    changed: list[tuple[UUID, Line]] = []
    gone: list[tuple[UUID, int]] = []
    for cart, record in changes:
        before, after = cart.record.session, record.session
        if after is None or after is before:
            continue
        old: dict[int, Line] = {}
        if before is None or before.session_id != after.session_id:
            opened.append((cart, after))
        else:
            touched.append(after)
            old = {line.number: line for line in before.cart.lines}
        changed += [(after.session_id, line) for line in after.cart.lines if old.pop(line.number, None) != line]
        gone += [(after.session_id, number) for number in old]
    if opened:
        _insert_sessions(tx, opened, now)
    if touched:
        tx.execute(sql("update_sessions"), {"now": now, **_session_columns(touched)})
    if gone:
        session_ids, numbers = zip(*gone, strict=True)
        tx.execute(sql("delete_lines"), {"session_ids": text_array(session_ids), "lines": number_array(numbers)})
    if changed:
        _upsert_lines(tx, changed)


def _insert_sessions(tx: Tx, opened: Sequence[tuple[LockedCart, OpenSession]], now: datetime) -> None:
    sessions = [session for _, session in opened]
    tx.execute(
        sql("insert_sessions"),
        {
            "now": now,
            "cart_ids": number_array([cart.record.cart_id for cart, _ in opened]),
            "store_ids": number_array([cart.store_id for cart, _ in opened]),
            "shopper_ids": number_array([session.shopper_id for session in sessions]),
            "after_epochs": number_array([session.after[0] for session in sessions]),
            "after_seqs": number_array([session.after[1] for session in sessions]),
            "after_subs": number_array([session.after[2] for session in sessions]),
            **_session_columns(sessions),
        },
    )


def _session_columns(sessions: Sequence[OpenSession]) -> dict[str, str]:
    return {
        "session_ids": text_array(session.session_id.hex for session in sessions),
        "next_lines": number_array([session.cart.next_line for session in sessions]),
        "total_items": number_array([session.cart.total_items for session in sessions]),
        "subtotals": number_array([session.cart.subtotal_minor for session in sessions]),
        "totals": number_array([session.cart.total_minor for session in sessions]),
        "measured": number_array([session.cart.measured_g for session in sessions]),
        "incompletes": number_array([session.incomplete for session in sessions]),
    }


def _upsert_lines(tx: Tx, changed: Sequence[tuple[UUID, Line]]) -> None:
    session_ids, lines = zip(*changed, strict=True)
    numbers, product_ids, codes, quantities, unit_prices, unit_paids, unit_weights = zip(*lines, strict=True)
    tx.execute(
        sql("upsert_lines"),
        {
            "session_ids": text_array(session_id.hex for session_id in session_ids),
            "lines": number_array(numbers),
            "product_ids": number_array(product_ids),
            "codes": text_array(codes),
            "quantities": number_array(quantities),
            "unit_prices": number_array(unit_prices),
            "unit_paids": number_array(unit_paids),
            "unit_weights": number_array(unit_weights),
        },
    )


def save_carts(tx: Tx, changes: Sequence[tuple[LockedCart, CartRecord]], now: datetime) -> list[LockedCart]:
    """Write the frontiers of carts that learned something, each one version on; gives them as they are then."""
    if not changes:
        return []
    saved = [
        LockedCart(
            record, cart.store_id, cart.store, cart.is_revoked, _gap_since(cart, record.frontier, now), cart.version + 1
        )
        for cart, record in changes
    ]
    records = [cart.record for cart in saved]
    tx.execute(
        sql("update_carts"),
        {
            "cart_ids": number_array([record.cart_id for record in records]),
            "ack_epochs": number_array([record.frontier.epoch for record in records]),
            "ack_seqs": number_array([record.frontier.seq for record in records]),
            "aheads": text_array(_multirange(record.frontier.ahead) for record in records),
            "skippeds": text_array(_multirange(record.frontier.skipped) for record in records),
            "gap_sinces": text_array(cart.gap_since for cart in saved),
            "head_subs": number_array([record.head_sub for record in records]),
            "unclaimeds": number_array([record.has_unclaimed for record in records]),
        },
    )
    return saved


def mark_incomplete(record: CartRecord) -> CartRecord:
    """Flag the open session, if there is one: events of it are missing for good."""
    if record.session is None:
        return record
    return replace(record, session=replace(record.session, incomplete=True))


def _gap_since(cart: LockedCart, frontier: Frontier, now: datetime) -> datetime | None:
    """When the gap that is open now began; a gap that moved is a new one."""
    if not frontier.has_gap:
        return None
    before = cart.record.frontier
    same = before.has_gap and before.first_missing == frontier.first_missing
    return cart.gap_since if same else now


def spans_of(text: str) -> tuple[Span, ...]:
    """`{[5,8),[10,11)}` -> ((5, 7), (10, 10)): PostgreSQL prints discrete ranges with an exclusive end."""
    if text == "{}":
        return ()
    pairs = (span.split(",") for span in text[2:-2].split("),["))
    return tuple((int(low), int(high) - 1) for low, high in pairs)


def _multirange(spans: tuple[Span, ...]) -> str:
    if not spans:
        return "{}"
    return "{" + ",".join(f"[{low},{high}]" for low, high in spans) + "}"
