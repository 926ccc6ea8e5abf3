"""The OpenAPI 3.1 document of the gateway, printed from the code and committed beside it."""

import json
import sys
from typing import Any

from fastapi import FastAPI

from services.gateway.errors import refusal_examples

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


def add_examples(app: FastAPI) -> None:
    """Let the document's error examples, which routes refer to, stand in its components once."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {})["examples"] = refusal_examples()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def print_openapi() -> str:
    """The document as JSON text with a trailing newline; the same code always prints the same text."""
    from services.gateway.app import make_app, make_gateway
    from shared.settings import GatewaySettings

    # Not from the environment: the document is the same wherever it is printed.
    defaults = GatewaySettings.model_construct(
        **{name: field.default for name, field in GatewaySettings.model_fields.items()}
    )
    document = make_app(make_gateway(defaults)).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(print_openapi())
