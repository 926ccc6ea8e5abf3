"""How large and how slow a request may be, and which hosts are served. Bodies are read whole before a route runs, and
only then does a request take a place: whoever sends half a body keeps nobody out."""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.door.refusing import refuse
from services.gateway.door.slow_bodies import SlowBodies
from services.gateway.errors import Refusal
from services.gateway.rates import network_of

BODY_MAX_BYTES = 64 * 1024
URL_MAX_BYTES = 2 * 1024
HEADERS_MAX_BYTES = 16 * 1024
BODY_TIMEOUT_S = 20.0  # docs/reliability.md H13
IN_FLIGHT_MAX = 256  # beyond it, waiting would outlast a phone's patience

# Who watches over us calls by any name and address, and must hear an answer also when there is no room.
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))

_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class Limits:
    """Refuses what is too much, in the order in which it becomes known."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._any_host = "*" in allowed_hosts
        self._hosts = frozenset(host.lower().encode() for host in allowed_hosts)
        self._in_flight = 0
        self._slow = SlowBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_probe = scope["path"] in PROBES
        size = 0
        host = length = encoding = kind = b""
        for name, value in scope["headers"]:
            size += len(name) + len(value) + 4  # ": " and the line's end
            if name == b"host":
                host = value
            elif name == b"content-length":
                length = value
            elif name == b"content-encoding":
                encoding = value
            elif name == b"content-type":
                kind = value
        refused = self._refusal(scope, size, None if is_probe else host, length, encoding)
        if refused is not None:
            await refuse(send, refused, close=True)
            return
        if scope["method"] in _WITHOUT_BODY:
            await self._pass_on(scope, receive, send, is_probe)
            return
        body = await self._read_body(scope, receive)
        if isinstance(body, Refusal):
            await refuse(send, body, close=True)
        elif body and not _is_json(kind):
            await refuse(send, Refusal.UNSUPPORTED_MEDIA_TYPE)
        elif body is not None:
            await self._pass_on(scope, _Replay(body, receive), send, is_probe)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, is_probe: bool) -> None:
        if self._in_flight >= IN_FLIGHT_MAX and not is_probe:
            await refuse(send, Refusal.OVERLOADED)
            return
        self._in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes | Refusal | None:
        """The body, why it is refused, or None when the client went away."""
        client = scope.get("client")
        body: bytes = b""
        try:
            async with self._slow.wait(network_of(client[0] if client else ""), BODY_TIMEOUT_S):
                while True:
                    message: Message = await receive()
                    if message["type"] != "http.request":
                        return None
                    body += message.get("body", b"")
                    if len(body) > BODY_MAX_BYTES:
                        return Refusal.BODY_TOO_LARGE
                    if not message.get("more_body", False):
                        return body
        except TimeoutError:
            return Refusal.BODY_TIMEOUT

    def _refusal(self, scope: Scope, size: int, host: bytes | None, length: bytes, encoding: bytes) -> Refusal | None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > URL_MAX_BYTES:
            return Refusal.URL_TOO_LONG
        if size > HEADERS_MAX_BYTES:
            return Refusal.HEADERS_TOO_LARGE
        if host is not None and not self._is_served(host):
            return Refusal.BAD_HOST
        if encoding.lower() not in (b"", b"identity"):
            return Refusal.UNSUPPORTED_MEDIA_TYPE
        if length and (not length.isdigit() or int(length[:10]) > BODY_MAX_BYTES):
            return Refusal.BODY_TOO_LARGE
        return None

    def _is_served(self, host: bytes) -> bool:
        return self._any_host or host.rpartition(b":")[0 if b":" in host else 2].lower() in self._hosts


class _Replay:
    """Gives the body that was read already, then whatever the connection says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _is_json(content_type: bytes) -> bool:
    kind, _, parameters = content_type.lower().partition(b";")
    charset = parameters.strip().removeprefix(b"charset=").strip(b'" ')
    return kind.strip() == b"application/json" and charset in (b"", b"utf-8", b"utf8")
