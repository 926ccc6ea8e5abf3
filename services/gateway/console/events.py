"""A cart's log as staff reads it: searched, and paged by the key of its last row."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import NO_CONTROLS, Answer, Limit, Moment, PathId
from services.gateway.wiring import Here
from shared.db.console import EventKey, ListedEvent, Verdict, cart_exists, list_events_of_cart

router = APIRouter(prefix="/carts")

_KEY = r"^[0-9]{1,18}-[0-9]{1,18}-[0-9]{1,9}$"


class EventBody(Answer):
    """One fact of the log and what became of it."""

    key: str = Field(description="epoch, seq, sub; pages on as `after`")
    source: Literal["cart", "http", "phone"]
    type: str
    verdict: Verdict
    reason: str | None
    product_name: str | None
    code: str | None
    quantity: int | None
    weight_g: int | None = Field(description="the load cell's step with this scan")
    total_g: int | None = Field(description="the scale's reading")
    device_at: Moment | None = Field(description="by the cart's clock")
    ts_suspect: bool
    received_at: Moment
    session_id: str | None


class EventPage(Answer):
    """The newest first; `next` is null on the last page."""

    events: list[EventBody]
    next: str | None


@router.get(
    "/{cart_id}/events",
    summary="A cart's event log",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.CART_UNKNOWN),
)
def events(
    here: Here,
    _: Staff,
    cart_id: PathId,
    search: Annotated[
        str | None,
        Query(min_length=1, max_length=60, pattern=NO_CONTROLS, description="in name, code, type or reason"),
    ] = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    after: Annotated[str | None, Query(pattern=_KEY, description="`next` of the page before")] = None,
    limit: Limit = 50,
) -> EventPage:
    """What the cart, its HTTP board and the shopper's phone did."""
    key = EventKey(*map(int, after.split("-"))) if after else None
    with here.pool.connection() as connection:
        if not cart_exists(connection, cart_id):
            raise Refused(Refusal.CART_UNKNOWN)
        found = list_events_of_cart(connection, cart_id, search=search, verdict=verdict, after=key, limit=limit + 1)
    shown = [_body(one) for one in found[:limit]]
    return EventPage(events=shown, next=shown[-1].key if len(found) > limit else None)


def _body(event: ListedEvent) -> EventBody:
    names = EventBody.model_fields.keys() - {"key", "session_id"}
    return EventBody(
        key=f"{event.epoch}-{event.seq}-{event.sub}",
        session_id=str(event.session_id) if event.session_id else None,
        **{name: getattr(event, name) for name in names},
    )
