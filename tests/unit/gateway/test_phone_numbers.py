"""One phone is one number, however it is written, and what could be two is none."""

import pytest

from services.gateway.phone_numbers import older_spellings, read_number

ADA = "+491701234567"


@pytest.mark.parametrize(
    "written",
    [
        "+491701234567",
        "00491701234567",
        "+4901701234567",
        "004901701234567",
        "01701234567",
        "491701234567",
        "4901701234567",
        "1701234567",
        "+49 170 1234567",
        "+49 (0)170 123-45-67",
        "0170/1234567",
        "(0170) 1234567",
    ],
)
def test_every_spelling_of_a_german_number_is_one_number(written: str) -> None:
    assert read_number(written, "DE") == ADA


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("0664 1234567", "AT", "+436641234567"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("1 202 555 0123", "US", "+12025550123"),
        ("0049 170 1234567", "US", ADA),
        ("98765 43210", "IN", "+919876543210"),
        ("347 123 4567", "IT", "+393471234567"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("8 912 345-67-89", "RU", "+79123456789"),
        ("+99970000300001", "DE", "+99970000300001"),
    ],
)
def test_a_number_is_read_as_it_is_dialled_where_the_store_is(written: str, region: str, number: str) -> None:
    assert read_number(written, region) == number


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("01701234567", ""),
        ("01701234567", "US"),
        ("+49", "DE"),
        ("+49170", "DE"),
        ("+4917012345678901", "DE"),
        ("+0170123456789", "DE"),
        ("0000000000", "DE"),
        ("0" * 20, "DE"),
    ],
)
def test_what_is_no_number_here_is_not_guessed_at(written: str, region: str) -> None:
    assert read_number(written, region) is None


@pytest.mark.parametrize("number", [ADA, "+12025550123", "+390612345678", "+79123456789", "+99970000300001"])
@pytest.mark.parametrize("region", ["DE", "US", "IT", "RU", ""])
def test_older_spellings_are_those_that_are_read_as_the_number(number: str, region: str) -> None:
    assert all(read_number(spelt, region) == number for spelt in older_spellings(number, region))
    assert read_number(number, region) == number, "the canonical spelling is its own"


def test_older_spellings_of_a_number_of_the_region_are_all_looked_for() -> None:
    assert set(older_spellings(ADA, "DE")) == {
        *("491701234567", "00491701234567", "4901701234567", "004901701234567", "01701234567", "1701234567")
    }
    assert "1701234567" not in older_spellings(ADA, "US")
