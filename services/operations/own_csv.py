"""Our own catalogue CSV: one line a product, columns found by their names in the first line."""

from collections.abc import Mapping
from datetime import date

from services.operations.catalogue_row import (
    ALLERGENS,
    CatalogueRow,
    ProductFacts,
    clean_text,
    read_row,
    weight_of,
)
from services.operations.price_rules import parse_price
from services.operations.refusals import RowRefused

REQUIRED = ("code", "name")
# What each means is said in the help of `smartcart import catalogue`.
COLUMNS = frozenset(
    {
        *REQUIRED,
        *("brand", "quantity", "category", "image", "expiry", "weight_g", "more_codes"),
        *("price", "discounted_price", "offer", "tax_rate"),
        *("food_types", "allergens", "traces"),
    }
)
_DEFAULT_TAX_RATE_BP = 700


def read_cells(cells: Mapping[str, str]) -> CatalogueRow:
    """One product from the cells of its line by column; raises RowRefused."""
    return read_row(cells["code"], _facts(cells), frozenset(_items(cells.get("more_codes", ""))))


def _facts(row: Mapping[str, str]) -> ProductFacts:
    facts: ProductFacts = {"name": clean_text(row["name"], "name")}
    if "brand" in row:
        facts["brand"] = clean_text(row["brand"], "brand") or None
    if "quantity" in row:
        facts["quantity_text"] = clean_text(row["quantity"], "quantity", 80) or None
    if "offer" in row:
        facts["offer_name"] = clean_text(row["offer"], "offer") or None
    if "category" in row:
        facts["category"] = clean_text(row["category"], "category", 80) or None
    if "image" in row:
        facts["image"] = clean_text(row["image"], "image") or None
    if row.get("price"):
        facts["price_minor"] = parse_price(row["price"])
    if "discounted_price" in row:
        facts["discounted_price_minor"] = parse_price(row["discounted_price"]) if row["discounted_price"] else None
    if "weight_g" in row:
        facts["weight_g"] = weight_of(row["weight_g"]) if row["weight_g"] else None
    if "tax_rate" in row:
        facts["tax_rate_bp"] = _tax_rate_bp(row["tax_rate"]) if row["tax_rate"] else _DEFAULT_TAX_RATE_BP
    if "expiry" in row:
        facts["expiry"] = _date(row["expiry"]) if row["expiry"] else None
    if "food_types" in row:
        facts["food_types"] = frozenset(_food_type(item) for item in _items(row["food_types"]))
    if "allergens" in row:
        facts["allergens"] = _allergens(row["allergens"])
        facts["allergens_are_known"] = bool(row["allergens"])
    if "traces" in row:
        facts["traces"] = _allergens(row["traces"])
    return facts


def _items(cell: str) -> list[str]:
    return [item.strip() for item in cell.split("|") if item.strip()]


def _food_type(text: str) -> str:
    name = clean_text(text, "food type", 40)
    return name[:1].upper() + name[1:]


def _allergens(cell: str) -> frozenset[str]:
    codes = frozenset(item.lower() for item in _items(cell)) - {"none"}
    for code in sorted(codes - ALLERGENS):
        raise RowRefused("allergen", f"{code!r} is none of the 14 allergens")
    return codes


def _tax_rate_bp(text: str) -> int:
    try:
        rate_bp = parse_price(text.removesuffix("%").strip())
    except RowRefused:
        rate_bp = -1
    if not 0 <= rate_bp <= 10_000:
        raise RowRefused("tax_rate", f"{text!r} is not a tax rate between 0 and 100 per cent")
    return rate_bp


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RowRefused("expiry", f"{text!r} is not a date such as 2027-01-31") from None
