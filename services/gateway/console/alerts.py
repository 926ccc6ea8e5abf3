"""Calls for staff are claimed and resolved; who did it and when stays."""

from typing import assert_never

from fastapi import APIRouter

from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Message, PathId
from services.gateway.wiring import Here
from shared.db.console import AlertHeld, AlertResolved, AlertTaken, NoSuchAlert, claim_alert, resolve_alert
from shared.db.operators import record_action

router = APIRouter(prefix="/alerts")

_REFUSALS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.NOT_FROM_CONSOLE, Refusal.UNKNOWN_ALERT)


@router.post(
    "/{alert_id}/claim",
    summary="Take an alert",
    responses=refusals(*_REFUSALS, Refusal.ALERT_CLAIMED, Refusal.ALERT_RESOLVED),
)
def claim(here: Here, staff: Staff, alert_id: PathId) -> Message:
    """Says to the colleagues that somebody is on the way. Once more by the same operator changes nothing."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        outcome = claim_alert(connection, alert_id, staff.name, now)
        if isinstance(outcome, AlertTaken) and outcome.is_new:
            record_action(
                connection,
                staff.operator_id,
                "claimed_alert",
                now,
                subject_id=alert_id,
                cart_id=outcome.cart_id,
                detail=outcome.kind,
            )
    match outcome:
        case AlertTaken():
            return Message(message="This alert is yours.")
        case AlertHeld(by=by):
            raise Refused(Refusal.ALERT_CLAIMED, f"{by} has taken this alert.")
        case AlertResolved(by=by):
            raise Refused(Refusal.ALERT_RESOLVED, f"{by} has resolved this alert.")
        case NoSuchAlert():
            raise Refused(Refusal.UNKNOWN_ALERT)
        case _ as never:
            assert_never(never)


@router.post("/{alert_id}/resolve", summary="Settle an alert", responses=refusals(*_REFUSALS))
def resolve(here: Here, staff: Staff, alert_id: PathId) -> Message:
    """Whoever claimed it. Once more changes nothing."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        outcome = resolve_alert(connection, alert_id, staff.name, now)
        if isinstance(outcome, AlertResolved) and outcome.is_new:
            record_action(
                connection,
                staff.operator_id,
                "resolved_alert",
                now,
                subject_id=alert_id,
                cart_id=outcome.cart_id,
                detail=outcome.kind or "",
            )
    match outcome:
        case AlertResolved(by=by):
            return Message(message=f"Resolved by {by}.")
        case NoSuchAlert() | AlertHeld():
            raise Refused(Refusal.UNKNOWN_ALERT)
        case _ as never:
            assert_never(never)
