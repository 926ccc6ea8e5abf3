"""What scanners send is read as the standards say, or refused with a reason; nothing raises."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gtin import has_right_check_digit
from shared.domain.reading import ReadError, Reading, read_code

TODAY = date(2026, 11, 30)
GTIN = "09520000001230"
VALUES = {"10": "AB-12", "21": "S/7", "17": "270131", "3103": "001750", "30": "12", "240": "X1", "95": "own"}
FIXED = {"01", "17", "3103"}


def read(text: str) -> Reading:
    return read_code(text, TODAY)


@pytest.mark.realdata
def test_every_output_of_real_readers_is_read_right() -> None:
    folder = next((one / "shared/data" for one in Path(__file__).parents if (one / "shared/data").is_dir()), None)
    if folder is None:
        pytest.skip("the data folder is not beside the checkout")
    rows = [json.loads(line) for line in (folder / "scanner-outputs.jsonl").read_text().splitlines()]
    wrong = [row["id"] for row in rows if (read(row["text"]).gtin, read(row["text"]).ai) != (row["gtin"], row["ai"])]
    assert rows
    assert wrong == []


@pytest.mark.parametrize("ending", ["\r", "\n", "\t", "\r\n"])
def test_what_a_scanner_module_adds_at_the_end_is_taken_off(ending: str) -> None:
    assert read(f"4006381333931{ending}") == read("4006381333931")
    assert read(f"HOUSE-1{ending}").keys == ("HOUSE-1",)


@pytest.mark.parametrize("identifier", ["]Q1", "]C0", "]A0", "]d1", "]z0", "]L2", "]R4"])
def test_any_symbology_identifier_is_no_part_of_the_code(identifier: str) -> None:
    assert read(f"{identifier}4006381333931").gtin == "04006381333931"
    assert read(f"{identifier}HOUSE-1").item_code == "HOUSE-1"


def test_eight_digits_are_decided_by_the_symbology_and_looked_up_as_both_without_one() -> None:
    assert read("]E400511292").keys == ("00000000511292",)
    assert read("]E000511292").keys == ("00005112000092",)
    assert read("00511292") == Reading(("00000000511292", "00005112000092"), True, "00000000511292")
    assert read("005112000092").keys == ("00005112000092",)


def test_elements_say_weight_price_dates_lot_and_serial() -> None:
    found = read("]d2010952000000123031030017503922199\x1d17270200\x1d10L1\x1d21S1")
    assert (found.gtin, found.weight_g, found.price_minor) == (GTIN, 1750, 199)
    assert (found.expiry, found.lot, found.serial) == (date(2027, 2, 28), "L1", "S1")


def test_an_impossible_date_does_not_take_the_product_with_it() -> None:
    assert (read("01095200000012301727133110L").gtin, read("01095200000012301727133110L").expiry) == (GTIN, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("4006381333932", ReadError.WRONG_CHECK_DIGIT),
        ("(01)09520000001231", ReadError.WRONG_CHECK_DIGIT),
        ("https://shop.example/01/9520000001231", ReadError.WRONG_CHECK_DIGIT),
        ("", ReadError.UNREADABLE_CODE),
        ("x" * 513, ReadError.UNREADABLE_CODE),
        ("two words", ReadError.UNREADABLE_CODE),
        ("]C1010952000", ReadError.UNREADABLE_CODE),
    ],
)
def test_what_cannot_be_understood_says_why(text: str, error: ReadError) -> None:
    assert read(text) == Reading(error=error)


@given(st.lists(st.sampled_from(sorted(VALUES)), unique=True), st.data())
def test_elements_read_the_same_in_any_order_and_however_fnc1_is_written(
    chosen: list[str], data: st.DataObject
) -> None:
    elements = {"01": GTIN} | {identifier: VALUES[identifier] for identifier in chosen}
    order = data.draw(st.permutations(sorted(elements)))
    bracketed = "".join(f"({identifier}){elements[identifier]}" for identifier in order)
    for fnc1 in ("\x1d", "<GS>"):
        bare = "".join(f"{one}{elements[one]}{'' if one in FIXED else fnc1}" for one in order)
        for text in (bare, f"]d2{bare}", f"]C1{bare}", bracketed):
            found = read(text)
            assert (found.gtin, found.ai, found.error) == (GTIN, elements, None)


ODD = st.text(st.sampled_from("0123456789()[]\x1d<>GS]CEdQ13httpsHTTPS:/.?=&%-A\r\n é"), max_size=60)


@given(st.text() | ODD)
def test_any_text_is_a_reading_and_never_one_with_a_wrong_check_digit(text: str) -> None:
    found = read(text)
    assert found.gtin is None or has_right_check_digit(found.gtin)
    assert (found.error is None) == bool(found.keys or found.ai)
