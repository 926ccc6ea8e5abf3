"""Importing a catalogue into a real database: twice the same, nothing lost, each refused row with line and reason."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.catalogue import load_catalogue
from services.operations.price_rules import PriceRequired, parse_price_rule
from services.operations.refusals import Report
from shared.db.catalogue import CatalogueProduct, list_products_by_codes, list_sim_products

Command = Callable[..., tuple[int, list[str], str]]
REAL_PRODUCTS = Path(__file__).parents[3].parent / "shared" / "data" / "openfoodfacts-products.jsonl"

OATS = "9521234010012"
MILK = "9521234010029"
RULE = parse_price_rule("hash:0.49-9.99")


@pytest.fixture
def loaded(connection: Connection[TupleRow], tmp_path: Path) -> Callable[..., tuple[int, int, int]]:
    """Imports a file with this text: (imported, updated, refused)."""

    def load(text: str, rule: str = "hash:0.49-9.99") -> tuple[int, int, int]:
        file = tmp_path / "file"
        file.write_text(text, encoding="utf-8")
        report = Report()
        done = load_catalogue(connection, file, parse_price_rule(rule), report)
        return done.imported, done.updated, report.refused

    return load


def product(connection: Connection[TupleRow], code: str) -> CatalogueProduct:
    return list_products_by_codes(connection, [code])[code].product


def test_the_second_run_changes_nothing(smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(
        "code,name,brand,quantity,price,discounted_price,offer,weight_g,category,food_types,allergens,traces,tax_rate,"
        f"expiry,image,more_codes\n{OATS},Oats,Mill,500 g,1.99,1.49,Oat week,515,Breakfast,Vegan|Organic,gluten,nuts,"
        f"19,2027-01-31,oats.jpg,OATS-1\n{MILK},Milk,,,,,,,,,none,,,,,\nLOOSE-1,Carrots,,,0.99,,,,,,,,,,,\n"
    )
    assert smartcart("import", "catalogue", file)[:2] == (0, ["imported=3 updated=0 refused=0"])
    assert smartcart("import", "catalogue", file)[:2] == (0, ["imported=0 updated=0 refused=0"])
    exit_code, (line,), _ = smartcart("import", "catalogue", file, "--json")
    assert exit_code == 0
    assert json.loads(line) == {"imported": 0, "updated": 0, "unchanged": 3, "refused": 0, "reasons": {}}


def test_each_refused_row_is_in_the_report_with_line_and_reason(smartcart: Command, tmp_path: Path) -> None:
    file, report = tmp_path / "products.csv", tmp_path / "report.csv"
    file.write_bytes(
        b"code,name,price\n"
        b"9521234010012,Oats,1.99\n"
        b"9521234010013,Typing mistake,1.99\n"
        b",Nameless code,1.99\n"
        b"9521234010029,,1.99\n"
        b"\n"
        b"]C10109521234010012,Oats again,2.99\n"
        b"9521234010036,Caf\xe9,1.99\n"
        b"9521234010043,Nu\x00l,1.99\n"
        b"9521234010050,Too dear,99999999\n"
        b"9521234010067,One column too many,1,2\n"
        b'=HYPERLINK("x"),,1\n'
    )
    exit_code, lines, _ = smartcart("import", "catalogue", file, "--report", report)
    assert exit_code == 0
    assert lines[-1] == "imported=1 updated=0 refused=9"
    with report.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["line"], row["reason"]) for row in rows] == [
        ("3", "wrong_check_digit"),
        ("4", "no_code"),
        ("5", "no_name"),
        ("7", "duplicate_code"),
        ("8", "encoding"),
        ("9", "control_character"),
        ("10", "price"),
        ("11", "broken_line"),
        ("12", "no_name"),
    ]
    assert rows[0]["code"] == "9521234010013"
    assert rows[3]["detail"] == "line 2 has the code already"
    assert rows[4]["code"] == "9521234010036"
    assert rows[8]["code"].startswith("'=")  # opened in a spreadsheet it stays text


def test_a_price_is_estimated_until_somebody_states_one_and_then_never_again(
    connection: Connection[TupleRow], loaded: Callable[..., tuple[int, int, int]]
) -> None:
    assert loaded(f"code,name\n{OATS},Oats\n") == (1, 0, 0)
    estimated = product(connection, "0" + OATS)
    assert (estimated.price_minor, estimated.price_is_estimated) == (119, True)
    assert loaded(f"code,name\n{OATS},Oats\n", "fixed:1.00") == (0, 1, 0)
    assert product(connection, "0" + OATS).price_minor == 100
    assert loaded(f"code,name,price\n{OATS},Oats,2.49\n") == (0, 1, 0)
    assert loaded(f"code,name,price\n{OATS},Oats,\n") == (0, 0, 0)
    assert loaded(f"code,name\n{OATS},Oats\n", "none") == (0, 0, 0)
    stated = product(connection, "0" + OATS)
    assert (stated.price_minor, stated.price_is_estimated) == (249, False)


def test_without_a_price_rule_rows_without_a_price_are_refused(loaded: Callable[..., tuple[int, int, int]]) -> None:
    assert loaded(f"code,name,price\n{OATS},Oats,\n{MILK},Milk,1\n", "none") == (1, 0, 1)


def test_one_source_adds_to_what_another_one_said(
    connection: Connection[TupleRow], loaded: Callable[..., tuple[int, int, int]]
) -> None:
    assert loaded(f"code,name,price,offer,weight_g\n{OATS},Oats,1.99,Oat week,515\n") == (1, 0, 0)
    record = {"code": OATS, "product_name": "Rolled oats", "allergens_tags": ["en:gluten"], "labels_tags": ["en:vegan"]}
    assert loaded(json.dumps(record) + "\n") == (0, 1, 0)
    merged = product(connection, "0" + OATS)
    assert (merged.name, merged.offer_name, merged.weight_g) == ("Rolled oats", "Oat week", 515)
    assert (merged.allergens, merged.allergens_are_known) == (frozenset({"gluten"}), True)
    assert (merged.price_minor, merged.price_is_estimated) == (199, False)
    # An empty cell takes away what an absent column leaves.
    assert loaded(f"code,name,offer\n{OATS},Rolled oats,\n") == (0, 1, 0)
    assert product(connection, "0" + OATS).offer_name is None


def test_a_product_keeps_its_number_and_its_codes_when_it_changes(
    connection: Connection[TupleRow], loaded: Callable[..., tuple[int, int, int]]
) -> None:
    loaded(f"code,name,more_codes\n{OATS},Oats,OATS-1\n")
    (before,) = list_sim_products(connection)
    assert before.codes == (OATS, "0" + OATS, "OATS-1")
    assert loaded("code,name\nOATS-1,Better oats\n") == (0, 1, 0)  # another code of the same product
    (after,) = list_sim_products(connection)
    assert (after.product_id, after.codes, after.name) == (before.product_id, before.codes, "Better oats")


def test_a_file_may_not_say_two_things_about_one_product(loaded: Callable[..., tuple[int, int, int]]) -> None:
    loaded(f"code,name,more_codes\n{OATS},Oats,OATS-1\n{MILK},Milk,\n")
    assert loaded(f"code,name\nOATS-1,Better oats\n{OATS},Best oats\n") == (0, 1, 1)
    assert loaded(f"code,name,more_codes\n{OATS},Best oats,{MILK}\n") == (0, 0, 1)


def test_a_discount_above_the_price_is_refused(loaded: Callable[..., tuple[int, int, int]]) -> None:
    assert loaded(f"code,name,price,discounted_price\n{OATS},Oats,1.00,1.01\n") == (0, 0, 1)


def test_searchable_text_is_kept_beside_the_name(
    connection: Connection[TupleRow], loaded: Callable[..., tuple[int, int, int]]
) -> None:
    loaded(f"code,name,brand\n{OATS},Crème brûlée,Höfe\n")
    found = connection.execute("SELECT search_text, search_trigrams @> '{cre,hof}' FROM product").fetchone()
    assert found == ("creme brulee hofe", True)


def test_many_rows_in_a_gzip_file_are_imported_in_batches(connection: Connection[TupleRow], tmp_path: Path) -> None:
    file = tmp_path / "many.csv.gz"
    rows = "".join(f"HOUSE-{number},Product {number},1.00\n" for number in range(1_234))
    file.write_bytes(gzip.compress(f"code,name,price\n{rows}".encode()))
    read: list[int] = []
    done = load_catalogue(connection, file, PriceRequired(), Report(), advance=read.append)
    assert (done.imported, done.updated) == (1_234, 0)
    assert load_catalogue(connection, file, PriceRequired(), Report()).unchanged == 1_234
    assert read == sorted(read)
    assert read[-1] == file.stat().st_size


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"a,b,c\n1,2,3\n", "first line names code and name"),
        (b"\xff\xfec\x00o\x00", "UTF-16"),
        (b"\xe9,name\n", "first line cannot be read"),
    ],
)
def test_a_file_of_no_known_kind_ends_the_command_with_one_line(
    smartcart: Command, tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    exit_code, lines, error = smartcart("import", "catalogue", file)
    assert (exit_code, lines) == (1, [])
    assert sentence in error
    assert error.count("\n") == 1


def test_a_mistake_on_the_command_line_ends_it_with_one_line(smartcart: Command, tmp_path: Path) -> None:
    assert smartcart("import", "catalogue", tmp_path / "none.csv")[::2] == (
        1,
        f"smartcart: {tmp_path}/none.csv: No such file or directory\n",
    )
    assert smartcart("import", "catalogue", tmp_path, "--price-rule", "cheap")[0] == 1
    assert smartcart("import", "catalogue", tmp_path, "--encoding", "klingon")[0] == 1


def test_columns_that_are_left_out_are_named(smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text(f"code,name,prize\n{OATS},Oats,1.00\n")
    assert "'prize' is left out" in smartcart("import", "catalogue", file)[2]


@pytest.mark.realdata
@pytest.mark.skipif(not REAL_PRODUCTS.exists(), reason="the data folder is not beside the checkout")
def test_real_products_are_imported_and_every_refused_row_is_explained(
    connection: Connection[TupleRow], tmp_path: Path
) -> None:
    report = Report()
    first = load_catalogue(connection, REAL_PRODUCTS, RULE, report)
    with REAL_PRODUCTS.open("rb") as file:
        rows = sum(1 for line in file if line.strip())
    assert first.imported + report.refused == rows
    assert first.imported >= 0.95 * rows
    second = load_catalogue(connection, REAL_PRODUCTS, RULE, Report())
    assert (second.imported, second.updated, second.unchanged) == (0, 0, first.imported)
    assert all(49 <= known.price_minor <= 999 for known in list_sim_products(connection))
