"""Open Food Facts as it comes: what a record tells, and what it does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.operations.catalogue_row import ALLERGENS, ProductFacts
from services.operations.open_food_facts import code_in, read_json_line, tsv_reader
from services.operations.refusals import RowRefused
from services.operations.tags import allergens_of_tags, food_types_of_tags

CODE = "9521234010012"


def facts(**fields: Any) -> ProductFacts:
    return read_json_line(json.dumps({"code": CODE, "product_name": "Oats", **fields})).facts


def test_a_record_becomes_facts() -> None:
    assert facts(
        brands="Mill, Grain",
        quantity="350 g",
        product_quantity=350,
        product_quantity_unit="g",
        categories_tags=["en:breakfasts", "en:spreads"],
        labels_tags=["en:organic"],
        allergens_tags=["en:gluten"],
        traces_tags=["en:nuts"],
    ) == {
        "barcode": CODE,
        "name": "Oats",
        "brand": "Mill",
        "quantity_text": "350 g",
        "weight_g": 350,
        "category": "Breakfasts",
        "food_types": {"Organic"},
        "allergens": {"gluten"},
        "allergens_are_known": True,
        "traces": {"nuts"},
    }


@pytest.mark.parametrize("empty", [{}, {"allergens_tags": [], "traces_tags": [], "categories_tags": [], "brands": ""}])
def test_what_nobody_filled_in_is_not_stated(empty: dict[str, Any]) -> None:
    assert facts(**empty) == {"barcode": CODE, "name": "Oats"}


@pytest.mark.parametrize(
    ("fields", "weight_g"),
    [
        ({"product_quantity": "500", "quantity": "500 g"}, 500),
        ({"product_quantity": 85.05, "quantity": "3 oz"}, 85),
        ({"product_quantity": 330, "product_quantity_unit": "ml"}, 330),
        ({"product_quantity": 0.2, "product_quantity_unit": "g"}, 1),
        ({"product_quantity": "1000", "quantity": "1 l."}, 1000),
        ({"product_quantity": "1", "quantity": "1 gallon (3.78 L)"}, None),
        ({"product_quantity": 6, "product_quantity_unit": "pieces"}, None),
        ({"product_quantity": 0}, None),
        ({"product_quantity": ""}, None),
        ({"product_quantity": True}, None),
        ({"product_quantity": [1]}, None),
    ],
)
def test_weight_is_grams_where_the_record_tells_them(fields: dict[str, Any], weight_g: int | None) -> None:
    assert facts(**fields).get("weight_g") == weight_g


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"categories_tags": ["en:snacks", "en:sweet-snacks", "en:bonbons"]}, "Sweet snacks"),
        ({"categories_tags": ["en:snacks"]}, "Snacks"),
        ({"categories_tags": ["en:groceries"], "pnns_groups_1": "Fat and sauces"}, "Fat and sauces"),
        ({"categories_tags": ["fr:boissons", "en:sodas"]}, "Sodas"),
        ({"categories_tags": ["fr:boissons"]}, "Boissons"),
        ({"pnns_groups_1": "unknown", "pnns_groups_2": "Cheese"}, "Cheese"),
        ({"pnns_groups_1": "unknown", "pnns_groups_2": "unknown"}, None),
    ],
)
def test_the_category_is_the_most_general_that_says_something(fields: dict[str, Any], category: str | None) -> None:
    assert facts(**fields).get("category") == category


def test_another_name_stands_in_for_a_missing_one() -> None:
    record = {"code": CODE, "product_name": " ", "lang": "de", "product_name_de": "Haferflocken"}
    assert read_json_line(json.dumps(record)).facts["name"] == "Haferflocken"
    assert facts(product_name="Fish &amp; Chips")["name"] == "Fish & Chips"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "broken_line"),
        ("{", "broken_line"),
        ('{"code": "1"} {}', "broken_line"),
        ("[]", "broken_line"),
        ('"text"', "broken_line"),
        ('{"code": NaN}', "broken_line"),
        ("[" * 100_000, "broken_line"),
        ('{"code": ' + "9" * 5_000 + "}", "broken_line"),
        ('{"product_name": "x"}', "no_code"),
        ('{"code": null, "product_name": "x"}', "unreadable_code"),
        ('{"code": true, "product_name": "x"}', "unreadable_code"),
        ('{"code": "9521234010013", "product_name": "x"}', "wrong_check_digit"),
        ('{"code": "9521234010012"}', "no_name"),
        ('{"code": "9521234010012", "product_name": 7}', "no_name"),
        ('{"code": "9521234010012", "product_name": "a\\u0000b"}', "control_character"),
        ('{"code": "9521234010012", "product_name": "a\\ud83d"}', "encoding"),
        ('{"code": "9521234010012", "product_name": "a", "product_quantity": 1e400}', "weight"),
        ('{"code": "9521234010012", "product_name": "a", "product_quantity": -1}', "weight"),
        ('{"code": "9521234010012", "product_name": "a", "product_quantity": 5000000}', "weight"),
    ],
)
def test_each_broken_record_has_its_reason(line: str, reason: str) -> None:
    with pytest.raises(RowRefused) as refused:
        read_json_line(line)
    assert refused.value.reason == reason


def test_a_code_may_be_a_number() -> None:
    assert read_json_line('{"code": 9521234010012, "product_name": "x"}').key == "09521234010012"


def test_the_csv_export_is_read_like_the_json_lines() -> None:
    header = "code\turl\tproduct_name\tbrands\tquantity\tcategories_tags\tallergens\ttraces_tags\tproduct_quantity"
    line = f'{CODE}\thttp\tOats "fine"\tMill\t500 g\ten:snacks,en:breakfasts\ten:gluten,en:milk\t\t500'
    row = tsv_reader(header)(line)
    assert row.facts == {
        "barcode": CODE,
        "name": 'Oats "fine"',
        "brand": "Mill",
        "quantity_text": "500 g",
        "weight_g": 500,
        "category": "Breakfasts",
        "allergens": {"gluten", "milk"},
        "allergens_are_known": True,
    }
    with pytest.raises(RowRefused) as refused:
        tsv_reader(header)(line + "\tmore")
    assert refused.value.reason == "broken_line"
    assert code_in(line, header) == CODE
    assert code_in(f'{{"code": "{CODE}", "broken', "") == CODE


def test_allergens_outside_the_taxonomy_are_found_by_their_words() -> None:
    assert allergens_of_tags(["de:hühnereiweiss", "de:wheyprotein", "de:weizenprotein"]) == (
        frozenset({"eggs", "milk", "gluten"}),
        True,
    )
    assert allergens_of_tags(["en:shellfish"]) == (frozenset({"crustaceans", "molluscs"}), True)
    assert allergens_of_tags(["en:none"]) == (frozenset(), True)
    assert allergens_of_tags(["en:gelatin", "en:goat"]) == (frozenset(), False)


def test_allergens_are_not_known_when_a_word_was_not_understood() -> None:
    found = facts(allergens_tags=["en:milk", "xx:zzz"])
    assert found["allergens"] == {"milk"}
    assert not found["allergens_are_known"]


def test_food_types_are_what_is_stated_and_not_ruled_out() -> None:
    assert food_types_of_tags(["en:no-gluten", "en:kosher"], ["en:vegan"]) == {
        "Gluten-free",
        "Kosher",
        "Vegan",
        "Vegetarian",
    }
    assert food_types_of_tags([], ["en:maybe-vegan", "en:vegetarian-status-unknown"]) == frozenset()
    assert food_types_of_tags(["en:vegan"], ["en:non-vegetarian"]) == frozenset()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
FIELDS = [
    *("code", "product_name", "generic_name", "lang", "brands", "pnns_groups_1"),
    *("quantity", "product_quantity", "product_quantity_unit"),
    *("categories_tags", "labels_tags", "allergens_tags", "traces_tags", "ingredients_analysis_tags"),
]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_any_record_is_a_row_or_refused_and_nothing_else(fields: dict[str, Any]) -> None:
    try:
        row = read_json_line(json.dumps({"code": CODE, "product_name": "Oats", **fields}))
    except RowRefused:
        return
    assert row.facts["name"]
    assert row.facts.get("allergens", frozenset()) <= ALLERGENS
    texts = [value for value in row.facts.values() if isinstance(value, str)]
    assert not any("\x00" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in texts)
