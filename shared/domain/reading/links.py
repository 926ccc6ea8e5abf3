"""GS1 Digital Links (URI Syntax 1.6, uncompressed): any domain and any path before the primary key."""

import re
from urllib.parse import unquote

_WEB = re.compile(r"https?://[^/?#]+/", re.IGNORECASE)
_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_QUALIFIERS = ("22", "10", "21", "235")
_ATTRIBUTE = re.compile(r"[0-9]{2,4}")


def find_link(text: str) -> dict[str, str] | None:
    """The elements of a link, the GTIN with 14 digits under 01; None for any other text."""
    if not _WEB.match(text):
        return None
    address, _, query = text.partition("#")[0].partition("?")
    steps = [unquote(step) for step in address.split("/")[3:]]
    for place in range(len(steps) - 1):
        if steps[place] in ("01", "gtin", "GTIN") and _GTIN.fullmatch(steps[place + 1]):
            break
    else:
        return None
    elements = {"01": steps[place + 1].zfill(14)}
    pairs = zip(steps[place + 2 :: 2], steps[place + 3 :: 2], strict=False)
    elements.update({key: value for key, value in pairs if key in _QUALIFIERS and value})
    for one in re.split("[&;]", query):
        key, _, value = one.partition("=")
        if _ATTRIBUTE.fullmatch(key) and value:
            elements.setdefault(key, unquote(value))
    return elements
