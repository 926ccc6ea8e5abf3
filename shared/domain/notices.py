"""Why an event had no effect, in words for the display."""

NOTICES_SHOWN = 5  # the newest few: a display has no room for more
_CODE_SHOWN = 60

_WORDS = {
    "unknown_code": "Code {code} is not in our catalogue.",
    "wrong_check_digit": "Code {code} was misread. Please scan again.",
    "unreadable_code": "This label cannot be read. Please scan again or ask our staff.",
    "ambiguous_code": "Code {code} stands for two products. Please ask our staff.",
    "unknown_session": "This cart was on another trip. Please scan again.",
    "not_in_cart": "{code} is not in the cart.",
    "line_limit": "No more pieces of {code} fit on one line.",
    "cart_full": "The cart holds no more different products.",
    "unreadable": "The cart sent something that could not be read. If an article is missing, please scan it again.",
    "session_closed": "{code} came after the cart was closed and was not charged.",
}


def notice_text(reason: str, code: str | None) -> str:
    """At most 200 printable characters; of a long code its beginning, FNC1 shown as a blank."""
    shown = (code or "The event").rstrip("\r\n\t").replace("\x1d", " ")
    shown = shown if len(shown) <= _CODE_SHOWN else f"{shown[:_CODE_SHOWN]}..."
    return _WORDS.get(reason, "An event had no effect.").format(code=shown)[:200]
