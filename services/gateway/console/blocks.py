"""A manager closes a piece of floor or a connector for a while, and opens it again."""

from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from services.gateway.console.live import StoreName, find_store_named
from services.gateway.console.staff import Manager
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Ask, Line, PathId
from services.gateway.walks import COORDINATE_MAX
from services.gateway.wiring import Here
from shared.db.aisles import ClosedConnector, ClosedRect, block_aisle, unblock_aisle
from shared.db.operators import record_action
from shared.db.stores import find_layout
from shared.navigation.layout import Layout

router = APIRouter(prefix="/blocks")

_REFUSALS = (
    *EVERYWHERE,
    Refusal.NOT_AUTHENTICATED,
    Refusal.NOT_FROM_CONSOLE,
    Refusal.MANAGER_ONLY,
    Refusal.UNKNOWN_STORE,
)
Metres = Annotated[float, Field(ge=-COORDINATE_MAX, le=COORDINATE_MAX, strict=False)]


class RectAsked(Ask):
    """A rectangle of a floor, metres; x1 < x2 and y1 < y2."""

    floor: Annotated[int, Field(ge=-100, le=100)]
    x1: Metres
    y1: Metres
    x2: Metres
    y2: Metres

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError("x1 < x2 and y1 < y2 are needed")
        return self


class ConnectorAsked(Ask):
    """A lift, travelator or ramp by its number in the layout."""

    connector: Annotated[int, Field(ge=0, le=10_000)]


class BlockAsked(Ask):
    """What to close, and a word for whoever looks at it."""

    place: RectAsked | ConnectorAsked
    note: Line | None = None


class BlockMade(Answer):
    """The number that opens it again."""

    block_id: int


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Close an aisle",
    responses=refusals(*_REFUSALS, Refusal.NO_LAYOUT, Refusal.UNKNOWN_REFERENCE),
)
def block(here: Here, manager: Manager, asked: BlockAsked, store: StoreName = None) -> BlockMade:
    """In force with the next walk that a shopper asks for."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        store_id, _ = find_store_named(connection, store)
        stored = find_layout(connection, store_id)
        if stored is None:
            raise Refused(Refusal.NO_LAYOUT)
        closed = _in_layout(asked.place, Layout.model_validate(stored.document))
        block_id = block_aisle(connection, store_id, closed, asked.note, manager.name)
        record_action(
            connection,
            manager.operator_id,
            "blocked_aisle",
            now,
            subject_id=block_id,
            detail=asked.note or _words(closed),
        )
    return BlockMade(block_id=block_id)


@router.delete(
    "/{block_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Open an aisle again",
    responses=refusals(*_REFUSALS, Refusal.UNKNOWN_BLOCK),
)
def unblock(here: Here, manager: Manager, block_id: PathId, store: StoreName = None) -> None:
    """In force with the next walk that a shopper asks for."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        store_id, _ = find_store_named(connection, store)
        if not unblock_aisle(connection, store_id, block_id, manager.name, now):
            raise Refused(Refusal.UNKNOWN_BLOCK)
        record_action(connection, manager.operator_id, "unblocked_aisle", now, subject_id=block_id)


def _in_layout(place: RectAsked | ConnectorAsked, layout: Layout) -> ClosedRect | ClosedConnector:
    if isinstance(place, ConnectorAsked):
        if place.connector >= len(layout.connectors):
            raise Refused(Refusal.UNKNOWN_REFERENCE, "The store has no such connector.")
        return ClosedConnector(place.connector)
    if place.floor not in {plan.floor for plan in layout.floors}:
        raise Refused(Refusal.UNKNOWN_REFERENCE, "The store has no such floor.")
    return ClosedRect(place.floor, place.x1, place.y1, place.x2, place.y2)


def _words(closed: ClosedRect | ClosedConnector) -> str:
    if isinstance(closed, ClosedConnector):
        return f"connector {closed.connector}"
    return f"floor {closed.floor}: {closed.x1:g}, {closed.y1:g} to {closed.x2:g}, {closed.y2:g}"
