"""What a scanner may read, made into one form: the 14 digits of a GTIN, or a house code kept as it is.

Rules: GS1 General Specifications, section 7.9 (check digit), 7.8 (element strings), the section on UPC-E
(zero suppression) and ISO/IEC 15424 (symbology identifiers such as `]C1`). Weight or price inside codes of the
company-internal prefixes 02 and 20 to 29 is not read; each such code is a GTIN like any other.
"""

import re
from dataclasses import dataclass

MAX_CODE_LENGTH = 512  # as in the MQTT contract

_GROUP_SEPARATOR = "\x1d"  # how scanners transmit FNC1 between element strings
_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_CODE_LENGTH}}}")
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_DIGITS = re.compile(r"[0-9]{8}|[0-9]{12,14}")
# GS1 Digital Link: the GTIN follows the path element 01.
_DIGITAL_LINK = re.compile(r"https?://[^?#]*/01/([0-9]{8}|[0-9]{12,14})(?:[/?#]|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"\(01\)([0-9]{14})")
# Section 7.8: total length of element strings whose first two digits promise it, application identifier included.
_PREDEFINED_LENGTH = (
    {"00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "20": 4, "41": 16}
    | {str(number): 8 for number in range(11, 20)}
    | {str(number): 10 for number in range(31, 37)}
)


@dataclass(frozen=True, slots=True)
class Gtin:
    """A GTIN with a right check digit, zeros put in front up to 14 digits."""

    gtin14: str


@dataclass(frozen=True, slots=True)
class HouseCode:
    """A code of the shop's own: not all digits, or digits of a length no GTIN has."""

    code: str


@dataclass(frozen=True, slots=True)
class WrongCheckDigit:
    """Digits that would be a GTIN if the last one were `expected`: a misread or mistyped code."""

    code: str
    expected: int


class UnreadableCode(ValueError):
    """A code that is empty, longer than 512 characters, or holds spaces, controls or anything but ASCII."""

    code = "unreadable_code"


NormalisedCode = Gtin | HouseCode | WrongCheckDigit


def check_digit(body: str) -> int:
    """The digit that follows `body`, the digits of a GTIN without its last: weights 3, 1, 3 … from the right."""
    return -(3 * sum(map(int, body[::-2])) + sum(map(int, body[-2::-2]))) % 10


def has_right_check_digit(digits: str) -> bool:
    """Whether the last of `digits` is the check digit of those before it."""
    return check_digit(digits[:-1]) == int(digits[-1])


def expand_upc_e(digits: str) -> str:
    """The 12 digits of UPC-A behind 8 digits of UPC-E (number system, six digits, check digit)."""
    system, body, check = digits[0], digits[1:7], digits[7]
    match body[5]:
        case "0" | "1" | "2":
            middle = f"{body[:2]}{body[5]}0000{body[2:5]}"
        case "3":
            middle = f"{body[:3]}00000{body[3:5]}"
        case "4":
            middle = f"{body[:4]}00000{body[4]}"
        case _:
            middle = f"{body[:5]}0000{body[5]}"
    return f"{system}{middle}{check}"


def normalise_code(code: str) -> NormalisedCode:
    """The one form of what a scanner read; two codes of one product come out equal. Idempotent.

    Understood: EAN-8, EAN-13, UPC-A, UPC-E with 8 digits, GTIN-14, each also behind a symbology identifier; GS1
    element strings with application identifier (01), and GS1 Digital Links.

    Eight digits are ambiguous: they are kept as EAN-8 where that check digit fits, else a leading 0 makes a UPC-E.
    Which of the two was meant is told at the scan (`shared.domain.reading`). Raises UnreadableCode.
    """
    symbology = _SYMBOLOGY.match(code)
    payload = code[symbology.end() :] if symbology else code
    if symbology and symbology[0] == "]E3" and len(payload) in (15, 18):
        payload = payload[:13]  # the add-on of magazines and books does not name another product
    if _DIGITS.fullmatch(payload):
        return _normalise_digits(payload, code)
    gtin = _find_gtin(payload, is_element_string=symbology is not None or payload.startswith(_GROUP_SEPARATOR))
    if gtin is not None:
        return _normalise_digits(gtin, code)
    if not _PRINTABLE.fullmatch(code):
        raise UnreadableCode(f"a code has 1 to {MAX_CODE_LENGTH} printable ASCII characters without spaces")
    return HouseCode(code)


def _normalise_digits(digits: str, code: str) -> Gtin | WrongCheckDigit:
    if has_right_check_digit(digits):
        return Gtin(digits.zfill(14))
    if len(digits) == 8 and digits[0] == "0":
        upc_a = expand_upc_e(digits)
        if has_right_check_digit(upc_a):
            return Gtin(upc_a.zfill(14))
        return WrongCheckDigit(code, check_digit(upc_a[:-1]))
    return WrongCheckDigit(code, check_digit(digits[:-1]))


def _find_gtin(payload: str, *, is_element_string: bool) -> str | None:
    if link := _DIGITAL_LINK.match(payload):
        return link[1]
    if bracketed := _BRACKETED.match(payload):
        return bracketed[1]
    return _gtin_in_element_string(payload) if is_element_string else None


def _gtin_in_element_string(payload: str) -> str | None:
    """The value of application identifier (01), wherever it stands; elements end by their length or by FNC1."""
    rest = payload.lstrip(_GROUP_SEPARATOR)
    while rest:
        length = _PREDEFINED_LENGTH.get(rest[:2])
        element, rest = (rest[:length], rest[length:]) if length else rest.partition(_GROUP_SEPARATOR)[::2]
        if element.startswith("01") and _DIGITS.fullmatch(element[2:]) and len(element) == 16:
            return element[2:]
        rest = rest.removeprefix(_GROUP_SEPARATOR)
    return None
