"""The store as it is now, in one compact answer that the screen asks for every two seconds."""

import gzip
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Moment
from services.gateway.wiring import Here
from shared.db.aisles import list_blocks
from shared.db.console import list_live_carts, list_open_alerts, list_stores
from shared.db.places import find_first_store
from shared.db.stores import UnknownStore, get_store
from shared.db.types import Tx

router = APIRouter()

_PACKED_FROM_BYTES = 1400  # what fits a packet is sent as it is

StoreName = Annotated[
    str | None, Query(pattern=r"^[a-z0-9-]{1,36}$", description="its name; default: the first store", examples=["main"])
]


class StoreBody(Answer):
    store_id: int
    name: str


class Stores(Answer):
    """Every store."""

    stores: list[StoreBody]


class OpenSession(Answer):
    """A trip under way."""

    opened_at: Moment
    items: int
    total_minor: int
    incomplete: bool = Field(description="scans were lost for good")
    has_phone: bool = Field(description="a shopper's phone holds the cart")


class CartBody(Answer):
    """One cart as it was last heard of."""

    cart_id: int
    online: bool
    seen_at: Moment | None
    x: float | None
    y: float | None
    floor: int | None
    located_at: Moment | None
    battery_pct: int | None
    rssi_dbm: int | None
    journal_length: int | None = Field(description="events that the cart still holds")
    firmware: str | None
    gap_since: Moment | None = Field(description="since when events are missing; null: none are")
    session: OpenSession | None


class AlertBody(Answer):
    """What waits for staff."""

    alert_id: int
    cart_id: int | None
    kind: Literal["help", "gap", "late", "conflict", "abandoned", "too_heavy"]
    detail: str
    times: int
    raised_at: Moment
    last_at: Moment
    claimed_by: str | None
    claimed_at: Moment | None


class BlockBody(Answer):
    """What is closed: a rectangle of a floor, metres, or a connector by its number."""

    block_id: int
    floor: int | None
    x1: float | None
    y1: float | None
    x2: float | None
    y2: float | None
    connector: int | None
    note: str | None
    blocked_by: str
    blocked_at: Moment


class LiveBody(Answer):
    """A store at one moment."""

    store: str
    at: Moment
    carts: list[CartBody]
    alerts: list[AlertBody]
    blocks: list[BlockBody]


@router.get("/stores", summary="The stores", responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED))
def stores(here: Here, _: Staff) -> Stores:
    """An operator sees every store."""
    with here.pool.connection() as connection:
        found = list_stores(connection)
    return Stores(stores=[StoreBody(store_id=one.store_id, name=one.name) for one in found])


@router.get(
    "/live",
    summary="Carts, alerts and closed aisles",
    response_model=LiveBody,
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.UNKNOWN_STORE),
)
def live(
    here: Here, _: Staff, store: StoreName = None, accept_encoding: Annotated[str, Header(max_length=256)] = ""
) -> Response:
    """To be asked for every two seconds; three statements, each by an index."""
    with here.pool.connection() as connection, connection.transaction():
        store_id, name = find_store_named(connection, store)
        text = _live_body(here, connection, store_id, name).model_dump_json().encode()
    headers = {"Vary": "Accept-Encoding"}
    if len(text) > _PACKED_FROM_BYTES and "gzip" in accept_encoding:
        text, headers["Content-Encoding"] = gzip.compress(text, 1), "gzip"
    return Response(text, media_type="application/json", headers=headers)


def find_store_named(tx: Tx, name: str | None) -> tuple[int, str]:
    """The store of that name, or the first one. Raises Refused."""
    if name is not None:
        try:
            return get_store(tx, name).store_id, name
        except UnknownStore:
            raise Refused(Refusal.UNKNOWN_STORE) from None
    first = find_first_store(tx)
    if first is None:
        raise Refused(Refusal.UNKNOWN_STORE)
    return first, next(one.name for one in list_stores(tx) if one.store_id == first)


def _live_body(here: Here, tx: Tx, store_id: int, name: str) -> LiveBody:
    return LiveBody(
        store=name,
        at=here.now(),
        carts=[
            CartBody(
                cart_id=one.cart_id,
                online=one.online,
                seen_at=one.last_seen_at,
                x=one.x,
                y=one.y,
                floor=one.floor,
                located_at=one.located_at,
                battery_pct=one.battery_pct,
                rssi_dbm=one.rssi_dbm,
                journal_length=one.journal_length,
                firmware=one.firmware,
                gap_since=one.gap_since,
                session=one.opened_at
                and OpenSession(
                    opened_at=one.opened_at,
                    items=one.total_items or 0,
                    total_minor=one.total_minor or 0,
                    incomplete=bool(one.incomplete),
                    has_phone=one.has_phone,
                ),
            )
            for one in list_live_carts(tx, store_id)
        ],
        alerts=[
            AlertBody(**{field: getattr(one, field) for field in AlertBody.model_fields})
            for one in list_open_alerts(tx, store_id)
        ],
        blocks=[
            BlockBody(**{field: getattr(one, field) for field in BlockBody.model_fields})
            for one in list_blocks(tx, store_id)
        ],
    )
