"""The plan of a store as a page draws it: the layout in force and what is closed in it at the moment."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from services.gateway.callers import MaybeShopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer
from services.gateway.wiring import Here
from shared.db.places import find_first_store, find_store_for, list_blocks_in_force
from shared.db.stores import UnknownStore, find_layout, get_store
from shared.db.types import Tx
from shared.navigation.layout import Layout

router = APIRouter(prefix="/stores", tags=["stores"])
_REFUSALS = refusals(*EVERYWHERE, Refusal.UNKNOWN_STORE, Refusal.NO_LAYOUT)


class ClosedPlace(Answer):
    """A rectangle of a floor, metres, or a connector of the layout by its number."""

    floor: int | None
    x1: float | None
    y1: float | None
    x2: float | None
    y2: float | None
    connector: int | None


class PlanBody(Answer):
    """Everything of a store that can be drawn."""

    store_id: int
    version: int = Field(description="grows with each layout that is put in force")
    layout: Layout
    closed: list[ClosedPlace]


@router.get(
    "/plan",
    summary="The plan of my store",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.NO_LAYOUT),
    openapi_extra={"security": [{}, {"shopper": []}]},
)
def my_plan(here: Here, caller: MaybeShopper) -> PlanBody:
    """Of the store where my cart is; without a cart, or without a token, of the first store."""
    with here.pool.connection() as connection, connection.transaction():
        store_id = find_first_store(connection) if caller is None else find_store_for(connection, caller.shopper_id)
        return _plan(connection, store_id)


@router.get("/{store}/plan", summary="The plan of a store", responses=_REFUSALS)
def plan(
    here: Here, store: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,36}$", description="its name", examples=["main"])]
) -> PlanBody:
    """Floors, shelves, sections, connectors, entrances and checkouts, and what is closed."""
    with here.pool.connection() as connection, connection.transaction():
        try:
            found = get_store(connection, store)
        except UnknownStore:
            raise Refused(Refusal.UNKNOWN_STORE) from None
        return _plan(connection, found.store_id)


def _plan(tx: Tx, store_id: int | None) -> PlanBody:
    stored = find_layout(tx, store_id) if store_id is not None else None
    if store_id is None or stored is None:
        raise Refused(Refusal.NO_LAYOUT)
    return PlanBody(
        store_id=store_id,
        version=stored.version,
        layout=Layout.model_validate(stored.document),
        closed=[
            ClosedPlace(
                floor=block.floor, x1=block.x1, y1=block.y1, x2=block.x2, y2=block.y2, connector=block.connector
            )
            for block in list_blocks_in_force(tx, store_id)
        ],
    )
