"""Goods that leave: a trip that ends with unpaid goods, or in a cart heavier than its lines, calls staff."""

from datetime import datetime
from typing import Literal

from shared.db.alerts import Alert, raise_alerts
from shared.db.cart_records import LockedCart
from shared.db.types import Tx
from shared.domain.weight_check import check_weight

Ending = Literal["checked_out", "released", "abandoned"]


def call_staff_for_goods(tx: Tx, cart: LockedCart, ending: Ending, now: datetime) -> None:
    """Raise what the end of this cart's open trip gives reason for; one alert a cart and kind stays open."""
    session = cart.record.session
    assert session is not None
    alerts: list[Alert] = []

    def call(kind: Literal["abandoned", "too_heavy"], detail: str) -> None:
        alerts.append(Alert(kind, cart.store_id, cart.record.cart_id, session.session_id, detail))

    if session.cart.lines and ending != "checked_out":
        call("abandoned", f"{session.cart.total_items} pieces left in the cart")
    weight = check_weight(session.cart)
    if weight.verdict == "too_heavy":
        call("too_heavy", f"weighs {weight.measured_g} g, its lines {weight.expected_g} g (±{weight.tolerance_g} g)")
    raise_alerts(tx, alerts, now)
