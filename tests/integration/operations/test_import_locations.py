"""Importing where products stand: checked against the plan, a product's places replaced as a whole."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.catalogue import load_catalogue
from services.operations.layout import load_layout
from services.operations.locations import load_locations
from services.operations.price_rules import parse_price_rule
from services.operations.refusals import Report
from tests.integration.operations.test_import_layout import plan

Command = Callable[..., tuple[int, list[str], str]]
HEADER = "code,floor,x,y,section,aisle_num,shelf_num\n"


@pytest.fixture
def shop(connection: Connection[TupleRow], tmp_path: Path) -> Connection[TupleRow]:
    """A store with a plan, and three products A, B and C."""
    load_layout(connection, plan())
    products = tmp_path / "products.csv"
    products.write_text("code,name\nA,Apples\nB,Butter\nC,Crackers\n")
    load_catalogue(connection, products, parse_price_rule("fixed:1"), Report())
    return connection


@pytest.fixture
def placed(shop: Connection[TupleRow], tmp_path: Path) -> Callable[[str], tuple[int, int, int, int]]:
    """Imports these rows: (imported, updated, removed, refused)."""

    def place(rows: str) -> tuple[int, int, int, int]:
        file = tmp_path / "places.csv"
        file.write_text(HEADER + rows)
        report = Report()
        done = load_locations(shop, file, "corner-shop", report)
        return done.imported, done.updated, done.removed, report.refused

    return place


def places(shop: Connection[TupleRow]) -> list[tuple[object, ...]]:
    return shop.execute(
        "SELECT product.name, l.floor, l.x, l.y, store_section.name, aisle_num, shelf_num FROM product_location AS l"
        " JOIN product USING (product_id) LEFT JOIN store_section USING (section_id) ORDER BY product.name, l.x"
    ).fetchall()


def test_products_stand_where_the_file_says_and_twice_is_as_good_as_once(
    shop: Connection[TupleRow], placed: Callable[[str], tuple[int, int, int, int]]
) -> None:
    rows = "A,0,4.2,3,Dairy,1,2\nA,0,4.8,3,dairy,,\nB,0,4.2,4.5,,2,\n"
    assert placed(rows) == (3, 0, 0, 0)
    assert placed(rows) == (0, 0, 0, 0)
    assert places(shop) == [
        ("Apples", 0, 4.2, 3.0, "Dairy", "1", "2"),
        ("Apples", 0, 4.8, 3.0, "Dairy", None, None),
        ("Butter", 0, 4.2, 4.5, None, "2", None),
    ]


def test_a_product_of_the_file_moves_and_the_others_stay(
    shop: Connection[TupleRow], placed: Callable[[str], tuple[int, int, int, int]]
) -> None:
    placed("A,0,1,1,,,\nA,0,2,2,,,\nB,0,3,3,,,\n")
    assert placed("A,0,1,1,Dairy,,\nA,0,9,9,,,\n") == (1, 1, 1, 0)
    assert [(name, x) for name, _, x, *_ in places(shop)] == [("Apples", 1.0), ("Apples", 9.0), ("Butter", 3.0)]


def test_each_wrong_row_has_its_reason_and_the_right_ones_are_imported(
    shop: Connection[TupleRow], smartcart: Command, tmp_path: Path
) -> None:
    file, report = tmp_path / "places.csv", tmp_path / "report.csv"
    file.write_text(
        HEADER
        + "A,0,1,1,Dairy,1,1\n"
        + "Z,0,1,1,,,\n"
        + "A,7,1,1,,,\n"
        + "A,0,nan,1,,,\n"
        + "A,0,1,1e999,,,\n"
        + "A,0,10.1,1,,,\n"
        + "A,0,1,1,Wine,,\n"
        + "A,0,1,1,,,\n"
        + ",0,1,1,,,\n"
        + "A,0,1\n"
        + "9521234010013,0,1,1,,,\n"
        + "A,ground,1,1,,,\n"
    )
    exit_code, lines, _ = smartcart("import", "locations", file, "--store", "corner-shop", "--report", report)
    assert exit_code == 0
    assert lines[-1] == "imported=1 updated=0 refused=11 removed=0"
    with report.open(newline="", encoding="utf-8") as opened:
        reasons = {int(row["line"]): row["reason"] for row in csv.DictReader(opened)}
    assert reasons == {
        3: "unknown_code",
        4: "unknown_floor",
        5: "not_a_number",
        6: "not_a_number",
        7: "outside_bounds",
        8: "unknown_section",
        9: "duplicate_place",
        10: "no_code",
        11: "broken_line",
        12: "wrong_check_digit",
        13: "unknown_floor",
    }


def test_locations_need_a_store_with_a_plan(smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(HEADER)
    exit_code, _, error = smartcart("import", "locations", file, "--store", "nowhere")
    assert (exit_code, error) == (1, "smartcart: there is no store 'nowhere'; import its layout first\n")


def test_the_result_is_printed_for_programs(shop: Connection[TupleRow], smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(HEADER + "A,0,1,1,,,\nZ,0,1,1,,,\n")
    exit_code, (line,), _ = smartcart("import", "locations", file, "--store", "corner-shop", "--json")
    assert exit_code == 0
    assert json.loads(line) == {
        "imported": 1,
        "updated": 0,
        "refused": 1,
        "removed": 0,
        "reasons": {"unknown_code": 1},
    }
