"""The demo store: loaded by one command, complete, plausible, and loaded twice the same."""

import json
from collections.abc import Callable

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.demo_store import load_demo_store
from shared.db.catalogue import list_sim_products
from shared.db.stores import find_layout, get_store
from shared.domain.gtin import Gtin, normalise_code
from shared.navigation.layout import parse_layout
from shared.navigation.reachability import check_walkable

Command = Callable[..., tuple[int, list[str], str]]


def test_the_demo_store_is_loaded_by_one_command_and_a_second_one_changes_nothing(smartcart: Command) -> None:
    assert smartcart("import", "demo")[:2] == (
        0,
        ["store=main layout_version=1 locations_changed=306 recipes_changed=13", "imported=300 updated=0 refused=0"],
    )
    assert smartcart("import", "demo")[:2] == (
        0,
        ["store=main layout_version=1 locations_changed=0 recipes_changed=0", "imported=0 updated=0 refused=0"],
    )
    exit_code, (line,), _ = smartcart("import", "demo", "--json")
    assert exit_code == 0
    assert json.loads(line)["imported"] == 0


@pytest.fixture
def demo(connection: Connection[TupleRow]) -> Connection[TupleRow]:
    load_demo_store(connection)
    return connection


def test_every_product_has_an_example_code_a_price_a_weight_and_a_place(demo: Connection[TupleRow]) -> None:
    products = list_sim_products(demo)
    assert len(products) == 300
    for product in products:
        assert product.codes[0].startswith("952")
        assert normalise_code(product.codes[0]) == Gtin("0" + product.codes[0])
        assert 20 <= product.price_minor <= 2_000
        assert product.weight_g is not None
        assert 15 <= product.weight_g <= 20_000
    homeless = demo.execute(
        "SELECT count(*) FROM product WHERE product_id NOT IN (SELECT product_id FROM product_location)"
    ).fetchone()
    assert homeless == (0,)


def test_there_is_something_of_everything(demo: Connection[TupleRow]) -> None:
    counted = demo.execute(
        "SELECT (SELECT count(*) FROM category), (SELECT count(DISTINCT allergen_id) FROM product_allergen),"
        " (SELECT count(DISTINCT food_type_id) FROM product_food_type), (SELECT count(*) FROM recipe),"
        " (SELECT count(*) FROM product WHERE discounted_price_minor < price_minor),"
        " (SELECT array_agg(DISTINCT tax_rate_bp ORDER BY tax_rate_bp) FROM product),"
        " (SELECT count(*) FROM product WHERE price_is_estimated),"
        " (SELECT count(*) FROM store_section)"
    ).fetchone()
    assert counted == (12, 14, 6, 13, 26, [700, 1900], 0, 12)


def test_food_types_never_contradict_the_allergens(demo: Connection[TupleRow]) -> None:
    contradictions = demo.execute(
        "SELECT product.name FROM product JOIN product_food_type USING (product_id)"
        " JOIN food_type USING (food_type_id) JOIN product_allergen USING (product_id)"
        " JOIN allergen USING (allergen_id) WHERE NOT traces_only AND ("
        " (food_type.name = 'Vegan' AND allergen.code IN ('milk', 'eggs', 'fish', 'crustaceans', 'molluscs'))"
        " OR (food_type.name = 'Gluten-free' AND allergen.code = 'gluten'))"
    ).fetchall()
    assert contradictions == []


def test_the_plan_has_twelve_aisle_shelves_two_checkouts_and_all_of_it_can_be_walked_to(
    demo: Connection[TupleRow],
) -> None:
    stored = find_layout(demo, get_store(demo, "main").store_id)
    assert stored is not None
    layout = parse_layout(stored.document)
    assert len(layout.floors[0].shelves) == 13  # and a table of offers before the checkouts
    assert (len(layout.entrances), len(layout.checkouts)) == (1, 2)
    assert check_walkable(layout) == ()


def test_every_place_is_inside_a_shelf_of_its_section(demo: Connection[TupleRow]) -> None:
    stored = find_layout(demo, get_store(demo, "main").store_id)
    assert stored is not None
    shelves = parse_layout(stored.document).floors[0].shelves
    places = demo.execute(
        "SELECT x, y, x1, y1, x2, y2 FROM product_location LEFT JOIN store_section USING (section_id)"
    ).fetchall()
    assert len(places) == 306
    for x, y, *section in places:
        assert any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in shelves)
        if None not in section:
            x1, y1, x2, y2 = section
            assert x1 <= x <= x2
            assert y1 <= y <= y2
