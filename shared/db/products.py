"""Products as shoppers see them: by id, by code, on offer, and with what is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.rows import args_row

from shared.db.queries import sql
from shared.db.types import Tx


@dataclass(frozen=True, slots=True)
class Product:
    """What a list, a cart or a search result shows."""

    product_id: int
    name: str
    brand: str | None
    price_minor: int
    discounted_price_minor: int | None
    barcode: str
    weight_g: int | None
    expiry: date | None
    category_id: int | None
    offer_name: str | None
    image: str | None


@dataclass(frozen=True, slots=True)
class ProductDetail(Product):
    """Everything about one product, and what the shopper who asks must not eat.

    No allergens mean "none" only when `allergens_are_known`.
    """

    gtin: str | None
    quantity_text: str | None
    price_is_estimated: bool
    allergens_are_known: bool
    category_name: str | None
    food_types: list[dict[str, Any]]
    allergens: list[dict[str, Any]]
    own_allergens: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Named:
    """A row of one of the short lists: food types, categories, allergens."""

    id: int
    name: str


def list_products(tx: Tx, product_ids: Iterable[int]) -> dict[int, Product]:
    """The products of these ids by id; an id without a product is left out."""
    with tx.cursor(row_factory=args_row(Product)) as cursor:
        rows = cursor.execute(sql("list_products"), {"product_ids": list(product_ids)}).fetchall()
    return {product.product_id: product for product in rows}


def find_product_detail(tx: Tx, product_id: int, shopper_id: int | None) -> ProductDetail | None:
    """One product with all that is known about it; `shopper_id` None: nobody in particular asks."""
    who = {"product_id": product_id, "shopper_id": shopper_id}
    with tx.cursor(row_factory=args_row(ProductDetail)) as cursor:
        return cursor.execute(sql("find_product_detail"), who).fetchone()


def find_product_ids(tx: Tx, keys: Sequence[str]) -> list[int]:
    """The products behind these keys of the catalogue, in the order of the keys; unknown ones are left out."""
    rows = tx.execute(sql("find_product_ids_by_codes"), {"codes": list(keys)}).fetchall()
    return [product_id for (product_id,) in rows]


def list_offers(tx: Tx, after: int, limit: int) -> list[Product]:
    """Products with an offer, in order of their ids, after one."""
    with tx.cursor(row_factory=args_row(Product)) as cursor:
        return cursor.execute(sql("list_offers"), {"after": after, "limit": limit}).fetchall()


def list_food_types(tx: Tx) -> list[Named]:
    """Every food type."""
    with tx.cursor(row_factory=args_row(Named)) as cursor:
        return cursor.execute(sql("list_food_types")).fetchall()


def list_categories(tx: Tx) -> list[Named]:
    """Every category."""
    with tx.cursor(row_factory=args_row(Named)) as cursor:
        return cursor.execute(sql("list_categories")).fetchall()


def list_allergens(tx: Tx) -> list[Named]:
    """Every allergen."""
    with tx.cursor(row_factory=args_row(Named)) as cursor:
        return cursor.execute(sql("list_allergens")).fetchall()
