"""GS1 element strings: application identifiers with their values, bare with FNC1 or in brackets.

Source: GS1 General Specifications, sections 3 (identifiers and lengths) and 7.8 (element strings).
"""

import re

GS = "\x1d"  # how scanners transmit FNC1 between element strings

# The identifier's length, told by its first two digits.
_IDENTIFIER_LENGTH = (
    dict.fromkeys(("00", "01", "02", "03", *map(str, range(10, 23)), "30", "37", *map(str, range(90, 100))), 2)
    | dict.fromkeys(("23", "24", "25", "40", "41", "42", "71"), 3)
    | dict.fromkeys(("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82"), 4)
)
# Values of one length, by the beginning of the identifier: they end without FNC1.
_FIXED = (
    {"00": 18, "01": 14, "02": 14, "03": 14, "20": 2, "41": 13}
    | dict.fromkeys(("11", "12", "13", "15", "16", "17"), 6)
    | dict.fromkeys(("31", "32", "33", "34", "35", "36"), 6)
)
_LONGEST = {
    "10": 20,
    "21": 20,
    "22": 20,
    "235": 28,
    "30": 8,
    "37": 8,
    "242": 6,
    "243": 20,
    "254": 20,
    "390": 15,
    "391": 18,
    "392": 15,
    "393": 18,
    "394": 4,
    "395": 6,
    "8005": 6,
    "8008": 12,
    "8020": 25,
    "8006": 18,
    "8110": 70,
    "8112": 70,
    "8200": 70,
    **{str(number): 90 for number in range(91, 100)},
}
_LONGEST_OTHER = 34
_DIGITS_ONLY = ("00", "01", "02", "03", "11", "12", "13", "15", "16", "17", "20", "30", "37")
_NUMERIC_BEGINNINGS = ("31", "32", "33", "34", "35", "36", "39", "41", "8005", "8008")
_VALUE = re.compile(r"[\x21-\x7e]+")
_BRACKETS = re.compile(r"[(\[]([0-9]{2,4})[)\]]")
_FNC1_AS_TEXT = re.compile(r"<GS>|\{GS\}|<FNC1>|\{FNC1\}|\\x1d|\\u001d", re.IGNORECASE)


def fnc1_as_gs(text: str) -> str:
    """FNC1 that a reader wrote as words, as the control character."""
    return _FNC1_AS_TEXT.sub(GS, text) if "<" in text or "{" in text or "\\" in text else text


def find_bracketed(text: str) -> dict[str, str] | None:
    """`(01)09520000001230(10)AB` by identifier; None when the text is not written so."""
    places = [
        found for found in _BRACKETS.finditer(text) if _IDENTIFIER_LENGTH.get(found[1][:2], 0) in (0, len(found[1]))
    ]
    if not places or places[0].start() != 0:
        return None
    elements: dict[str, str] = {}
    for place, after in zip(places, [*places[1:], None], strict=True):
        value = text[place.end() : after.start() if after else len(text)].rstrip(GS)
        if not _may_hold(place[1], value) or not _add(elements, place[1], value):
            return None
    return elements


def find_bare(text: str, *, is_certain: bool) -> dict[str, str] | None:
    """Elements one after the other; None unless the whole text is so. `is_certain`: the symbol said that these are
    elements, so that an identifier which nobody knows yet is kept, up to the next FNC1."""
    elements: dict[str, str] = {}
    rest = text.strip(GS)
    while rest:
        length = _IDENTIFIER_LENGTH.get(rest[:2], 2 if is_certain and rest[:2].isdigit() else 0)
        identifier = rest[:length]
        if not length or len(identifier) < length or not identifier.isdigit():
            return None
        fixed = _FIXED.get(identifier[:2])
        if fixed:
            value, rest = rest[length : length + fixed], rest[length + fixed :]
        else:
            value, _, rest = rest[length:].partition(GS)
        rest = rest.lstrip(GS)
        if not _may_hold(identifier, value) or not _add(elements, identifier, value):
            return None
    return elements or None


def _may_hold(identifier: str, value: str) -> bool:
    if not _VALUE.fullmatch(value):
        return False
    if (identifier in _DIGITS_ONLY or identifier.startswith(_NUMERIC_BEGINNINGS)) and not value.isdigit():
        return False
    fixed = _FIXED.get(identifier[:2])
    if fixed:
        return len(value) == fixed
    longest = _LONGEST.get(identifier) or _LONGEST.get(identifier[:3]) or _LONGEST_OTHER
    return len(value) <= longest


def _add(elements: dict[str, str], identifier: str, value: str) -> bool:
    """An identifier may stand twice only with one value."""
    return elements.setdefault(identifier, value) == value
