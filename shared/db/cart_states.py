"""A cart as it is now, read fresh: for the MQTT state and for the phone's snapshot alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import namedtuple_row

from shared.db.cart_records import LockedCart
from shared.db.priced_products import ProductName
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.notices import NOTICES_SHOWN, notice_text
from shared.domain.session_cart import Line, SessionCart
from shared.domain.weight_check import WeightVerdict, check_weight


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line with what a display shows of its product."""

    line: Line
    name: str
    gtin: str | None


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """An event without effect, and why."""

    epoch: int
    seq: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class CartSnapshot:
    """One cart at one version. `session_id` None: idle. `is_closed`: the farewell of a trip that has ended.
    `owes_farewell`: somebody's trip ended since the last published version."""

    cart_id: int
    store: str
    version: int
    published_version: int
    ack_epoch: int
    ack_seq: int
    pairing_code: str
    session_id: UUID | None
    shopper_id: int | None
    incomplete: bool
    is_closed: bool
    cart: SessionCart
    lines: tuple[NamedLine, ...]
    notices: tuple[NoticeLine, ...]
    owes_farewell: bool = False

    @property
    def weight(self) -> WeightVerdict:
        return check_weight(self.cart)


def list_unpublished_carts(tx: Tx, after: int, limit: int) -> list[tuple[int, int]]:
    """Carts beyond id `after` whose newest version the broker has not confirmed, each with it, in id order."""
    return tx.execute(sql("list_unpublished_carts"), {"after": after, "limit": limit}).fetchall()


def read_cart_snapshots(tx: Tx, cart_ids: Collection[int]) -> list[CartSnapshot]:
    """These carts as they are now, in id order, all of one moment."""
    cursor = tx.cursor(row_factory=namedtuple_row)
    rows: list[Any] = cursor.execute(
        sql("read_cart_snapshots"), {"cart_ids": sorted(cart_ids), "notices": NOTICES_SHOWN}
    ).fetchall()
    return [_snapshot(row) for row in rows]


def snapshot_after(before: CartSnapshot, cart: LockedCart, names: Mapping[int, ProductName]) -> CartSnapshot:
    """What reading `cart` would give, `before` being the same trip, from which it came by steps alone
    (`cart_log.Step`). A line keeps the name that was shown; `names` has those of lines that are new."""
    record, session = cart.record, cart.record.session
    assert session is not None, "steps stay on one trip"
    shown = {one.line.number: one for one in before.lines}
    lines = tuple([_named(line, shown.get(line.number), names) for line in session.cart.lines])
    return CartSnapshot(
        cart_id=before.cart_id,
        store=before.store,
        version=cart.version,
        published_version=before.published_version,
        ack_epoch=record.frontier.epoch,
        ack_seq=record.frontier.seq,
        pairing_code=before.pairing_code,
        session_id=before.session_id,
        shopper_id=before.shopper_id,
        incomplete=session.incomplete,
        is_closed=False,
        cart=session.cart,
        lines=lines,
        notices=before.notices,
    )


def _named(line: Line, shown: NamedLine | None, names: Mapping[int, ProductName]) -> NamedLine:
    if shown is None or shown.line.product_id != line.product_id:
        return NamedLine(line, *names[line.product_id])
    return shown if shown.line == line else NamedLine(line, shown.name, shown.gtin)


def read_farewells(tx: Tx, snapshots: Sequence[CartSnapshot]) -> list[CartSnapshot]:
    """For sessions that closed since the last published version: the state that tells their shoppers. Wants the
    moment of the snapshots: REPEATABLE READ."""
    by_cart = {snapshot.cart_id: snapshot for snapshot in snapshots}
    cursor = tx.cursor(row_factory=namedtuple_row)
    rows: list[Any] = cursor.execute(sql("list_farewells"), {"cart_ids": sorted(by_cart)}).fetchall()
    lines = _lines_by_session(tx, [row.session_id for row in rows])
    return [_farewell(by_cart[row.cart_id], row, lines.get(row.session_id, ())) for row in rows]


def find_snapshot_of_shopper(tx: Tx, shopper_id: int) -> CartSnapshot | None:
    """The cart that a shopper holds, as it is now."""
    row = tx.execute(sql("find_cart_of_shopper"), {"shopper_id": shopper_id}).fetchone()
    if row is None:
        return None
    for snapshot in read_cart_snapshots(tx, [row[0]]):
        if snapshot.shopper_id == shopper_id:
            return snapshot
    return None


def mark_published(tx: Tx, versions: Collection[tuple[int, int]]) -> None:
    """The broker has confirmed these (cart, version). Forgetting it costs one more publication of each, so this waits
    neither for the disk nor for a cart that is being changed, which it leaves out."""
    ordered = sorted(versions)
    tx.execute(
        sql("mark_published"),
        {"cart_ids": [cart_id for cart_id, _ in ordered], "versions": [version for _, version in ordered]},
    )


def publish_everything_again(tx: Tx) -> int:
    """The broker has lost its memory; gives how many states have to be said again."""
    return tx.execute(sql("publish_everything_again")).rowcount


def publish_some_again(tx: Tx, after: int, limit: int) -> int | None:
    """The states of the next carts beyond id `after` have to be said again; gives the last of them, None at the end."""
    cart_ids = [cart_id for (cart_id,) in tx.execute(sql("publish_some_again"), {"after": after, "limit": limit})]
    return max(cart_ids) if len(cart_ids) == limit else None


def _snapshot(row: Any) -> CartSnapshot:
    named = tuple(NamedLine(Line(*fields), name, gtin) for *fields, name, gtin in row.lines or ())
    return CartSnapshot(
        cart_id=row.cart_id,
        store=row.store,
        version=row.version,
        published_version=row.published_version,
        ack_epoch=row.ack_epoch,
        ack_seq=row.ack_seq,
        pairing_code=row.pairing_code,
        session_id=row.session_id,
        shopper_id=row.shopper_id,
        incomplete=bool(row.incomplete),
        is_closed=False,
        cart=SessionCart(tuple(one.line for one in named), row.next_line or 1, row.measured_g),
        lines=named,
        notices=tuple(
            NoticeLine(epoch, seq, reason, notice_text(reason, code)) for epoch, seq, reason, code in row.notices or ()
        ),
        owes_farewell=row.owes_farewell,
    )


def _farewell(now: CartSnapshot, row: Any, lines: tuple[NamedLine, ...]) -> CartSnapshot:
    return CartSnapshot(
        cart_id=now.cart_id,
        store=now.store,
        version=now.version,
        published_version=now.published_version,
        ack_epoch=now.ack_epoch,
        ack_seq=now.ack_seq,
        pairing_code=now.pairing_code,
        session_id=row.session_id,
        shopper_id=row.shopper_id,
        incomplete=False,
        is_closed=True,
        cart=SessionCart(tuple(one.line for one in lines), row.next_line, row.measured_g),
        lines=lines,
        notices=(),
    )


def _lines_by_session(tx: Tx, session_ids: Collection[UUID]) -> dict[UUID, tuple[NamedLine, ...]]:
    if not session_ids:
        return {}
    grouped: dict[UUID, list[NamedLine]] = {}
    rows = tx.execute(sql("list_state_lines"), {"session_ids": list(session_ids)}).fetchall()
    for session_id, *fields, name, gtin in rows:
        grouped.setdefault(session_id, []).append(NamedLine(Line(*fields), name, gtin))
    return {session_id: tuple(found) for session_id, found in grouped.items()}
