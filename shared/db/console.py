"""What the store's screen shows: carts, alerts, a cart's log, and how ingest is doing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row

from shared.db.alerts import AlertKind
from shared.db.queries import sql
from shared.db.stores import Store
from shared.db.types import Tx

OPEN_ALERTS_MAX = 500
LAG_WINDOW = timedelta(seconds=30)

Verdict = Literal["applied", "refused", "late", "quarantined"]


@dataclass(frozen=True, slots=True)
class LiveCart:
    """One cart. `opened_at` and what follows is its open session's; `has_phone`: a shopper holds it."""

    cart_id: int
    online: bool
    last_seen_at: datetime | None
    x: float | None
    y: float | None
    floor: int | None
    located_at: datetime | None
    battery_pct: int | None
    rssi_dbm: int | None
    journal_length: int | None
    firmware: str | None
    gap_since: datetime | None
    opened_at: datetime | None
    total_items: int | None
    total_minor: int | None
    incomplete: bool | None
    has_phone: bool


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What waits for staff."""

    alert_id: int
    cart_id: int | None
    kind: AlertKind
    detail: str
    times: int
    raised_at: datetime
    last_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertTaken:
    """It is the caller's now. `is_new`: it was not before."""

    cart_id: int | None
    kind: AlertKind
    is_new: bool


@dataclass(frozen=True, slots=True)
class AlertHeld:
    """Somebody else has claimed it."""

    by: str


@dataclass(frozen=True, slots=True)
class AlertResolved:
    """It is settled, by the caller now or by `by` before."""

    by: str
    cart_id: int | None = None
    kind: AlertKind | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class NoSuchAlert:
    pass


@dataclass(frozen=True, slots=True)
class EventKey:
    """Where a page of a cart's log ended."""

    epoch: int
    seq: int
    sub: int


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """One event of a cart's log. `sub` counts what was done on the phone after event `seq`."""

    epoch: int
    seq: int
    sub: int
    source: Literal["cart", "http", "phone"]
    type: str
    verdict: Verdict
    reason: str | None
    code: str | None
    quantity: int | None
    weight_g: int | None
    total_g: int | None
    device_at: datetime | None
    ts_suspect: bool
    received_at: datetime
    session_id: UUID | None
    product_name: str | None


@dataclass(frozen=True, slots=True)
class IngestCounters:
    """`received` and `duplicates` only grow; `gaps` and `unpublished` are carts at this moment."""

    received: int
    duplicates: int
    gaps: int
    unpublished: int


def list_stores(tx: Tx) -> list[Store]:
    """Every store, the first one first."""
    return tx.cursor(row_factory=class_row(Store)).execute(sql("list_stores")).fetchall()


def list_live_carts(tx: Tx, store_id: int) -> list[LiveCart]:
    """Every cart of a store that is not revoked."""
    cursor = tx.cursor(row_factory=class_row(LiveCart))
    return cursor.execute(sql("list_live_carts"), {"store_id": store_id}).fetchall()


def list_open_alerts(tx: Tx, store_id: int) -> list[OpenAlert]:
    """The oldest first, at most OPEN_ALERTS_MAX."""
    cursor = tx.cursor(row_factory=class_row(OpenAlert))
    return cursor.execute(sql("list_open_alerts"), {"store_id": store_id, "limit": OPEN_ALERTS_MAX}).fetchall()


def claim_alert(tx: Tx, alert_id: int, by: str, now: datetime) -> AlertTaken | AlertHeld | AlertResolved | NoSuchAlert:
    """One conditional statement: of two who claim at once, one gets it."""
    row = tx.execute(sql("claim_alert"), {"alert_id": alert_id, "by": by, "now": now}).fetchone()
    return AlertTaken(*row) if row else _why_not(tx, alert_id)


def resolve_alert(tx: Tx, alert_id: int, by: str, now: datetime) -> AlertResolved | AlertHeld | NoSuchAlert:
    """Settle it; settled before, it stays as it was."""
    row = tx.execute(sql("resolve_alert"), {"alert_id": alert_id, "by": by, "now": now}).fetchone()
    return AlertResolved(by, row[0], row[1], is_new=True) if row else _why_not(tx, alert_id)


def _why_not(tx: Tx, alert_id: int) -> AlertHeld | AlertResolved | NoSuchAlert:
    row = tx.execute(sql("find_alert_holder"), {"alert_id": alert_id}).fetchone()
    if row is None:
        return NoSuchAlert()
    claimed_by, resolved_by = row
    return AlertHeld(claimed_by) if resolved_by is None else AlertResolved(resolved_by)


def cart_exists(tx: Tx, cart_id: int) -> bool:
    """Whether there is such a cart, revoked or not."""
    return tx.execute(sql("cart_exists"), {"cart_id": cart_id}).fetchone() is not None


def list_events_of_cart(
    tx: Tx, cart_id: int, *, search: str | None, verdict: Verdict | None, after: EventKey | None, limit: int
) -> list[ListedEvent]:
    """A page of the log, the newest first. `search`: part of a product's name, code, type or reason."""
    escaped = search and search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    cursor = tx.cursor(row_factory=class_row(ListedEvent))
    return cursor.execute(
        sql("list_events_of_cart"),
        {
            "cart_id": cart_id,
            "epoch": after and after.epoch,
            "seq": after and after.seq,
            "sub": after and after.sub,
            "verdict": verdict,
            "pattern": f"%{escaped}%" if escaped else None,
            "limit": limit,
        },
    ).fetchall()


def read_ingest_counters(tx: Tx) -> IngestCounters:
    """As of now."""
    row = tx.execute(sql("read_ingest_counters")).fetchone()
    assert row is not None, "an aggregate gives one row"
    return IngestCounters(*row)


def read_event_lag_s(tx: Tx, now: datetime) -> float | None:
    """Median time from a cart to us in the last LAG_WINDOW, by the carts' clocks; None without events."""
    row = tx.execute(sql("read_event_lag"), {"since": now - LAG_WINDOW}).fetchone()
    return None if row is None or row[0] is None else float(row[0])
