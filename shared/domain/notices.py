"""Why an event had no effect, in words for the display."""

NOTICES_SHOWN = 5  # the newest few: a display has no room for more

_WORDS = {
    "unknown_code": "Code {code} is not in our catalogue.",
    "wrong_check_digit": "Code {code} was misread. Please scan again.",
    "unknown_session": "This cart was on another trip. Please scan again.",
    "not_in_cart": "{code} is not in the cart.",
    "line_limit": "No more pieces of {code} fit on one line.",
    "cart_full": "The cart holds no more different products.",
    "unreadable": "The cart sent something that could not be read. If an article is missing, please scan it again.",
    "session_closed": "{code} came after the cart was closed and was not charged.",
}


def notice_text(reason: str, code: str | None) -> str:
    """At most 200 characters; codes come from scanners and are printable ASCII by contract."""
    return _WORDS.get(reason, "An event had no effect.").format(code=code or "The event")[:200]
