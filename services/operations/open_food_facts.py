"""Products as Open Food Facts writes them: JSON lines, and the tab-separated export with the same field names.

Tags look like `en:milk`; a list of them goes from the general to the special. An empty field there means that nobody
has filled it in, never that there is nothing.
"""

import html
import json
from collections.abc import Callable, Mapping
from typing import Any

from services.operations.catalogue_row import CatalogueRow, ProductFacts, clean_text, read_row, weight_of
from services.operations.refusals import RowRefused
from services.operations.tags import CATEGORIES_THAT_SAY_LITTLE, allergens_of_tags, food_types_of_tags, words_of_tag

_LISTS = ("categories_tags", "labels_tags", "allergens_tags", "traces_tags", "ingredients_analysis_tags")


def is_tsv_header(header: str) -> bool:
    """Whether a first line begins the tab-separated export."""
    return {"code", "product_name"}.issubset(header.split("\t"))


def read_json_line(text: str) -> CatalogueRow:
    """One product of the JSON lines; raises RowRefused."""
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise RowRefused("broken_line", "not JSON: nested too deeply") from None
    except ValueError as problem:
        raise RowRefused("broken_line", f"not JSON: {problem}") from None
    if not isinstance(record, dict):
        raise RowRefused("broken_line", "not a JSON object")
    return _read(record)


def tsv_reader(header: str) -> Callable[[str], CatalogueRow]:
    """Reads each later line of the export that begins with `header`; it raises RowRefused."""
    names = header.split("\t")

    def read(text: str) -> CatalogueRow:
        cells = text.split("\t")
        if len(cells) != len(names):
            raise RowRefused("broken_line", f"{len(cells)} columns instead of {len(names)}")
        record: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        record.setdefault("allergens_tags", record.get("allergens", ""))
        return _read(record | {name: record[name].split(",") for name in _LISTS if record.get(name)})

    return read


def code_in(text: str, header: str) -> str:
    """The code of a line that may be broken, for the report."""
    if not text.startswith("{"):
        place = header.split("\t").index("code")
        cells = text.split("\t")
        return cells[place] if place < len(cells) else ""
    _, found, rest = text.partition('"code":')
    return rest.split(",")[0].strip(' "}') if found else ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _read(record: Mapping[str, Any]) -> CatalogueRow:
    code = record.get("code", "")
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code)
    if not isinstance(code, str):
        raise RowRefused("unreadable_code", "the code is neither text nor a number")
    return read_row(code.strip(), _facts(record))


def _facts(record: Mapping[str, Any]) -> ProductFacts:
    language = _text(record, "lang", 10)
    names = ("product_name", f"product_name_{language}", "product_name_en", "generic_name")
    facts: ProductFacts = {"name": next((name for field in names if (name := _text(record, field))), "")}
    if brand := _text(record, "brands", 1_000).split(",")[0].strip():
        facts["brand"] = clean_text(brand, "brand")
    if quantity := _text(record, "quantity", 1_000)[:80]:
        facts["quantity_text"] = quantity
    weight_g = _weight_g(record, quantity)
    if weight_g is not None:
        facts["weight_g"] = weight_g
    if category := _category(record):
        facts["category"] = category
    labels, analysis = _tags(record, "labels_tags"), _tags(record, "ingredients_analysis_tags")
    if labels or analysis:
        facts["food_types"] = food_types_of_tags(labels, analysis)
    contained, traces = _tags(record, "allergens_tags"), _tags(record, "traces_tags")
    if contained:
        allergens, are_all_understood = allergens_of_tags(contained)
        facts["allergens"], facts["allergens_are_known"] = allergens, are_all_understood
    if traces:
        facts["traces"] = allergens_of_tags(traces)[0]
    return facts


def _text(record: Mapping[str, Any], field: str, longest: int = 200) -> str:
    value = record.get(field)
    return clean_text(html.unescape(value), field, longest) if isinstance(value, str) else ""


def _tags(record: Mapping[str, Any], field: str) -> list[str]:
    value = record.get(field)
    tags = value if isinstance(value, list) else []
    return [tag.strip().lower() for tag in tags if isinstance(tag, str) and tag.strip()]


def _weight_g(record: Mapping[str, Any], quantity: str) -> int | None:
    """Grams of the whole pack; a millilitre counts as a gram, near enough for a load cell."""
    amount = record.get("product_quantity")
    unit = record.get("product_quantity_unit")
    if isinstance(amount, bool) or not isinstance(amount, str | int | float) or amount == "":
        return None
    weight_g = weight_of(str(amount))
    if unit in ("g", "ml"):
        return weight_g
    # Without a unit the number may be one that was not converted: 1 for "1 gallon".
    not_converted = unit is not None or (quantity.startswith(f"{amount} ") and not _is_metric(quantity))
    return None if not_converted else weight_g


def _is_metric(quantity: str) -> bool:
    unit = quantity.split()[1].lower().rstrip(".")
    return unit in ("g", "gr", "gram", "grams", "gramm", "grammes", "ml")


def _category(record: Mapping[str, Any]) -> str | None:
    """The most general tag that says something, as words; else the food group; else what says little."""
    tags = _tags(record, "categories_tags")
    english = [tag for tag in tags if tag.startswith("en:")] or tags
    telling = [tag for tag in english if tag not in CATEGORIES_THAT_SAY_LITTLE]
    groups = [_text(record, field) for field in ("pnns_groups_2", "pnns_groups_1")]
    named = [group for group in groups if group and group.lower() != "unknown"]
    found = [words_of_tag(tag) for tag in telling[:1]] + named + [words_of_tag(tag) for tag in english[-1:]]
    return clean_text(found[0], "category", 1_000)[:80].strip() if found else None
