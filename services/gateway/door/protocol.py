"""uvicorn's HTTP protocol with the two bounds that it lacks: time and bytes until a request's headers are complete."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.gateway.door.refusing import error_body
from services.gateway.errors import Refusal

HEADERS_TIMEOUT_S = 10.0  # docs/reliability.md H13
UNFINISHED_HEADERS_MAX_BYTES = 32 * 1024  # the exact limit, with a proper answer, is in `limits`


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection that is silent, or that never comes to the end of its headers."""

    _deadline: asyncio.TimerHandle | None = None
    _waiting = False
    _unfinished_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if not self._waiting and (self.cycle is None or self.cycle.response_complete):
            self._expect_headers()
        if self._waiting:
            self._unfinished_bytes += len(data)
            if self._unfinished_bytes > UNFINISHED_HEADERS_MAX_BYTES and len(data) < self._unfinished_bytes:
                self._give_up()
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what is no HTTP, in the form of our errors; `msg` is for its log only."""
        body = error_body(Refusal.MALFORMED_REQUEST)
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._waiting, self._unfinished_bytes = True, 0
        self._deadline = cast(Any, self.loop).call_later(HEADERS_TIMEOUT_S, self._give_up)

    def _stop_waiting(self) -> None:
        self._waiting = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._stop_waiting()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
