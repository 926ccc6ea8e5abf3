"""A small HTTP load tool: keep-alive connections, one request at a time on each, latencies kept one by one.

Requests are sent one after the other, as fast as they are answered; or at a steady rate, whatever the answers do:
then a latency counts from the moment at which the request was due, so that it includes the wait for a connection.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop


@dataclass(frozen=True)
class Load:
    """What came of a run; times in milliseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    not_2xx: int


NextRequest = Callable[[], tuple[bytes, float] | None]
"""A request and when it is due, by the performance counter; None: no more."""


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: NextRequest, done: "asyncio.Future[None]") -> None:
        self._next_request, self._done = next_request, done
        self._buffer = b""
        self._due_at = 0.0
        self.latencies: list[float] = []
        self.not_2xx = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not asyncio's
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self.latencies.append(time.perf_counter() - self._due_at)
        self.not_2xx += head[9:10] != b"2"
        self._buffer = b""
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        following = self._next_request()
        if following is None:
            self._transport.close()
            return
        request, self._due_at = following
        wait_s = self._due_at - time.perf_counter()
        if wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self._transport.write, request)
        else:
            self._transport.write(request)


def request_bytes(method: str, path: str, token: str | None = None, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_load(port: int, requests: Sequence[Sequence[bytes]], for_s: float, per_second: float | None = None) -> Load:
    """Send for some seconds; each connection cycles through its own requests. `per_second`: all together so many."""
    return uvloop.run(_run(port, requests, for_s, per_second))


async def _run(port: int, requests: Sequence[Sequence[bytes]], for_s: float, per_second: float | None) -> Load:
    loop = asyncio.get_running_loop()
    start_at = time.perf_counter()
    dues = None if per_second is None else (start_at + number / per_second for number in itertools.count())
    end_at = start_at + for_s
    connections = []
    waiting = []
    for own in requests:
        done: asyncio.Future[None] = loop.create_future()
        _, connection = await loop.create_connection(
            lambda o=own, d=done: _Connection(_cycle(o, end_at, dues), d), "127.0.0.1", port
        )  # type: ignore[misc]
        connections.append(connection)
        waiting.append(done)
    began = time.perf_counter()
    async with asyncio.timeout(for_s + 30):
        await asyncio.gather(*waiting)
    took = time.perf_counter() - began
    latencies = sorted(latency for connection in connections for latency in connection.latencies)
    return Load(
        requests=len(latencies),
        per_second=len(latencies) / took,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        not_2xx=sum(connection.not_2xx for connection in connections),
    )


def _cycle(requests: Sequence[bytes], end_at: float, dues: Iterator[float] | None) -> NextRequest:
    """One connection's requests; `dues` are the moments of all connections together."""
    turns = itertools.cycle(requests)

    def next_request() -> tuple[bytes, float] | None:
        due_at = next(dues) if dues is not None else time.perf_counter()
        return (next(turns), due_at) if due_at < end_at else None

    return next_request
