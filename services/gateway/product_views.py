"""A product with everything about it, and what it means for the caller's own allergies."""

from typing import Literal

from pydantic import Field

from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Answer, ProductBody, product_fields
from services.gateway.tokens import Caller
from shared.db.products import ProductDetail, find_product_detail
from shared.db.types import Tx


class FoodTypeBody(Answer):
    """For example vegan."""

    foodtype_id: int
    foodtype_name: str


class AllergyBody(Answer):
    """An allergen of the product."""

    allergy_id: int
    allergy_name: str
    traces_only: bool = Field(description="may contain it, not as an ingredient")


class Warning(Answer):
    """One of the caller's allergies; `unknown`: nobody told us what is in the product."""

    allergy_id: int
    allergy_name: str
    kind: Literal["contains", "traces", "unknown"]


class ProductDetailBody(ProductBody):
    """Everything about one product. Empty `allergies` mean "none" only when `allergens_are_known`."""

    category_name: str | None
    foodtypes: list[FoodTypeBody]
    allergies: list[AllergyBody]
    allergens_are_known: bool
    warnings: list[Warning] = Field(description="for the caller's own allergies; empty without a token")
    gtin: str | None
    quantity_text: str | None = Field(description="as printed on the pack", examples=["350 g"])
    price_is_estimated: bool


def find_detail(tx: Tx, product_id: int, caller: Caller | None) -> ProductDetailBody:
    """Raises Refused for an unknown product."""
    detail = find_product_detail(tx, product_id, caller.shopper_id if caller is not None else None)
    if detail is None:
        raise Refused(Refusal.UNKNOWN_PRODUCT)
    allergies = [
        AllergyBody(allergy_id=one["id"], allergy_name=one["name"], traces_only=one["traces_only"])
        for one in detail.allergens
    ]
    return ProductDetailBody(
        **product_fields(detail),
        category_name=detail.category_name,
        foodtypes=[FoodTypeBody(foodtype_id=one["id"], foodtype_name=one["name"]) for one in detail.food_types],
        allergies=allergies,
        allergens_are_known=detail.allergens_are_known,
        warnings=_warnings(detail, allergies),
        gtin=detail.gtin,
        quantity_text=detail.quantity_text,
        price_is_estimated=detail.price_is_estimated,
    )


def _warnings(detail: ProductDetail, allergies: list[AllergyBody]) -> list[Warning]:
    in_product = {allergy.allergy_id: allergy for allergy in allergies}
    warnings = []
    for mine in detail.own_allergens:
        found = in_product.get(mine["id"])
        if found is not None:
            kind: Literal["contains", "traces", "unknown"] = "traces" if found.traces_only else "contains"
        elif not detail.allergens_are_known:
            kind = "unknown"
        else:
            continue
        warnings.append(Warning(allergy_id=mine["id"], allergy_name=mine["name"], kind=kind))
    return warnings
