"""Where carts are and how they feel: the latest wins, and losing one of these loses nothing that matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry
from shared.db.queries import sql
from shared.db.types import Tx


@dataclass(frozen=True, slots=True)
class Heard:
    """Where and when a telemetry or status message was heard."""

    cart_id: int
    store: str
    received_at: datetime


def save_telemetry(tx: Tx, heard: Sequence[tuple[Heard, CartTelemetry]]) -> None:
    """Write the latest of each cart; at most one entry a cart. Carts that we do not know change nothing."""
    if not heard:
        return
    ordered = sorted(heard, key=lambda pair: pair[0].cart_id)
    places = [message.location for _, message in ordered]
    feelings = [message.health for _, message in ordered]
    tx.execute(
        sql("save_telemetry"),
        {
            "cart_ids": [one.cart_id for one, _ in ordered],
            "stores": [one.store for one, _ in ordered],
            "received_ats": [one.received_at for one, _ in ordered],
            "xs": [place and place.x for place in places],
            "ys": [place and place.y for place in places],
            "floors": [place and place.floor for place in places],
            "batteries": [health and health.battery_pct for health in feelings],
            "rssis": [health and health.rssi_dbm for health in feelings],
            "journals": [health and health.journal_length for health in feelings],
        },
    )


def save_statuses(tx: Tx, heard: Sequence[tuple[Heard, CartStatus]]) -> None:
    """Write births and wills; of several of one cart the last counts."""
    latest = {one.cart_id: (one, status) for one, status in heard}
    if not latest:
        return
    ordered = [latest[cart_id] for cart_id in sorted(latest)]
    tx.execute(
        sql("save_statuses"),
        {
            "cart_ids": [one.cart_id for one, _ in ordered],
            "stores": [one.store for one, _ in ordered],
            "received_ats": [one.received_at for one, _ in ordered],
            "onlines": [status.online for _, status in ordered],
            "epochs": [status.epoch for _, status in ordered],
            "firmwares": [status.firmware for _, status in ordered],
        },
    )
