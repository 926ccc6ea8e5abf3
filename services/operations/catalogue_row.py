"""What every catalogue format gives: a code, and the facts a row states about its product."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypedDict, assert_never

from services.operations.refusals import RowRefused
from shared.db.catalogue import CatalogueProduct
from shared.domain.gtin import Gtin, HouseCode, UnreadableCode, WrongCheckDigit, normalise_code

MAX_NAME_LENGTH = 200
# Nothing heavier is put into a cart; more is a mistake of units.
MAX_WEIGHT_G = 100_000

# Regulation (EU) No 1169/2011, annex II; the codes are those of the table allergen.
ALLERGENS = frozenset(
    {
        "gluten",
        "crustaceans",
        "eggs",
        "fish",
        "peanuts",
        "soybeans",
        "milk",
        "nuts",
        "celery",
        "mustard",
        "sesame-seeds",
        "sulphur-dioxide-and-sulphites",
        "lupin",
        "molluscs",
    }
)
_FROM_ANIMALS = frozenset({"milk", "eggs"})
_FROM_DEAD_ANIMALS = frozenset({"fish", "crustaceans", "molluscs"})


class ProductFacts(TypedDict, total=False):
    """Fields of CatalogueProduct that a row states. What is absent stays as it is; None takes the old value away."""

    barcode: str
    name: str
    brand: str | None
    quantity_text: str | None
    price_minor: int
    discounted_price_minor: int | None
    tax_rate_bp: int
    offer_name: str | None
    weight_g: int | None
    expiry: date | None
    category: str | None
    image: str | None
    food_types: frozenset[str]
    allergens: frozenset[str]
    traces: frozenset[str]
    allergens_are_known: bool


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row that could be read. `codes` are normalised, `key` among them; `gtin` is None for a house code."""

    key: str
    gtin: str | None
    codes: frozenset[str]
    facts: ProductFacts


def normalised(code: str) -> str:
    """The form of a code by which products are found; raises RowRefused."""
    try:
        found = normalise_code(code)
    except UnreadableCode as problem:
        raise RowRefused("unreadable_code", str(problem)) from None
    match found:
        case Gtin(gtin14):
            if not gtin14.strip("0"):
                raise RowRefused("unreadable_code", "a code of zeros names no product")
            return gtin14
        case HouseCode(kept):
            return kept
        case WrongCheckDigit(_, expected):
            raise RowRefused("wrong_check_digit", f"the last digit would have to be {expected}")
        case _ as never:
            assert_never(never)


def read_row(code: str, facts: ProductFacts, more_codes: frozenset[str] = frozenset()) -> CatalogueRow:
    """Check what all formats have in common; raises RowRefused."""
    if not code:
        raise RowRefused("no_code", "the row has no code")
    key = normalised(code)
    if not facts.get("name"):
        raise RowRefused("no_name", "the row has no product name")
    gtin = key if re.fullmatch(r"[0-9]{14}", key) else None
    codes = frozenset({key, *map(normalised, more_codes)})
    return CatalogueRow(key, gtin, codes, {**facts, "barcode": code})


def clean_text(text: str, what: str, longest: int = MAX_NAME_LENGTH) -> str:
    """One line with single spaces in composed Unicode; raises RowRefused for what cannot be stored or shown."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    for character in line:
        category = unicodedata.category(character)
        if category == "Cc":
            raise RowRefused("control_character", f"the {what} holds the control character U+{ord(character):04X}")
        if category == "Cs":
            raise RowRefused("encoding", f"the {what} holds half a character, U+{ord(character):04X}")
    if len(line) > longest:
        raise RowRefused("text_too_long", f"the {what} has {len(line)} characters, more than {longest}")
    return line


def weight_of(text: str) -> int | None:
    """Whole grams of a number above 0, at least 1; None for 0, which stands for unknown. Raises RowRefused."""
    try:
        weight = Decimal(text)
    except InvalidOperation:
        raise RowRefused("weight", f"{text!r} is not a weight in grams") from None
    if not weight.is_finite() or not 0 <= weight <= MAX_WEIGHT_G:
        raise RowRefused("weight", f"{text} g is not between 0 and {MAX_WEIGHT_G} g")
    return max(1, round(weight)) if weight else None


def contradictions_left_out(product: CatalogueProduct) -> CatalogueProduct:
    """Traces of what is contained anyway go; so does "Gluten-free" and the like beside the allergen itself."""
    food_types = product.food_types | ({"Vegetarian"} if "Vegan" in product.food_types else set())
    if "gluten" in product.allergens:
        food_types -= {"Gluten-free"}
    if product.allergens & (_FROM_ANIMALS | _FROM_DEAD_ANIMALS):
        food_types -= {"Vegan"}
    if product.allergens & _FROM_DEAD_ANIMALS:
        food_types -= {"Vegetarian"}
    return replace(product, traces=product.traces - product.allergens, food_types=food_types)
