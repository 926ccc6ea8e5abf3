"""What is written down about each request (log line, metrics), and the headers each answer carries."""

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.metrics import IN_FLIGHT, REQUESTS, SECONDS

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_NO_ROUTE = "(no route)"

# docs/reliability.md S31; the answers are data, so that a browser has nothing to run or to frame.
_SAFETY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
_DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HSTS = (b"strict-transport-security", b"max-age=31536000")

log = structlog.get_logger("gateway")


class Record:
    """Outermost layer. Refused requests are recorded like the others."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._always = [*_SAFETY, *([_HSTS] if https else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        began = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, request_id)
            await send(message)

        IN_FLIGHT.inc()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            IN_FLIGHT.dec()
            self._write_down(scope, status, time.perf_counter() - began)
            structlog.contextvars.unbind_contextvars("request_id")

    def _add_headers(self, message: Message, request_id: str) -> None:
        headers = message.setdefault("headers", [])
        present = {name for name, _ in headers}
        headers.extend(self._always)
        headers.append((b"x-request-id", request_id.encode()))
        if _DATA_POLICY[0] not in present:
            headers.append(_DATA_POLICY)
        if b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))

    def _write_down(self, scope: Scope, status: int, seconds: float) -> None:
        # The template, never the path: a path holds ids.
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        REQUESTS.labels(route, scope["method"] if route != _NO_ROUTE else "-", str(status)).inc()
        SECONDS.labels(route).observe(seconds)
        log.debug("answered", route=route, method=scope["method"], status=status, ms=round(seconds * 1000, 1))


def _request_id(scope: Scope) -> str:
    """The caller's id when it is a harmless one, else a fresh one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if _REQUEST_ID.fullmatch(value) else secrets.token_hex(8)
    return secrets.token_hex(8)
