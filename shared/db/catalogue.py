"""Writing the catalogue: products with their codes, food types and allergens, and recipes; and reading it whole.

What the phone searches and shows is read in `shared.db.products`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.search_text import normalise_search_text, trigrams


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueProduct:
    """A product as the catalogue keeps it. `codes` are normalised; `barcode` is as printed and leads to one of them.

    `allergens` and `traces` hold codes of the table allergen and share none; both mean nothing for a shopper unless
    `allergens_are_known`.
    """

    gtin: str | None
    barcode: str
    codes: frozenset[str]
    name: str
    brand: str | None = None
    quantity_text: str | None = None
    price_minor: int
    discounted_price_minor: int | None = None
    price_is_estimated: bool = False
    tax_rate_bp: int = 700
    offer_name: str | None = None
    weight_g: int | None = None
    expiry: date | None = None
    category: str | None = None
    image: str | None = None
    food_types: frozenset[str] = frozenset()
    allergens: frozenset[str] = frozenset()
    traces: frozenset[str] = frozenset()
    allergens_are_known: bool = False


@dataclass(frozen=True, slots=True)
class StoredProduct:
    product_id: int
    product: CatalogueProduct


@dataclass(frozen=True, slots=True)
class SimProduct:
    """A product as a simulated shopper sees it; `codes` begins with the one printed on the pack."""

    product_id: int
    name: str
    codes: tuple[str, ...]
    price_minor: int
    weight_g: int | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe and how many pieces of which product it needs, by product id."""

    name: str
    quantities: Mapping[int, int]


def lock_catalogue(tx: Tx) -> None:
    """Wait for other writers of the catalogue, and keep them waiting until the transaction ends."""
    tx.execute(sql("lock_catalogue"))


def list_products_by_codes(tx: Tx, codes: Collection[str]) -> dict[str, StoredProduct]:
    """The product behind each normalised code, under every code it has; unknown codes are left out."""
    found: dict[str, StoredProduct] = {}
    with tx.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(sql("list_products_by_codes"), {"codes": list(codes)}):
            product_id = row.pop("product_id")
            row |= {column: frozenset(row[column]) for column in ("codes", "food_types", "allergens", "traces")}
            stored = StoredProduct(product_id, CatalogueProduct(**row))
            found |= dict.fromkeys(stored.product.codes, stored)
    return found


def list_product_ids_by_codes(tx: Tx, codes: Collection[str]) -> dict[str, int]:
    """The product id behind each normalised code; unknown codes are left out."""
    return dict(tx.execute(sql("list_product_ids_by_codes"), {"codes": list(codes)}).fetchall())


def insert_products(tx: Tx, products: Sequence[CatalogueProduct]) -> None:
    """Add new products; categories and food types are made as needed. No code may be known yet."""
    if not products:
        return
    _ensure_names(tx, products)
    rows = tx.execute(sql("insert_products"), {"products": Jsonb([_columns(product) for product in products])})
    product_ids: dict[str, int] = dict(rows.fetchall())
    _insert_links(tx, {product_ids[product.barcode]: product for product in products})


def update_products(tx: Tx, products: Mapping[int, CatalogueProduct]) -> None:
    """Make the products with these ids what is given, links included. Ids and open carts keep what they hold."""
    if not products:
        return
    _ensure_names(tx, products.values())
    rows = [{"product_id": product_id, **_columns(product)} for product_id, product in products.items()]
    tx.execute(sql("update_products"), {"products": Jsonb(rows)})
    tx.execute(sql("delete_product_links"), {"product_ids": list(products)})
    _insert_links(tx, products)


def list_sim_products(tx: Tx) -> list[SimProduct]:
    """The whole catalogue for a simulation, in a stable order."""
    return [
        SimProduct(product_id, name, tuple(dict.fromkeys([barcode, *codes])), price_minor, weight_g)
        for product_id, name, barcode, codes, price_minor, weight_g in tx.execute(sql("list_sim_products"))
    ]


def save_recipes(tx: Tx, recipes: Collection[Recipe]) -> int:
    """Make the named recipes what is given and return how many were not so before; other recipes stay."""
    known = {
        name: {int(product_id): quantity for product_id, quantity in quantities.items()}
        for name, quantities in tx.execute(sql("list_recipes"))
    }
    changed = [recipe for recipe in recipes if known.get(recipe.name) != dict(recipe.quantities)]
    needs = [(recipe.name, *need) for recipe in changed for need in recipe.quantities.items()]
    tx.execute(sql("save_recipes"), {"names": [recipe.name for recipe in changed]})
    tx.execute(
        sql("insert_recipe_products"),
        {
            "names": [name for name, _, _ in needs],
            "product_ids": [product_id for _, product_id, _ in needs],
            "quantities": [quantity for _, _, quantity in needs],
        },
    )
    return len(changed)


def _columns(product: CatalogueProduct) -> dict[str, object]:
    search_text = normalise_search_text(f"{product.name} {product.brand or ''}")
    return {
        "gtin": product.gtin,
        "barcode": product.barcode,
        "name": product.name,
        "brand": product.brand,
        "quantity_text": product.quantity_text,
        "price_minor": product.price_minor,
        "discounted_price_minor": product.discounted_price_minor,
        "price_is_estimated": product.price_is_estimated,
        "tax_rate_bp": product.tax_rate_bp,
        "offer_name": product.offer_name,
        "weight_g": product.weight_g,
        "expiry": None if product.expiry is None else product.expiry.isoformat(),
        "category": product.category,
        "image": product.image,
        "allergens_are_known": product.allergens_are_known,
        "search_text": search_text,
        "search_trigrams": trigrams(search_text),
    }


def _ensure_names(tx: Tx, products: Collection[CatalogueProduct]) -> None:
    categories = {product.category for product in products if product.category is not None}
    food_types = {name for product in products for name in product.food_types}
    tx.execute(sql("ensure_categories"), {"names": list(categories)})
    tx.execute(sql("ensure_food_types"), {"names": list(food_types)})


def _insert_links(tx: Tx, products: Mapping[int, CatalogueProduct]) -> None:
    links = [
        {
            "product_id": product_id,
            "codes": sorted(product.codes),
            "food_types": sorted(product.food_types),
            "allergens": sorted(product.allergens),
            "traces": sorted(product.traces),
        }
        for product_id, product in products.items()
    ]
    tx.execute(sql("insert_product_links"), {"links": Jsonb(links)})
