"""Calls for staff. One open alert per cart and kind; more of the same are counted on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.db.queries import sql
from shared.db.types import Tx

AlertKind = Literal["help", "gap", "late", "conflict", "abandoned", "too_heavy"]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should look at."""

    kind: AlertKind
    store_id: int
    cart_id: int
    session_id: UUID | None
    detail: str


def raise_alerts(tx: Tx, alerts: Sequence[Alert], now: datetime) -> None:
    """Raise these, or count them on the alert of the same cart and kind that is still open."""
    if not alerts:
        return
    last: dict[tuple[int, str], Alert] = {}
    times: dict[tuple[int, str], int] = {}
    for alert in alerts:
        last[alert.cart_id, alert.kind] = alert
        times[alert.cart_id, alert.kind] = times.get((alert.cart_id, alert.kind), 0) + 1
    kept = list(last.values())
    tx.execute(
        sql("raise_alerts"),
        {
            "now": now,
            "store_ids": [alert.store_id for alert in kept],
            "cart_ids": [alert.cart_id for alert in kept],
            "session_ids": [alert.session_id for alert in kept],
            "kinds": [alert.kind for alert in kept],
            "details": [alert.detail for alert in kept],
            "times": [times[alert.cart_id, alert.kind] for alert in kept],
        },
    )
