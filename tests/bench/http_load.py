"""A small HTTP load tool: keep-alive connections, one request at a time on each, latencies kept one by one."""

import asyncio
import time
from collections.abc import Callable, Sequence
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


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes | None], done: "asyncio.Future[None]") -> None:
        self._next_request, self._done = next_request, done
        self._buffer = b""
        self._sent_at = 0.0
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
        self.latencies.append(time.perf_counter() - self._sent_at)
        self.not_2xx += head[9:10] != b"2"
        self._buffer = b""
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        request = self._next_request()
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def request_bytes(method: str, path: str, token: str | None = None, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_load(port: int, requests: Sequence[Sequence[bytes]], for_s: float) -> Load:
    """Send for some seconds; each connection cycles through its own requests."""
    return uvloop.run(_run(port, requests, for_s))


async def _run(port: int, requests: Sequence[Sequence[bytes]], for_s: float) -> Load:
    loop = asyncio.get_running_loop()
    end_at = time.perf_counter() + for_s
    connections = []
    waiting = []
    for own in requests:
        done: asyncio.Future[None] = loop.create_future()
        _, connection = await loop.create_connection(
            lambda o=own, d=done: _Connection(_cycle(o, end_at), d), "127.0.0.1", port
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


def _cycle(requests: Sequence[bytes], end_at: float) -> Callable[[], bytes | None]:
    position = 0

    def next_request() -> bytes | None:
        nonlocal position
        if time.perf_counter() >= end_at:
            return None
        position += 1
        return requests[(position - 1) % len(requests)]

    return next_request
