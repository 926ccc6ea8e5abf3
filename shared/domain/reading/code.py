"""From the text of a scanner to a `Reading`: which product, and what else the code says.

Rules: GS1 General Specifications 7.8 and 7.9, UPC-E by zero suppression, ISO/IEC 15424 for what stands in front.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.domain.gtin import expand_upc_e, has_right_check_digit
from shared.domain.reading.elements import GS, find_bare, find_bracketed, fnc1_as_gs
from shared.domain.reading.links import find_link
from shared.domain.reading.measures import date_of, price_minor_of, weight_g_of

MAX_CODE_LENGTH = 512  # bytes, as in the MQTT contract

_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")  # an open set: ISO/IEC 15424 grows
_GS1_CARRIERS = frozenset({"]C1", "]e0", "]e1", "]e2", "]e3", "]d2", "]d5", "]Q3", "]Q5", "]J1", "]J4", "]z1", "]z4"})
_ADDED_BY_MODULES = "\r\n\t"  # the suffix that scanner modules are set to send
_HOUSE_CODE = re.compile(r"[\x21-\x7e]{1,512}")
_GTIN_LENGTHS = (8, 12, 13, 14)
_ADD_ON_LENGTHS = {15: 13, 18: 13, 17: 12}  # EAN-13 or UPC-A with 2 or 5 digits behind it, glued on
_CODE_32 = "0123456789BCDFGHJKLMNPQRSTUVWXYZ"


class ReadError(StrEnum):
    """Why a text is no reading; stable, shown in notices."""

    UNREADABLE_CODE = "unreadable_code"
    WRONG_CHECK_DIGIT = "wrong_check_digit"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a code says. `keys` are the catalogue's keys that it may stand for, the likelier first; with
    `is_ambiguous` none is likelier, and two that lead to different products name none."""

    keys: tuple[str, ...] = ()
    is_ambiguous: bool = False
    gtin: str | None = None
    item_code: str | None = None
    ai: dict[str, str] = field(default_factory=dict)
    weight_g: int | None = None
    price_minor: int | None = None
    pieces: int | None = None
    expiry: date | None = None
    best_before: date | None = None
    lot: str | None = None
    serial: str | None = None
    error: ReadError | None = None


_UNREADABLE = Reading(error=ReadError.UNREADABLE_CODE)
_MISREAD = Reading(error=ReadError.WRONG_CHECK_DIGIT)


def read_code(text: str, today: date) -> Reading:
    """One text, whatever it is. `today` decides the century of dates, nothing else."""
    if text.isascii() and text.isdigit() and 12 <= len(text) <= 14:
        return _of_digits(text)
    text = text.rstrip(_ADDED_BY_MODULES)
    if not text or len(text) > MAX_CODE_LENGTH or not text.isascii():
        return _UNREADABLE
    symbol = _IDENTIFIER.match(text)
    identifier, payload = (symbol[0], text[3:]) if symbol else (None, text)
    if payload.isdigit() and len(payload) in _GTIN_LENGTHS:
        return _of_digits(payload, identifier)
    is_certain = identifier in _GS1_CARRIERS or payload.startswith(GS)
    elements = find_link(payload) or find_bracketed(payload)
    if elements is None:
        elements = find_bare(fnc1_as_gs(payload), is_certain=is_certain)
    if elements is not None and (is_certain or "01" in elements or "02" in elements):
        return _of_elements(elements, today)
    if payload.isdigit() and len(payload) in _ADD_ON_LENGTHS:
        main = payload[: _ADD_ON_LENGTHS[len(payload)]]
        if has_right_check_digit(main):
            return _of_digits(main)
    if is_certain or not _HOUSE_CODE.fullmatch(payload):
        return _UNREADABLE
    return _of_house_code(payload, text)


def _of_digits(digits: str, identifier: str | None = None) -> Reading:
    if len(digits) == 8:
        return _of_eight_digits(digits, identifier)
    if not has_right_check_digit(digits):
        return _MISREAD
    gtin = digits.zfill(14)
    return Reading((gtin,), gtin=gtin)


def _of_eight_digits(digits: str, identifier: str | None) -> Reading:
    """`]E4` says EAN-8; `]E0` before eight digits a UPC-E as printed. Without either both are possible from 0 on."""
    upc_a = expand_upc_e(digits)
    is_ean_8 = identifier != "]E0" and has_right_check_digit(digits)
    is_upc_e = identifier != "]E4" and digits[0] in "01" and has_right_check_digit(upc_a)
    if is_ean_8 and is_upc_e and digits[0] == "0":
        return Reading((digits.zfill(14), upc_a.zfill(14)), True, digits.zfill(14))
    if is_ean_8:
        return Reading((digits.zfill(14),), gtin=digits.zfill(14))
    if is_upc_e and (digits[0] == "0" or identifier == "]E0"):
        return _of_digits(upc_a)
    return _MISREAD


def _of_elements(elements: dict[str, str], today: date) -> Reading:
    gtin = elements.get("01") or elements.get("02")
    if gtin is not None and not (len(gtin) == 14 and gtin.isdigit() and has_right_check_digit(gtin)):
        return _MISREAD
    counted = elements.get("37") or elements.get("30") or ""
    return Reading(
        () if gtin is None else _of_digits(gtin).keys,
        gtin=gtin,
        ai=elements,
        weight_g=weight_g_of(elements),
        price_minor=price_minor_of(elements),
        pieces=int(counted) if counted.isascii() and counted.isdigit() and len(counted) <= 8 else None,
        expiry=date_of(elements.get("17"), today),
        best_before=date_of(elements.get("15"), today),
        lot=elements.get("10"),
        serial=elements.get("21"),
    )


def _of_house_code(payload: str, text: str) -> Reading:
    """A code of the shop's own as it is; where a catalogue kept what stood in front, it is found as well."""
    keys = [payload, *([text] if text != payload else [])]
    number = _italian_number(payload)
    if number is not None:
        keys.append(number)
    return Reading(tuple(keys), item_code=payload)


def _italian_number(payload: str) -> str | None:
    """Code 32 as its bars hold it, six signs in base 32: `A` and nine digits, the last of them a check digit."""
    if len(payload) != 6 or not set(payload) <= set(_CODE_32):
        return None
    number = 0
    for sign in payload:
        number = number * 32 + _CODE_32.index(sign)
    digits = f"{number:09d}"
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits[:8])]
    is_right = len(digits) == 9 and sum(one // 10 + one % 10 for one in doubled) % 10 == int(digits[8])
    return f"A{digits}" if is_right else None
