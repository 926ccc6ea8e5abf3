"""A refusal said by middleware, before any route is known."""

import json

from starlette.types import Send

from services.gateway.errors import MEANINGS, Refusal

RETRY_LATER_S = 1


def error_body(code: Refusal) -> bytes:
    """The error body of a code as JSON."""
    return json.dumps({"detail": MEANINGS[code].detail, "code": code.value}, separators=(",", ":")).encode()


async def refuse(send: Send, code: Refusal, *, close: bool = False, retry_after_s: int | None = None) -> None:
    """Answer with the error body of `code`; `close` ends the connection, when its rest cannot be trusted."""
    body = error_body(code)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if close:
        headers.append((b"connection", b"close"))
    if code in (Refusal.OVERLOADED, Refusal.UNAVAILABLE):
        retry_after_s = retry_after_s or RETRY_LATER_S
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": MEANINGS[code].status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
