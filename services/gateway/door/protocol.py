"""uvicorn's HTTP protocol with the three bounds that it lacks: time and bytes until a request's headers are complete,
and how many connections there may be."""

import asyncio
from collections import OrderedDict
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.gateway.door.refusing import error_body
from services.gateway.errors import Refusal

HEADERS_TIMEOUT_S = 10.0  # docs/reliability.md H13
UNFINISHED_HEADERS_MAX_BYTES = 32 * 1024  # the exact limit, with a proper answer, is in `limits`


class Census:
    """The connections of one process, and those that wait for a request: when
    there is no room the one that has waited longest goes."""

    def __init__(self) -> None:
        self.open_max = 900  # set by the entry point from the number of files that the process may open
        self.open = 0
        self.waiting: OrderedDict[BoundedHttpProtocol, None] = OrderedDict()


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection that is silent, or that never comes to the end of its headers."""

    census = Census()
    _deadline: asyncio.TimerHandle | None = None
    _waiting = False
    _unfinished_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.census.open += 1
        if self.census.open > self.census.open_max and self.census.waiting:
            next(iter(self.census.waiting))._give_up()
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

    def on_response_complete(self) -> None:
        """uvicorn keeps the connection for the next request: until it begins, this one is idle."""
        super().on_response_complete()
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self.census.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.census.open -= 1
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._waiting, self._unfinished_bytes = True, 0
        self.census.waiting[self] = None
        self._deadline = cast(Any, self.loop).call_later(HEADERS_TIMEOUT_S, self._give_up)

    def _stop_waiting(self) -> None:
        self._waiting = False
        self.census.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._stop_waiting()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
