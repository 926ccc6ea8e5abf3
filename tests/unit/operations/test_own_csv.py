"""Our own CSV: what each cell may hold, and the reason that each wrong one is refused for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.operations.catalogue_row import CatalogueRow
from services.operations.csv_rows import Header, find_header
from services.operations.own_csv import COLUMNS, REQUIRED, read_cells
from services.operations.refusals import RowRefused

CODE = "9521234010012"


def read(**cells: str) -> CatalogueRow:
    return read_cells({"code": CODE, "name": "Oats", **cells})


def test_a_full_row_is_read() -> None:
    row = read(
        brand="Mill",
        quantity="500 g",
        price="1,99",
        discounted_price="1.49",
        offer="Oat week",
        weight_g="515.4",
        category="Breakfast",
        food_types="vegan|Organic",
        allergens="gluten",
        traces="nuts | milk",
        tax_rate="19",
        expiry="2027-01-31",
        image="oats.jpg",
        more_codes="OATS-1|]C10109521234010029",
    )
    assert (row.key, row.gtin) == ("09521234010012", "09521234010012")
    assert row.codes == {"09521234010012", "OATS-1", "09521234010029"}
    assert row.facts == {
        "barcode": CODE,
        "name": "Oats",
        "brand": "Mill",
        "quantity_text": "500 g",
        "price_minor": 199,
        "discounted_price_minor": 149,
        "offer_name": "Oat week",
        "weight_g": 515,
        "category": "Breakfast",
        "food_types": {"Vegan", "Organic"},
        "allergens": {"gluten"},
        "allergens_are_known": True,
        "traces": {"nuts", "milk"},
        "tax_rate_bp": 1900,
        "expiry": date(2027, 1, 31),
        "image": "oats.jpg",
    }


def test_an_absent_column_states_nothing_and_an_empty_cell_takes_away() -> None:
    assert read().facts == {"barcode": CODE, "name": "Oats"}
    emptied = read(**dict.fromkeys(COLUMNS - set(REQUIRED), "")).facts
    assert emptied["weight_g"] is None
    assert emptied["offer_name"] is None
    assert emptied["tax_rate_bp"] == 700
    assert "price_minor" not in emptied


def test_no_allergens_and_unknown_allergens_are_different() -> None:
    assert read(allergens="none").facts["allergens_are_known"]
    assert not read(allergens="").facts["allergens_are_known"]


def test_a_house_code_is_kept_as_it_is() -> None:
    row = read_cells({"code": "LOOSE-CARROTS", "name": "Carrots"})
    assert (row.key, row.gtin) == ("LOOSE-CARROTS", None)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"code": ""}, "no_code"),
        ({"code": "9521234010013"}, "wrong_check_digit"),
        ({"code": "95212 34010012"}, "unreadable_code"),
        ({"code": "x" * 513}, "unreadable_code"),
        ({"code": "00000000000000"}, "unreadable_code"),
        ({"more_codes": "9521234010013"}, "wrong_check_digit"),
        ({"name": " \t "}, "no_name"),
        ({"name": "Oa\x00ts"}, "control_character"),
        ({"name": "Oats\x1b[31m"}, "control_character"),
        ({"name": "Oats \ud83d"}, "encoding"),
        ({"name": "x" * 201}, "text_too_long"),
        ({"price": "free"}, "price"),
        ({"price": "-1"}, "price"),
        ({"discounted_price": "a bit"}, "price"),
        ({"weight_g": "-5"}, "weight"),
        ({"weight_g": "NaN"}, "weight"),
        ({"weight_g": "1e400"}, "weight"),
        ({"weight_g": "100001"}, "weight"),
        ({"weight_g": "half a pound"}, "weight"),
        ({"allergens": "dust"}, "allergen"),
        ({"traces": "milk|dust"}, "allergen"),
        ({"tax_rate": "101"}, "tax_rate"),
        ({"tax_rate": "-7"}, "tax_rate"),
        ({"expiry": "31.01.2027"}, "expiry"),
    ],
)
def test_each_wrong_cell_has_its_reason(cells: dict[str, str], reason: str) -> None:
    with pytest.raises(RowRefused) as refused:
        read(**cells)
    assert refused.value.reason == reason
    assert refused.value.detail


@pytest.mark.parametrize(("line", "delimiter"), [("code,name", ","), ("Name; CODE ;x", ";"), ("code\tname", "\t")])
def test_the_header_tells_what_parts_the_columns(line: str, delimiter: str) -> None:
    header = find_header(line, REQUIRED)
    assert header is not None
    assert header.delimiter == delimiter
    assert set(header.names) >= {"code", "name"}


def test_a_line_with_an_open_quote_or_another_number_of_columns_is_broken() -> None:
    header = Header(("code", "name"), ",")
    assert header.row('1,"a, b"') == {"code": "1", "name": "a, b"}
    for broken in ('1,"a', "1", "1,2,3", '1,"a"b'):
        with pytest.raises(RowRefused) as refused:
            header.row(broken)
        assert refused.value.reason == "broken_line"
        assert header.code_in(broken) == "1"


@given(st.dictionaries(st.sampled_from(sorted(COLUMNS)), st.text()))
def test_any_cells_are_a_row_or_refused_and_nothing_else(cells: dict[str, str]) -> None:
    try:
        row = read(**cells)
    except RowRefused:
        return
    assert row.key in row.codes
    assert "\x00" not in row.facts["name"]
