"""Folds the whole log again and compares every session, open and closed, with the tables, to the cent.

Reads one snapshot of the database; changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import namedtuple_row

from shared.db.cart_records import fact_of, list_session_lines, spans_of
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import Verdict
from shared.domain.session_cart import Fact, Line, SessionCart, fold

CARTS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the tables say and the log does not."""

    cart_id: int
    session_id: UUID | None
    what: str
    in_tables: str
    in_log: str


@dataclass(frozen=True, slots=True)
class Conservation:
    """received = applied + refused + late + duplicates + dead letters (kept and forgotten), at a quiet moment."""

    received: int
    duplicates: int
    forgotten: int
    dead_letters: int
    applied: int
    refused: int
    late: int

    @property
    def holds(self) -> bool:
        """Whether nothing came from nowhere and nothing vanished."""
        outcomes = self.applied + self.refused + self.late + self.duplicates + self.dead_letters + self.forgotten
        return self.received == outcomes


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was folded, and what did not match."""

    events: int
    sessions: int
    orders: int
    carts: int
    differences: tuple[Difference, ...]
    conservation: Conservation

    @property
    def is_clean(self) -> bool:
        return not self.differences and self.conservation.holds


def count_log(tx: Tx) -> int:
    """How many events there are to fold."""
    row = tx.execute(sql("count_log")).fetchone()
    return int(row[0]) if row else 0


def verify_log(tx: Tx, progress: Callable[[int], None]) -> Verified:
    """Fold everything and compare; `progress` is told how many events were folded so far."""
    tx.execute(sql("read_only_snapshot"))
    differences: list[Difference] = []
    events = sessions = orders = carts = 0
    for rows in _cart_chunks(tx):
        chunk = _read_chunk(tx, rows)
        carts += len(rows)
        events += chunk.events
        sessions += len(chunk.sessions)
        orders += sum(1 for session in chunk.sessions if session.order_id is not None)
        differences += _compare_sessions(chunk)
        differences += _compare_frontiers(rows, chunk)
        progress(events)
    return Verified(events, sessions, orders, carts, tuple(differences), read_conservation(tx))


def read_conservation(tx: Tx) -> Conservation:
    """Both sides of the conservation law as they stand."""
    row = tx.execute(sql("read_conservation")).fetchone()
    assert row is not None
    return Conservation(*row)


@dataclass(frozen=True, slots=True)
class _Logged:
    fact: Fact
    verdict: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some carts with everything that the comparison needs."""

    sessions: list[Any]
    facts: dict[UUID, list[_Logged]]
    numbers: dict[tuple[int, int], int]
    lines: dict[UUID, tuple[Line, ...]]
    order_lines: dict[UUID, list[tuple[Any, ...]]]
    events: int


def _cart_chunks(tx: Tx) -> Iterator[list[Any]]:
    cursor = tx.cursor(row_factory=namedtuple_row)
    after = 0
    while True:
        rows: list[Any] = cursor.execute(
            sql("list_carts_to_replay"), {"after": after, "limit": CARTS_AT_ONCE}
        ).fetchall()
        if not rows:
            return
        after = rows[-1].cart_id
        yield rows


def _read_chunk(tx: Tx, rows: list[Any]) -> _Chunk:
    ids = {"cart_ids": [row.cart_id for row in rows]}
    cursor = tx.cursor(row_factory=namedtuple_row)
    sessions: list[Any] = cursor.execute(sql("list_sessions_of_carts"), ids).fetchall()
    order_lines: dict[UUID, list[tuple[Any, ...]]] = {}
    for session_id, *fields in tx.execute(sql("list_order_lines_of_carts"), ids).fetchall():
        order_lines.setdefault(session_id, []).append(tuple(fields))
    facts: dict[UUID, list[_Logged]] = {}
    numbers: dict[tuple[int, int], int] = {}
    events = 0
    log: Iterator[Any] = iter(cursor.execute(sql("list_log_of_carts"), ids))
    for row in log:
        events += 1
        if row.sub == 0:
            numbers[row.cart_id, row.epoch] = numbers.get((row.cart_id, row.epoch), 0) + 1
        if row.session_id is not None and row.verdict in (Verdict.APPLIED, Verdict.REFUSED):
            facts.setdefault(row.session_id, []).append(_Logged(fact_of(row), row.verdict, row.reason))
    lines = list_session_lines(tx, [session.session_id for session in sessions])
    return _Chunk(sessions, facts, numbers, lines, order_lines, events)


def _compare_sessions(chunk: _Chunk) -> Iterator[Difference]:
    for session in chunk.sessions:
        logged = chunk.facts.get(session.session_id, [])
        cart, decisions = fold(one.fact for one in logged)
        checks: list[tuple[str, object, object]] = [
            ("lines", chunk.lines.get(session.session_id, ()), cart.lines),
            ("totals", _totals(session), _folded_totals(cart)),
            ("next line", session.next_line, cart.next_line),
            ("measured_g", session.measured_g, cart.measured_g),
            ("decisions", [one.reason for one in logged], [decisions[one.fact.key] for one in logged]),
        ]
        if session.order_id is not None:
            charged = [
                (line.number, line.product_id, line.code, line.quantity, line.unit_price_minor, line.unit_paid_minor)
                for line in cart.lines
            ]
            ordered = [session.order_items, session.order_subtotal_minor, session.order_total_minor]
            checks.append(("order lines", chunk.order_lines.get(session.session_id, []), charged))
            checks.append(("order totals", ordered, _folded_totals(cart)))
        elif session.status == "checked_out":
            checks.append(("order", "none", "one"))
        for what, in_tables, in_log in checks:
            if in_tables != in_log:
                yield Difference(session.cart_id, session.session_id, what, repr(in_tables), repr(in_log))


def _compare_frontiers(rows: list[Any], chunk: _Chunk) -> Iterator[Difference]:
    """A frontier counts exactly the numbers that the log holds in its epoch."""
    for row in rows:
        ahead, skipped = spans_of(row.ahead), spans_of(row.skipped)
        promised = row.ack_seq + sum(high - low + 1 for low, high in ahead)
        promised -= sum(high - low + 1 for low, high in skipped)
        held = chunk.numbers.get((row.cart_id, row.ack_epoch), 0)
        if held != promised:
            what = f"numbers of epoch {row.ack_epoch}"
            yield Difference(row.cart_id, None, what, str(promised), str(held))


def _totals(session: Any) -> list[int]:
    return [session.total_items, session.subtotal_minor, session.total_minor]


def _folded_totals(cart: SessionCart) -> list[int]:
    return [cart.total_items, cart.subtotal_minor, cart.total_minor]
