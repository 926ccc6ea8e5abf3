"""The OpenAPI 3.1 document of the gateway, printed from the code and committed beside it."""

import json

TITLE = "Smart cart"
VERSION = "1.0.0"
DESCRIPTION = """What the shopper's phone calls.

1. `POST /auth/verify_mobile` with a phone number; in development the code is in the gateway's log.
2. `POST /auth/verify_otp` with number and code; press **Authorize** and paste the `token`.
3. `POST /cart/connect` with the number of a cart and the code on its display.
4. `POST /cart/item/add`, `GET /cart/view`, `POST /orders/checkout`.

Errors have the body `{"detail": …, "code": …}`; `code` is stable. Money is a decimal number in major units with at
most two places, times are ISO 8601 in UTC, weights are grams, ids are integers.
"""


def print_openapi() -> str:
    """The document as JSON text with a trailing newline; the same code always prints the same text."""
    from services.gateway.app import make_app, make_gateway
    from shared.settings import GatewaySettings

    defaults = GatewaySettings.model_construct(**{name: f.default for name, f in GatewaySettings.model_fields.items()})
    document = make_app(make_gateway(defaults)).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
