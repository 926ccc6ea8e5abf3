"""The gateway's one family of refusals, and the one table from stable code to HTTP status.

Every error body is `{"detail": …, "code": …}`. Nothing else in the gateway names a status number of an error.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class Refusal(StrEnum):
    """Stable codes a client may act upon."""

    MALFORMED_REQUEST = "malformed_request"
    BAD_IDEMPOTENCY_KEY = "bad_idempotency_key"
    BAD_HOST = "bad_host"
    WRONG_OTP = "wrong_otp"
    WRONG_PASSWORD = "wrong_password"
    QUERY_MISSING = "query_missing"
    EMPTY_CART = "empty_cart"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_YOUR_CART = "not_your_cart"
    NOT_FROM_CONSOLE = "not_from_console"
    MANAGER_ONLY = "manager_only"
    NOT_FOUND = "not_found"
    NO_CART = "no_cart"
    CART_UNKNOWN = "cart_unknown"
    NOT_IN_CART = "not_in_cart"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_RECIPE = "unknown_recipe"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_STORE = "unknown_store"
    UNKNOWN_IMAGE = "unknown_image"
    UNKNOWN_ALERT = "unknown_alert"
    UNKNOWN_DEAD_LETTER = "unknown_dead_letter"
    UNKNOWN_BLOCK = "unknown_block"
    NOT_ON_CHECKLIST = "not_on_checklist"
    LOCATION_UNKNOWN = "location_unknown"
    NO_LAYOUT = "no_layout"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    EMAIL_TAKEN = "email_taken"
    CART_IN_USE = "cart_in_use"
    HOLDS_ANOTHER_CART = "holds_another_cart"
    WRONG_PAIRING_CODE = "wrong_pairing_code"
    GOODS_IN_CART = "goods_in_cart"
    GAP_OPEN = "gap_open"
    LINE_LIMIT = "line_limit"
    CHECKLIST_LIMIT = "checklist_limit"
    STILL_RUNNING = "still_running"
    EVENT_REFUSED = "event_refused"
    ALERT_CLAIMED = "alert_claimed"
    ALERT_RESOLVED = "alert_resolved"
    NOT_RETRIABLE = "not_retriable"
    BODY_TOO_LARGE = "body_too_large"
    URL_TOO_LONG = "url_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_REQUEST = "invalid_request"
    WRONG_CHECK_DIGIT = "wrong_check_digit"
    AMBIGUOUS_CODE = "ambiguous_code"
    UNCLEAR_NUMBER = "unclear_number"
    UNKNOWN_REFERENCE = "unknown_reference"
    NO_ROUTE = "no_route"
    KEY_REUSED = "idempotency_key_reused"
    TOO_MANY_OTP_TRIES = "too_many_otp_tries"
    TOO_MANY_OTP_SENDS = "too_many_otp_sends"
    TOO_MANY_PAIRING_TRIES = "too_many_pairing_tries"
    TOO_MANY_LOGIN_TRIES = "too_many_login_tries"
    TOO_MANY_REQUESTS = "too_many_requests"
    HEADERS_TOO_LARGE = "headers_too_large"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    BODY_TIMEOUT = "body_timeout"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says to HTTP and, unless the raiser knows better, to people."""

    status: int
    detail: str


MEANINGS: dict[Refusal, Meaning] = {
    Refusal.MALFORMED_REQUEST: Meaning(400, "The request cannot be read."),
    Refusal.BAD_IDEMPOTENCY_KEY: Meaning(400, "An Idempotency-Key has 1 to 64 printable ASCII characters."),
    Refusal.BAD_HOST: Meaning(400, "This host name is not served here."),
    Refusal.WRONG_OTP: Meaning(400, "The code is wrong or has expired."),
    Refusal.WRONG_PASSWORD: Meaning(400, "Name or password is wrong."),
    Refusal.QUERY_MISSING: Meaning(400, "Say what to search for."),
    Refusal.EMPTY_CART: Meaning(400, "There is nothing in the cart."),
    Refusal.NOT_AUTHENTICATED: Meaning(401, "Log in first."),
    Refusal.NOT_YOUR_CART: Meaning(403, "This cart is not yours."),
    Refusal.NOT_FROM_CONSOLE: Meaning(403, "Only the console may ask for this."),
    Refusal.MANAGER_ONLY: Meaning(403, "Only a manager may do this."),
    Refusal.NOT_FOUND: Meaning(404, "There is nothing at this address."),
    Refusal.NO_CART: Meaning(404, "You hold no cart."),
    Refusal.CART_UNKNOWN: Meaning(404, "There is no such cart."),
    Refusal.NOT_IN_CART: Meaning(404, "This product is not in the cart."),
    Refusal.UNKNOWN_PRODUCT: Meaning(404, "There is no such product."),
    Refusal.UNKNOWN_RECIPE: Meaning(404, "There is no such recipe."),
    Refusal.UNKNOWN_ORDER: Meaning(404, "There is no such order."),
    Refusal.UNKNOWN_STORE: Meaning(404, "There is no such store."),
    Refusal.UNKNOWN_IMAGE: Meaning(404, "There is no such image."),
    Refusal.UNKNOWN_ALERT: Meaning(404, "There is no such alert."),
    Refusal.UNKNOWN_DEAD_LETTER: Meaning(404, "There is no such dead letter."),
    Refusal.UNKNOWN_BLOCK: Meaning(404, "Nothing is closed under this number."),
    Refusal.NOT_ON_CHECKLIST: Meaning(404, "This product is not on the checklist."),
    Refusal.LOCATION_UNKNOWN: Meaning(404, "Nobody knows yet where this cart is."),
    Refusal.NO_LAYOUT: Meaning(404, "This store has no plan to walk by."),
    Refusal.METHOD_NOT_ALLOWED: Meaning(405, "This address does not know the method."),
    Refusal.NOT_ACCEPTABLE: Meaning(406, "Available as application/json and text/html."),
    Refusal.EMAIL_TAKEN: Meaning(409, "Another shopper uses this e-mail address."),
    Refusal.CART_IN_USE: Meaning(409, "Somebody else holds this cart."),
    Refusal.HOLDS_ANOTHER_CART: Meaning(409, "You hold another cart."),
    Refusal.WRONG_PAIRING_CODE: Meaning(409, "The cart shows another code."),
    Refusal.GOODS_IN_CART: Meaning(409, "There are unpaid goods in the cart; abandon=true leaves them."),
    Refusal.GAP_OPEN: Meaning(409, "Scans of this cart are still on their way."),
    Refusal.LINE_LIMIT: Meaning(409, "A line holds at most 999 pieces."),
    Refusal.CHECKLIST_LIMIT: Meaning(409, "A checklist holds at most 999 pieces of a product and 500 products."),
    Refusal.STILL_RUNNING: Meaning(409, "The first request with this Idempotency-Key is still running."),
    Refusal.EVENT_REFUSED: Meaning(409, "The cart's rules refused this event."),
    Refusal.ALERT_CLAIMED: Meaning(409, "Somebody else has taken this alert."),
    Refusal.ALERT_RESOLVED: Meaning(409, "This alert has been resolved."),
    Refusal.NOT_RETRIABLE: Meaning(409, "This dead letter cannot be tried again."),
    Refusal.BODY_TIMEOUT: Meaning(408, "The body did not arrive in time."),
    Refusal.BODY_TOO_LARGE: Meaning(413, "A body has at most 64 KiB."),
    Refusal.URL_TOO_LONG: Meaning(414, "A URL has at most 2 KiB."),
    Refusal.UNSUPPORTED_MEDIA_TYPE: Meaning(415, "Send application/json in UTF-8, not compressed."),
    Refusal.INVALID_REQUEST: Meaning(422, "The request has the wrong shape."),
    Refusal.AMBIGUOUS_CODE: Meaning(409, "This code stands for two products."),
    Refusal.WRONG_CHECK_DIGIT: Meaning(422, "The check digit of this code is wrong."),
    Refusal.UNCLEAR_NUMBER: Meaning(
        422, "This is no phone number, or could be two: write it with + and the country code, like +49 170 1234567."
    ),
    Refusal.UNKNOWN_REFERENCE: Meaning(422, "The request names something that does not exist."),
    Refusal.NO_ROUTE: Meaning(422, "There is no way to walk."),
    Refusal.KEY_REUSED: Meaning(422, "This Idempotency-Key belongs to another request."),
    Refusal.TOO_MANY_OTP_TRIES: Meaning(429, "Too many wrong codes."),
    Refusal.TOO_MANY_OTP_SENDS: Meaning(429, "Too many codes were asked for."),
    Refusal.TOO_MANY_PAIRING_TRIES: Meaning(429, "Too many wrong pairing codes."),
    Refusal.TOO_MANY_LOGIN_TRIES: Meaning(429, "Too many wrong passwords."),
    Refusal.TOO_MANY_REQUESTS: Meaning(429, "Too many requests in a short time."),
    Refusal.HEADERS_TOO_LARGE: Meaning(431, "The headers are too large."),
    Refusal.INTERNAL: Meaning(500, "This is our mistake; it has been recorded."),
    Refusal.UNAVAILABLE: Meaning(503, "The store's database does not answer right now."),
    Refusal.OVERLOADED: Meaning(503, "Too much is going on right now."),
}

# Codes for the plain statuses that the framework itself answers with.
_OF_STATUS = {
    400: Refusal.MALFORMED_REQUEST,
    401: Refusal.NOT_AUTHENTICATED,
    404: Refusal.NOT_FOUND,
    405: Refusal.METHOD_NOT_ALLOWED,
    413: Refusal.BODY_TOO_LARGE,
}


class Refused(Exception):
    """An answer that is not the one asked for; the door turns it into status and body."""

    def __init__(self, code: Refusal, detail: str | None = None, *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail or MEANINGS[code].detail
        self.retry_after_s = retry_after_s


class FieldProblem(BaseModel):
    """One place of a request that has the wrong shape; never repeats what was sent."""

    where: str
    problem: str


class ErrorBody(BaseModel):
    """Body of every error."""

    detail: str = Field(description="for people")
    code: str = Field(description="stable, for programs")
    errors: list[FieldProblem] | None = Field(None, description="what is wrong with the request, only with 422")


def status_of(code: Refusal) -> int:
    """The HTTP status of a code."""
    return MEANINGS[code].status


def of_status(status: int) -> Refusal:
    """The code for a status that the framework answered with by itself."""
    return _OF_STATUS.get(status, Refusal.INTERNAL if status >= 500 else Refusal.MALFORMED_REQUEST)


def refusals(*codes: Refusal) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI: each code as an example below its status."""
    by_status: defaultdict[int, list[Refusal]] = defaultdict(list)
    for code in codes:
        by_status[status_of(code)].append(code)
    return {
        status: {
            "model": ErrorBody,
            "description": " / ".join(MEANINGS[code].detail for code in listed),
            "content": {
                "application/json": {
                    "examples": {code.value: {"$ref": f"#/components/examples/{code.value}"} for code in listed}
                }
            },
        }
        for status, listed in sorted(by_status.items())
    }


def refusal_examples() -> dict[str, Any]:
    """One example for each code, for the document's components."""
    return {
        code.value: {"value": {"detail": meaning.detail, "code": code.value}}
        for code, meaning in sorted(MEANINGS.items())
    }


# What any route may answer; the door's refusals come before a route is known.
EVERYWHERE = (
    Refusal.MALFORMED_REQUEST,
    Refusal.BAD_HOST,
    Refusal.BODY_TIMEOUT,
    Refusal.BODY_TOO_LARGE,
    Refusal.URL_TOO_LONG,
    Refusal.UNSUPPORTED_MEDIA_TYPE,
    Refusal.INVALID_REQUEST,
    Refusal.TOO_MANY_REQUESTS,
    Refusal.HEADERS_TOO_LARGE,
    Refusal.UNAVAILABLE,
    Refusal.OVERLOADED,
)
