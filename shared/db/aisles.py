"""What an operator closes for a while: the plan stays, an overlay is laid on it, in force with the next request."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from shared.db.queries import sql
from shared.db.types import Tx


@dataclass(frozen=True, slots=True)
class ClosedRect:
    """A rectangle of floor, metres, x1 < x2 and y1 < y2."""

    floor: int
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class ClosedConnector:
    """A lift, travelator or ramp by its index in the layout."""

    connector: int


@dataclass(frozen=True, slots=True)
class ListedBlock:
    """One closure that is in force."""

    block_id: int
    floor: int | None
    x1: float | None
    y1: float | None
    x2: float | None
    y2: float | None
    connector: int | None
    note: str | None
    blocked_by: str
    blocked_at: datetime


def block_aisle(tx: Tx, store_id: int, closed: ClosedRect | ClosedConnector, note: str | None, by: str) -> int:
    """Close it; gives the number that opens it again."""
    place: dict[str, float | None] = {"floor": None, "x1": None, "y1": None, "x2": None, "y2": None, "connector": None}
    if isinstance(closed, ClosedRect):
        place |= {"floor": closed.floor, "x1": closed.x1, "y1": closed.y1, "x2": closed.x2, "y2": closed.y2}
    else:
        place |= {"connector": closed.connector}
    row = tx.execute(sql("insert_block"), {"store_id": store_id, "note": note, "by": by, **place}).fetchone()
    assert row is not None
    return int(row[0])


def unblock_aisle(tx: Tx, store_id: int, block_id: int, by: str, now: datetime) -> bool:
    """Open it again; False when there is no such closure in force."""
    parameters = {"store_id": store_id, "block_id": block_id, "by": by, "now": now}
    return tx.execute(sql("end_block"), parameters).rowcount == 1


def list_blocks(tx: Tx, store_id: int) -> list[ListedBlock]:
    """What is closed at the moment."""
    cursor = tx.cursor(row_factory=class_row(ListedBlock))
    return cursor.execute(sql("list_blocks"), {"store_id": store_id}).fetchall()
