"""What the broker refused to carts: written by the embedded broker, read by the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from shared.db.queries import sql
from shared.db.types import Tx

KEPT_PER_CART = 20

Act = Literal["connect", "publish", "retain", "subscribe", "packet"]


@dataclass(frozen=True, slots=True)
class RefusedThing:
    """Something refused `times` times. `topic` is a topic or filter, `detail` what else helps; both may be empty."""

    cart_id: int
    act: Act
    reason: str
    topic: str
    detail: str
    times: int


@dataclass(frozen=True, slots=True)
class ListedRefusal:
    """One row of a cart."""

    act: Act
    reason: str
    topic: str
    detail: str
    times: int
    first_at: datetime
    last_at: datetime


def record_broker_refusals(tx: Tx, refused: Sequence[RefusedThing], now: datetime) -> None:
    """Add these, each (cart, act, reason, topic) once in them; of a cart the newest KEPT_PER_CART stay."""
    columns = {
        "cart_ids": [one.cart_id for one in refused],
        "acts": [one.act for one in refused],
        "reasons": [one.reason for one in refused],
        "topics": [one.topic for one in refused],
        "details": [one.detail for one in refused],
        "times": [one.times for one in refused],
    }
    tx.execute(sql("record_broker_refusals"), {**columns, "now": now})
    tx.execute(sql("trim_broker_refusals"), {"cart_ids": columns["cart_ids"], "keep": KEPT_PER_CART, "now": now})


def list_broker_refusals(tx: Tx, cart_id: int) -> list[ListedRefusal]:
    """What the broker refused a cart, the newest first."""
    cursor = tx.cursor(row_factory=class_row(ListedRefusal))
    return cursor.execute(sql("list_broker_refusals"), {"cart_id": cart_id}).fetchall()
