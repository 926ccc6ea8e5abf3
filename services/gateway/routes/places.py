"""Where the cart is, and where products stand."""

from typing import Annotated, Literal, assert_never

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import INT32_MAX, Answer, Moment, PathId
from services.gateway.keyed import json_answer
from services.gateway.routes.misc import SectionBody, section_body
from services.gateway.walk_bodies import WalkBody
from services.gateway.walks import WalkWanted, plan_walk, read_question
from services.gateway.wiring import Here
from shared.db.places import CartPlace, NotHeld, find_place_of_held_cart, find_store_for, store_exists
from shared.db.stores import list_locations_of_products, list_sections

router = APIRouter(prefix="/cart", tags=["places"])
_ALWAYS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


class CartLocation(Answer):
    """Where the cart was last, metres in the store's plan."""

    cart_id: int
    x_coord: float
    y_coord: float
    section_id: int | None
    updated_at: Moment
    floor: int
    source: Literal["cart", "last_scan"] = Field(description="the cart said so, or the product it scanned stands there")


class ProductLocation(Answer):
    """One place of a product."""

    product_id: int
    section_id: int | None
    aisle_num: str | None
    shelf_num: str | None
    x_coord: float
    y_coord: float
    floor: int
    section: SectionBody | None


@router.get(
    "/{cart_id}/location",
    summary="Where my cart is",
    responses=refusals(*_ALWAYS, Refusal.NOT_YOUR_CART, Refusal.LOCATION_UNKNOWN),
)
def cart_location(here: Here, shopper: Shopper, cart_id: PathId) -> CartLocation:
    """Only for the shopper who holds the cart."""
    with here.pool.connection() as connection, connection.transaction():
        place = find_place_of_held_cart(connection, shopper.shopper_id, cart_id)
    match place:
        case CartPlace():
            return CartLocation(
                cart_id=cart_id,
                x_coord=place.x,
                y_coord=place.y,
                section_id=place.section_id,
                updated_at=place.seen_at,
                floor=place.floor,
                source=place.source,
            )
        case NotHeld():
            raise Refused(Refusal.NOT_YOUR_CART)
        case None:
            raise Refused(Refusal.LOCATION_UNKNOWN)
        case _ as never:
            assert_never(never)


@router.get("/product_locations", summary="Where products stand", responses=refusals(*_ALWAYS, Refusal.UNKNOWN_STORE))
def product_locations(
    here: Here,
    shopper: Shopper,
    product_ids: Annotated[
        str,
        Query(
            pattern=r"^[0-9]{1,9}(,[0-9]{1,9}){0,99}$",
            description="ids, comma between them; at most 100",
            examples=["1,2,3"],
        ),
    ],
    store_id: Annotated[int | None, Query(ge=1, le=INT32_MAX, description="default: the store of my cart")] = None,
) -> list[ProductLocation]:
    """A product may stand in several places, or in none."""
    wanted = {int(one) for one in product_ids.split(",")}
    with here.pool.connection() as connection, connection.transaction():
        if store_id is not None and not store_exists(connection, store_id):
            raise Refused(Refusal.UNKNOWN_STORE)
        store = store_id or find_store_for(connection, shopper.shopper_id)
        locations = list_locations_of_products(connection, store, wanted) if store is not None else {}
        sections = list_sections(connection, store) if store is not None else {}
    return [
        ProductLocation(
            product_id=place.product_id,
            section_id=place.section_id,
            aisle_num=place.aisle_num,
            shelf_num=place.shelf_num,
            x_coord=place.x,
            y_coord=place.y,
            floor=place.floor,
            section=section_body(place.section_id, sections[place.section_id])
            if place.section_id in sections
            else None,
        )
        for place in locations.values()
    ]


@router.post(
    "/shortest_path",
    summary="The walk to what I want",
    response_model=WalkBody,
    responses=refusals(*_ALWAYS, Refusal.NO_LAYOUT, Refusal.NO_ROUTE),
)
def shortest_path(here: Here, shopper: Shopper, asked: WalkWanted) -> Response:
    """Around shelves and closed aisles, in the best order. What cannot be reached is in `skipped`."""
    with here.pool.connection() as connection:
        question = read_question(connection, shopper.shopper_id, asked)
    return json_answer(plan_walk(here, question))
