"""From a phone's wish to a planned walk: what the store knows goes in, the REST shape comes out."""

from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import Field

from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Answer, Ask, Id
from services.gateway.store_maps import CannotBeWalked, StillBuilding
from services.gateway.wiring import Gateway
from shared.db.checklists import list_checklist
from shared.db.places import (
    Block,
    CartPlace,
    find_held_cart,
    find_place_of_held_cart,
    find_store_for,
    list_blocks_in_force,
    list_layout_versions,
)
from shared.db.products import list_products
from shared.db.stores import list_locations_of_products, list_sections
from shared.db.types import Tx
from shared.navigation import (
    BlockedRect,
    Destination,
    Leg,
    NoRoute,
    Overlay,
    Place,
    Route,
    RouteRequest,
    StoreMap,
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


class PointBody(Answer):
    x: float
    y: float
    floor: int


class StartBody(PointBody):
    """Where the walk begins."""

    origin: Literal["position", "last_scanned", "entrance"]
    snapped: float = Field(description="metres it was moved to where a cart can stand")


class Segment(Answer):
    """The walk to one product."""

    product_id: int
    section_id: int | None
    destination: PointBody = Field(description="where the cart stands")
    path_length: float = Field(description="metres")
    path: list[PointBody]
    last_instruction: str


class WayOut(Answer):
    """The walk to a checkout."""

    checkout: str
    destination: PointBody
    path_length: float
    path: list[PointBody]
    last_instruction: str


class Instruction(Answer):
    """One step: what to do, then walk `distance` metres."""

    kind: Literal["depart", "turn", "continue", "floor_change", "arrive"]
    text: str
    at: PointBody
    to: PointBody
    distance: float
    direction: str | None
    turn_degrees: float = Field(description="positive to the right")
    section_name: str | None
    side: str | None
    product_id: int | None
    checkout: str | None


class SkippedBody(Answer):
    """A product that the walk leaves out, and why."""

    product_id: int
    reason: str


class WalkBody(Answer):
    """A walk, in walking order."""

    start: StartBody
    segments: list[Segment]
    total_distance: float = Field(description="metres")
    proof: str = Field(description="optimal, gap<=x % from the shortest, or heuristic")
    skipped: list[SkippedBody]
    instructions: list[Instruction]
    way_out: WayOut | None = Field(description="with end=checkout; null when no checkout can be reached")


@dataclass(frozen=True, slots=True)
class Question:
    """Everything read from the database for one walk."""

    store_id: int
    layout_version: int
    request: RouteRequest
    unknown: tuple[int, ...]
    section_ids: dict[tuple[int, str], int]


def read_question(tx: Tx, shopper_id: int, asked: WalkWanted) -> Question:
    """What is to be planned. Raises Refused when there is no store with a plan."""
    store_id = find_store_for(tx, shopper_id)
    layout_version = None if store_id is None else list_layout_versions(tx).get(store_id)
    if store_id is None or layout_version is None:
        raise Refused(Refusal.NO_LAYOUT)
    wanted = [one.product_id for one in asked.destinations]
    if not wanted:
        wanted = [item.product_id for item in list_checklist(tx, shopper_id) if not item.ticked]
    known = list_products(tx, set(wanted))
    places: dict[int, list[Place]] = {product_id: [] for product_id in known}
    for location in list_locations_of_products(tx, store_id, known).values():
        places[location.product_id].append(Place(location.floor, location.x, location.y))
    position, last_scanned = _cart_places(tx, shopper_id, asked)
    return Question(
        store_id=store_id,
        layout_version=layout_version,
        request=RouteRequest(
            destinations=tuple(Destination(str(product_id), tuple(spots)) for product_id, spots in places.items()),
            position=position,
            last_scanned=last_scanned,
            end=asked.end,
            overlay=_overlay(list_blocks_in_force(tx, store_id)),
            previous_order=tuple(str(product_id) for product_id in asked.previous_order),
        ),
        unknown=tuple(product_id for product_id in dict.fromkeys(wanted) if product_id not in known),
        section_ids={
            (section.floor, section.name): section_id for section_id, section in list_sections(tx, store_id).items()
        },
    )


def plan_walk(here: Gateway, question: Question) -> WalkBody:
    """Plan it; CPU only. Raises Refused when there is nothing to walk."""
    store_map = here.store_maps.find(question.store_id, question.layout_version)
    match store_map:
        case StoreMap():
            return _planned(store_map, question)
        case CannotBeWalked():
            raise Refused(Refusal.NO_LAYOUT)
        case StillBuilding():
            raise Refused(Refusal.OVERLOADED, "The store's plan is being prepared.")
        case _ as never:
            assert_never(never)


def _planned(store_map: StoreMap, question: Question) -> WalkBody:
    planned = plan_route(store_map, question.request)
    if question.unknown and not question.request.destinations:
        planned = NoRoute("nothing_left", "no destination can be reached")
    match planned:
        case NoRoute(code=code, detail=detail, skipped=skipped):
            left_out = [f"{one.product_id} {one.reason}" for one in skipped]
            left_out += [f"{product_id} unknown_product" for product_id in question.unknown]
            raise Refused(Refusal.NO_ROUTE, f"{code}: {detail}" + "".join(f"; {one}" for one in left_out))
        case Route():
            return _walk_body(planned, question)
        case _ as never:
            assert_never(never)


def _cart_places(tx: Tx, shopper_id: int, asked: WalkWanted) -> tuple[Place | None, Place | None]:
    if asked.start is not None:
        return Place(asked.start.floor, asked.start.x, asked.start.y), None
    cart_id = find_held_cart(tx, shopper_id)
    place = find_place_of_held_cart(tx, shopper_id, cart_id) if cart_id is not None else None
    if not isinstance(place, CartPlace):
        return None, None
    spot = Place(place.floor, place.x, place.y)
    return (spot, None) if place.source == "cart" else (None, spot)


def _overlay(blocks: list[Block]) -> Overlay:
    rectangles = []
    for block in blocks:
        if block.floor is not None and None not in (block.x1, block.y1, block.x2, block.y2):
            rectangles.append(BlockedRect(block.floor, (block.x1, block.y1, block.x2, block.y2)))  # type: ignore[arg-type]
    return Overlay(tuple(rectangles), frozenset(block.connector for block in blocks if block.connector is not None))


def _walk_body(route: Route, question: Question) -> WalkBody:
    out = next((leg for leg in route.legs if leg.product_id is None), None)
    start = route.start
    return WalkBody(
        start=StartBody(
            x=start.place.x, y=start.place.y, floor=start.place.floor, origin=start.origin, snapped=start.snapped_m
        ),
        segments=[_segment(leg, question) for leg in route.legs if leg.product_id is not None],
        total_distance=route.distance_m,
        proof=route.proof,
        skipped=[
            *(SkippedBody(product_id=int(one.product_id), reason=one.reason) for one in route.skipped),
            *(SkippedBody(product_id=product_id, reason="unknown_product") for product_id in question.unknown),
        ],
        instructions=[
            Instruction(
                kind=step.kind,
                text=step.text,
                at=_point(step.at),
                to=_point(step.to),
                distance=step.distance_m,
                direction=step.direction,
                turn_degrees=step.turn_deg,
                section_name=step.section,
                side=step.side,
                product_id=None if step.product_id is None else int(step.product_id),
                checkout=step.checkout,
            )
            for step in route.instructions
        ],
        way_out=None
        if out is None
        else WayOut(
            checkout=route.checkout or "",
            destination=_point(out.stop),
            path_length=out.distance_m,
            path=[_point(place) for place in out.path],
            last_instruction=out.steps[-1].text if out.steps else "",
        ),
    )


def _segment(leg: Leg, question: Question) -> Segment:
    return Segment(
        product_id=int(leg.product_id or 0),
        section_id=question.section_ids.get((leg.place.floor, leg.section)) if leg.section is not None else None,
        destination=_point(leg.stop),
        path_length=leg.distance_m,
        path=[_point(place) for place in leg.path],
        last_instruction=leg.steps[-1].text if leg.steps else "",
    )


def _point(place: Place) -> PointBody:
    return PointBody(x=place.x, y=place.y, floor=place.floor)
