"""From a phone's wish to a planned walk: what the store knows goes in, the REST shape of `walk_bodies` comes out."""

from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import Field

from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Ask, Id
from services.gateway.store_maps import CannotBeWalked, StillBuilding, WalkableStore
from services.gateway.walk_bodies import WalkBody, walk_body
from services.gateway.wiring import Gateway
from shared.db.checklists import list_checklist
from shared.db.places import Block
from shared.db.types import Tx
from shared.db.walks import WalkingGround, find_last_scan, find_walking_ground, list_stands_of_products
from shared.navigation import (
    BlockedRect,
    Destination,
    NoRoute,
    Overlay,
    Place,
    Route,
    RouteRequest,
    plan_route,
)

COORDINATE_MAX = 1e6


class Wanted(Ask):
    """A product to walk to."""

    product_id: Id = Field(examples=[1])


class Spot(Ask):
    """Where the walk begins."""

    x: float = Field(ge=-COORDINATE_MAX, le=COORDINATE_MAX, strict=False)
    y: float = Field(ge=-COORDINATE_MAX, le=COORDINATE_MAX, strict=False)
    floor: int = Field(0, ge=-100, le=100)


class WalkWanted(Ask):
    """No destinations: what is on my checklist and not yet in the cart."""

    destinations: list[Wanted] = Field([], max_length=200)
    start: Spot | None = Field(None, description="default: where my cart is, else the entrance")
    end: Literal["none", "checkout"] = "none"
    previous_order: list[Id] = Field(
        [], max_length=200, description="the order of the last answer; it is kept unless another is 2 % shorter"
    )


@dataclass(frozen=True, slots=True)
class Question:
    """Everything read from the database for one walk."""

    store_id: int
    layout_version: int
    request: RouteRequest
    unknown: tuple[int, ...]


def read_question(tx: Tx, shopper_id: int, asked: WalkWanted) -> Question:
    """What is to be planned. Raises Refused when there is no store with a plan."""
    ground = find_walking_ground(tx, shopper_id)
    if ground is None or ground.layout_version is None:
        raise Refused(Refusal.NO_LAYOUT)
    wanted = [one.product_id for one in asked.destinations]
    if not wanted:
        wanted = [item.product_id for item in list_checklist(tx, shopper_id) if not item.ticked]
    stands = list_stands_of_products(tx, ground.store_id, set(wanted))
    position, last_scanned = _cart_places(tx, ground, asked)
    return Question(
        store_id=ground.store_id,
        layout_version=ground.layout_version,
        request=RouteRequest(
            destinations=tuple(
                Destination(str(product_id), tuple(Place(*spot) for spot in spots))
                for product_id, spots in stands.items()
            ),
            position=position,
            last_scanned=last_scanned,
            end=asked.end,
            overlay=_overlay(ground.closed),
            previous_order=tuple(str(product_id) for product_id in asked.previous_order),
        ),
        unknown=tuple(product_id for product_id in dict.fromkeys(wanted) if product_id not in stands),
    )


def plan_walk(here: Gateway, question: Question) -> WalkBody:
    """Plan it; CPU only. Raises Refused when there is nothing to walk."""
    store = here.store_maps.find(question.store_id, question.layout_version)
    match store:
        case WalkableStore():
            return _planned(store, question)
        case CannotBeWalked():
            raise Refused(Refusal.NO_LAYOUT)
        case StillBuilding():
            raise Refused(Refusal.OVERLOADED, "The store's plan is being prepared.")
        case _ as never:
            assert_never(never)


def _planned(store: WalkableStore, question: Question) -> WalkBody:
    planned = plan_route(store.store_map, question.request)
    if question.unknown and not question.request.destinations:
        planned = NoRoute("nothing_left", "no destination can be reached")
    match planned:
        case NoRoute(code=code, detail=detail, skipped=skipped):
            left_out = [f"{one.product_id} {one.reason}" for one in skipped]
            left_out += [f"{product_id} unknown_product" for product_id in question.unknown]
            raise Refused(Refusal.NO_ROUTE, f"{code}: {detail}" + "".join(f"; {one}" for one in left_out))
        case Route():
            return walk_body(planned, question.unknown, store.section_ids)
        case _ as never:
            assert_never(never)


def _cart_places(tx: Tx, ground: WalkingGround, asked: WalkWanted) -> tuple[Place | None, Place | None]:
    """Where the cart is, or where the product stands that it scanned last."""
    if asked.start is not None:
        return Place(asked.start.floor, asked.start.x, asked.start.y), None
    if ground.cart is None:
        return None, None
    if ground.cart.said is not None:
        return Place(*ground.cart.said), None
    scanned = find_last_scan(tx, ground.store_id, ground.cart)
    return None, None if scanned is None else Place(*scanned)


def _overlay(blocks: tuple[Block, ...]) -> Overlay:
    rectangles = []
    for block in blocks:
        if block.floor is not None and None not in (block.x1, block.y1, block.x2, block.y2):
            rectangles.append(BlockedRect(block.floor, (block.x1, block.y1, block.x2, block.y2)))  # type: ignore[arg-type]
    return Overlay(tuple(rectangles), frozenset(block.connector for block in blocks if block.connector is not None))
