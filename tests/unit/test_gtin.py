"""The laws of codes: check digits find mistakes, and every way to write one product's code comes out equal."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.gtin import (
    Gtin,
    HouseCode,
    UnreadableCode,
    WrongCheckDigit,
    check_digit,
    expand_upc_e,
    has_right_check_digit,
    normalise_code,
)

DIGITS = "0123456789"


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=length, max_size=length)


def with_check_digit(body: str) -> str:
    return f"{body}{check_digit(body)}"


PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=512)
LONG_GTINS = st.sampled_from([11, 12, 13]).flatmap(digits).map(with_check_digit)
UPC_E = digits(6).map(lambda six: f"0{six}{check_digit(expand_upc_e(f'0{six}0')[:-1])}")


@pytest.mark.parametrize(
    ("code", "gtin14"),
    [
        ("96385074", "00000096385074"),  # EAN-8
        ("4006381333931", "04006381333931"),  # EAN-13
        ("036000291452", "00036000291452"),  # UPC-A
        ("04252614", "00042100005264"),  # UPC-E
        ("00012345600012", "00012345600012"),  # GTIN-14
        ("]E04006381333931", "04006381333931"),
        ("]E496385074", "00000096385074"),
        ("]E3977147396801212", "09771473968012"),
        ("]E3977147396801212345", "09771473968012"),
        ("]I100012345600012", "00012345600012"),
        ("]C10109521234543213", "09521234543213"),
        ("]C10109521234543213\x1d10ABC", "09521234543213"),
        ("]d2010952123454321317291231", "09521234543213"),
        ("]d21729123110ABC\x1d0109521234543213", "09521234543213"),
        ("]e00109521234543213", "09521234543213"),
        ("\x1d0109521234543213", "09521234543213"),
        ("(01)09521234543213(10)ABC", "09521234543213"),
        ("https://id.gs1.org/01/09521234543213/10/ABC", "09521234543213"),
        ("HTTPS://EXAMPLE.COM/01/9521234543213?17=291231", "09521234543213"),
    ],
)
def test_every_way_a_scanner_writes_a_code_gives_its_14_digits(code: str, gtin14: str) -> None:
    assert normalise_code(code) == Gtin(gtin14)


@pytest.mark.parametrize(
    "code",
    ["LOOSE-CARROTS", "1234567", "123456789", "12345678901", "123456789012345", "]C110ABC", "]C1010952", "x" * 512],
)
def test_what_is_no_gtin_is_kept_as_a_house_code(code: str) -> None:
    assert normalise_code(code) == HouseCode(code)


@pytest.mark.parametrize(
    "code", ["", " ", "40063 81333931", "4006381333931\r", "x" * 513, "a\x00b", "café", "٤٠٠٦٣٨١٣", "\ud800"]
)
def test_a_code_that_cannot_be_printed_or_sent_is_unreadable(code: str) -> None:
    with pytest.raises(UnreadableCode):
        normalise_code(code)


def test_a_wrong_check_digit_is_named_with_the_right_one() -> None:
    assert normalise_code("4006381333932") == WrongCheckDigit("4006381333932", expected=1)
    assert normalise_code("]C10109521234543214") == WrongCheckDigit("]C10109521234543214", expected=3)
    assert normalise_code("04252615") == WrongCheckDigit("04252615", expected=4)


def test_eight_digits_are_kept_as_ean_8_where_it_fits_and_else_as_upc_e() -> None:
    both = "00511292"
    assert has_right_check_digit(both)
    assert has_right_check_digit(expand_upc_e(both))
    assert normalise_code(both) == Gtin(both.zfill(14))
    only_ean_8 = with_check_digit("0425261")
    assert not has_right_check_digit(expand_upc_e(only_ean_8))
    assert normalise_code(only_ean_8) == Gtin(only_ean_8.zfill(14))


@given(LONG_GTINS | digits(7).filter(lambda body: body[0] != "0").map(with_check_digit), st.data())
def test_any_single_wrong_digit_is_found(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from(DIGITS.replace(code[place], "")))
    misread = code[:place] + wrong + code[place + 1 :]
    assume(len(code) > 8 or misread[0] != "0")  # then eight digits may be a UPC-E
    assert not has_right_check_digit(misread)
    assert isinstance(normalise_code(misread), WrongCheckDigit)


@given(LONG_GTINS, st.data())
def test_neighbours_that_swapped_places_are_found_unless_they_differ_by_five(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 2))
    first, second = code[place], code[place + 1]
    assume(abs(int(first) - int(second)) not in (0, 5))
    assert not has_right_check_digit(code[:place] + second + first + code[place + 2 :])


@given(UPC_E)
def test_upc_e_is_the_same_product_as_the_upc_a_behind_it(code: str) -> None:
    assume(not has_right_check_digit(code))  # then it may be an EAN-8 as well
    upc_a = expand_upc_e(code)
    assert len(upc_a) == 12
    assert upc_a[-1] == code[-1]
    assert normalise_code(code) == normalise_code(upc_a) == Gtin(upc_a.zfill(14))


@given(LONG_GTINS)
def test_zeros_in_front_make_no_other_product(code: str) -> None:
    assert {normalise_code(code.zfill(length)) for length in range(max(len(code), 12), 15)} == {Gtin(code.zfill(14))}


@given(LONG_GTINS)
def test_a_code_with_its_symbology_or_in_an_element_string_is_the_same_product(code: str) -> None:
    for written in (f"]E0{code}", f"]C101{code.zfill(14)}", f"]d201{code.zfill(14)}10LOT", f"(01){code.zfill(14)}"):
        assert normalise_code(written) == Gtin(code.zfill(14))


@given(PRINTABLE | LONG_GTINS | UPC_E | st.text(DIGITS, max_size=20))
def test_what_was_normalised_stays_as_it_is(code: str) -> None:
    try:
        normalised = normalise_code(code)
    except UnreadableCode:
        return
    match normalised:
        case Gtin(gtin14):
            assert len(gtin14) == 14
            assert normalise_code(gtin14) == normalised
        case HouseCode(kept):
            assert kept == code
            assert normalise_code(kept) == normalised
        case WrongCheckDigit():
            assert normalise_code(code) == normalised


@given(st.text())
def test_any_text_is_normalised_or_unreadable_and_nothing_else(code: str) -> None:
    try:
        normalised = normalise_code(code)
    except UnreadableCode:
        return
    assert isinstance(normalised, Gtin | HouseCode | WrongCheckDigit)
