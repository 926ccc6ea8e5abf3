"""Short public lists, the sections of a store, and product images."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse

from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import INT32_MAX, Answer
from services.gateway.images import find_image
from services.gateway.wiring import Here
from shared.db.places import find_first_store, store_exists
from shared.db.products import list_allergens, list_categories, list_food_types
from shared.db.stores import PlannedSection, list_sections

router = APIRouter(prefix="/misc", tags=["misc"])


class FoodTypeName(Answer):
    foodtype_id: int
    foodtype_name: str


class CategoryName(Answer):
    category_id: int
    category_name: str


class AllergyName(Answer):
    allergy_id: int
    allergy_name: str


class Choices(Answer):
    """What a profile or a filter may choose from."""

    foodtypes: list[FoodTypeName]
    categories: list[CategoryName]
    allergies: list[AllergyName]


class SectionBody(Answer):
    """A rectangle of a floor, metres."""

    section_id: int
    section_name: str
    x1: float
    y1: float
    x2: float
    y2: float
    floor_level: int


def section_body(section_id: int, section: PlannedSection) -> SectionBody:
    """A stored section in its REST shape."""
    return SectionBody(
        section_id=section_id,
        section_name=section.name,
        x1=section.x1,
        y1=section.y1,
        x2=section.x2,
        y2=section.y2,
        floor_level=section.floor,
    )


@router.get("/foodtypes-categories", summary="Food types, categories and allergies", responses=refusals(*EVERYWHERE))
def choices(here: Here) -> Choices:
    """Everything there is to choose from."""
    with here.pool.connection() as connection, connection.transaction():
        return Choices(
            foodtypes=[FoodTypeName(foodtype_id=one.id, foodtype_name=one.name) for one in list_food_types(connection)],
            categories=[
                CategoryName(category_id=one.id, category_name=one.name) for one in list_categories(connection)
            ],
            allergies=[AllergyName(allergy_id=one.id, allergy_name=one.name) for one in list_allergens(connection)],
        )


@router.get("/store-sections", summary="Sections of a store", responses=refusals(*EVERYWHERE, Refusal.UNKNOWN_STORE))
def store_sections(
    here: Here,
    store_id: Annotated[int | None, Query(ge=1, le=INT32_MAX, description="default: the first store")] = None,
) -> list[SectionBody]:
    """Floor by floor."""
    with here.pool.connection() as connection, connection.transaction():
        if store_id is not None and not store_exists(connection, store_id):
            raise Refused(Refusal.UNKNOWN_STORE)
        chosen = store_id or find_first_store(connection)
        sections = list_sections(connection, chosen) if chosen is not None else {}
    return [section_body(section_id, section) for section_id, section in sections.items()]


@router.get(
    "/images/{name}",
    summary="A product image",
    response_class=FileResponse,
    responses={
        HTTPStatus.OK.value: {
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
            "description": "the image",
        },
        **refusals(*EVERYWHERE, Refusal.UNKNOWN_IMAGE),
    },
)
def image(here: Here, name: Annotated[str, Path(max_length=128, examples=["milk.png"])]) -> FileResponse:
    """From the configured folder, and nothing outside it."""
    found = find_image(here.settings.images_dir, name)
    if found is None:
        raise Refused(Refusal.UNKNOWN_IMAGE)
    return FileResponse(found.path, media_type=found.media_type, headers={"Cache-Control": "public, max-age=86400"})
