"""Field types and bases of the REST bodies: strict, bounded, nothing unknown."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from shared.db.products import Product
from shared.domain.money import MINOR_PER_MAJOR

INT32_MAX = 2**31 - 1
PAGE_MAX = 100


class Ask(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Id = Annotated[int, Field(ge=1, le=INT32_MAX)]
PathId = Annotated[int, Path(ge=1, le=INT32_MAX)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="rows in one page")]
After = Annotated[
    int, Query(ge=0, le=INT32_MAX, description="id of the last row of the page before; 0: from the start")
]
# No control characters: NUL is refused by PostgreSQL, the others by good manners (docs/reliability.md H4, S22).
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=NO_CONTROLS, strip_whitespace=True)]
Mobile = Annotated[
    str,
    StringConstraints(pattern=r"^\+?[0-9(][0-9 ()./-]{8,30}$"),
    Field(
        description="with + or 00 and the country code, or as it is dialled where the store is",
        examples=["+491700000001"],
    ),
]


# To be shown, never to be added up: sums are made of minor units.
Money = Annotated[float, Field(description="major units, at most two places", examples=[12.5])]


def _as_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_as_utc, return_type=str),
    Field(description="ISO 8601, UTC", examples=["2026-03-01T09:30:00.000Z"]),
]


class Message(Answer):
    """Something to show to the shopper."""

    message: str


class ProductBody(Answer):
    """A product as lists show it."""

    product_id: int
    product_name: str
    price: Money
    discounted_price: Money | None = Field(description="what it costs while on offer; null: the price")
    barcode: str
    weight: int | None = Field(description="grams")
    expiry: date | None
    category_id: int | None
    offer_name: str | None
    brand: str | None
    image: str | None = Field(description="path of the image on this server")


def money(minor: int) -> float:
    """Minor units as they are shown: the double nearest to the amount, which prints as the amount (below 2**53)."""
    return minor / MINOR_PER_MAJOR


def image_path(image: str | None) -> str | None:
    """Where an image is served; an address elsewhere stays as it is."""
    if image is None or image.startswith(("http://", "https://")):
        return image
    return f"/misc/images/{image}"


def product_fields(product: Product) -> dict[str, Any]:
    """A product by the names that REST gives to its fields."""
    discounted = product.discounted_price_minor
    return {
        "product_id": product.product_id,
        "product_name": product.name,
        "price": money(product.price_minor),
        "discounted_price": None if discounted is None else money(discounted),
        "barcode": product.barcode,
        "weight": product.weight_g,
        "expiry": product.expiry,
        "category_id": product.category_id,
        "offer_name": product.offer_name,
        "brand": product.brand,
        "image": image_path(product.image),
    }


def product_body(product: Product) -> ProductBody:
    """A product as REST shows it."""
    return ProductBody(**product_fields(product))
