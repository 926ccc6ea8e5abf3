"""A phone number as people write it, read as one number of ITU-T E.164 with the numbering plans of `phonenumbers`."""

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ValidationResult

_GROUPING = re.compile(r"[ ()./-]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def read_number(written: str, region: str) -> str | None:
    """`+` and digits, or None for what is no number or could be two. `region` is where the store stands (ISO 3166-1,
    two letters); without one only numbers with their country code can be read.

    `+` and `00` (ITU-T E.164, the international prefix) begin a country code. Other digits are a number of the region,
    or one whose `+` was left out: the one that begins with the region's own code, or the only one that is a mobile
    number, or else the region's.
    """
    digits = _GROUPING.sub("", written)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if digits.startswith("+"):
        return _e164(_parse(digits, None)) or (digits if _has_unknown_code(digits) else None)
    of_region = _parse(digits, region) if region else None
    with_code = _parse("+" + digits, None)
    if of_region is None or with_code is None:
        return _e164(of_region or with_code)
    if with_code.country_code == phonenumbers.country_code_for_region(region):
        return _e164(with_code)
    mobile = {_e164(one) for one in (of_region, with_code) if phonenumbers.number_type(one) in _MOBILE}
    if len(mobile) > 1:
        return None
    return mobile.pop() if mobile else _e164(of_region)


def older_spellings(e164: str, region: str) -> list[str]:
    """What versions that kept the digits as they were written may have kept for this number, as digits."""
    if (number := _parse(e164, None)) is None:
        return []
    national = phonenumbers.national_significant_number(number)
    trunk = phonenumbers.ndd_prefix_for_region(phonenumbers.region_code_for_number(number) or "", True) or ""
    code = str(number.country_code)
    spelt = {f"{code}{national}", f"00{code}{national}", f"{code}{trunk}{national}", f"00{code}{trunk}{national}"}
    if number.country_code == phonenumbers.country_code_for_region(region):
        spelt |= {national, trunk + national}
    return sorted(digits for digits in spelt if read_number(digits, region) == e164)


def _parse(digits: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """A number of a length that its country has, or None."""
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE else None


def _has_unknown_code(digits: str) -> bool:
    """Of E.164's shape, and of a country that `phonenumbers` has no plan of: it can only be meant as it is written."""
    try:
        phonenumbers.parse(digits)
    except phonenumbers.NumberParseException as refused:
        return refused.error_type == refused.INVALID_COUNTRY_CODE and _E164.fullmatch(digits) is not None
    return False


def _e164(number: phonenumbers.PhoneNumber | None) -> str | None:
    """As ITU-T E.164 writes it; None also for more than its 15 digits."""
    written = "" if number is None else phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return written if _E164.fullmatch(written) else None
