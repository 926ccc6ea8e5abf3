"""A TCP proxy that does to a connection what networks and dying machines do: slow, silent, reset, cut at the worst
moment. It listens on 127.0.0.1 and connects to a TCP address or a Unix socket."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

Upstream = tuple[str, int] | Path


class Way(Enum):
    """UP: from the client to the server. DOWN: the answers."""

    UP = "up"
    DOWN = "down"


class Cut(Enum):
    """What a connection suffers when a pattern passes on its way up."""

    BEFORE = "the server never sees it"
    AFTER_THE_ANSWER = "the server answers, the client never hears it"


OPENING_BYTES = 4_096  # of what a client says first, in which a trap finds out whose connection it is
Watch = Callable[[int, Way, bytes], None]


@dataclass
class _Trap:
    pattern: bytes
    cut: Cut
    times: int
    of: bytes
    hold_s: float


class FaultProxy:
    """All faults may be switched while connections live; a healed silence delivers what it held back. A changed
    `upstream` counts for new connections. `watch` is shown everything that passes, with the connection's number, before
    it goes on."""

    def __init__(self, upstream: Upstream, watch: Watch | None = None) -> None:
        self.latency_s = 0.0
        self.slice_bytes = 65_536
        self.refusing = False
        self.connections = 0
        self.sprung = 0
        self.upstream = upstream
        self.watch = watch
        self._silent: set[Way] = set()
        self._traps: list[_Trap] = []
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()

    def silence(self, *ways: Way) -> None:
        """Hold back what goes these ways (both when none is named): a peer that is there and says nothing."""
        self._silent = set(ways or Way)

    def heal(self) -> None:
        """Let everything pass again, what was held back first."""
        self._silent = set()
        self._traps = []
        self.latency_s = 0.0
        self.refusing = False

    def trap(self, pattern: bytes, cut: Cut, times: int = 1, of: bytes = b"", hold_s: float = 0.0) -> None:
        """The next `times` connections on which `pattern` goes up are reset, before or after it is answered. Only
        connections that began with something that holds `of`; nothing happens on them for `hold_s` before."""
        with self._lock:
            self._traps.append(_Trap(pattern, cut, times, of, hold_s))

    def reset(self) -> None:
        """RST on every connection."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.reset()

    def close(self) -> None:
        self._door.close()
        self.reset()

    def is_silent(self, way: Way) -> bool:
        return way in self._silent

    def springs(self, chunk: bytes, opening: bytes) -> _Trap | None:
        """The trap that this chunk of a connection that began so springs; counts it."""
        with self._lock:
            for trap in self._traps:
                if trap.times and trap.pattern in chunk and trap.of in opening:
                    trap.times -= 1
                    self.sprung += 1
                    return trap
        return None

    def forget(self, link: "_Link") -> None:
        with self._lock:
            self._links.discard(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self.refusing:
                    raise ConnectionRefusedError
                server = _connect(self.upstream)
            except OSError:
                _reset(client)
                continue
            link = _Link(self, self.connections, client, server)
            with self._lock:
                self._links.add(link)
            link.start()


class _Link:
    """One connection through the proxy: a thread for each way."""

    def __init__(self, proxy: FaultProxy, number: int, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._number = number
        self._opening = b""
        self._client = client
        self._server = server
        self._swallow = False
        self._over = threading.Event()

    def start(self) -> None:
        for way, source, target in (
            (Way.UP, self._client, self._server),
            (Way.DOWN, self._server, self._client),
        ):
            threading.Thread(
                target=self._pump, args=(way, source, target), name=f"fault-{way.value}", daemon=True
            ).start()

    def reset(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._proxy.forget(self)
            _reset(self._client)
            _reset(self._server)

    def _pump(self, way: Way, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := self._read(source):
                if way is Way.DOWN and self._swallow:
                    break
                if way is Way.UP:
                    self._opening += chunk[: OPENING_BYTES - len(self._opening)]
                    trap = self._proxy.springs(chunk, self._opening)
                    if trap is not None:
                        self._over.wait(trap.hold_s)
                        if trap.cut is Cut.BEFORE:
                            break
                        self._swallow = True
                if self._proxy.latency_s:
                    time.sleep(self._proxy.latency_s)
                while self._proxy.is_silent(way) and not self._over.wait(0.02):
                    pass
                if self._proxy.watch is not None:
                    self._proxy.watch(self._number, way, chunk)
                for start in range(0, len(chunk), self._proxy.slice_bytes):
                    target.sendall(chunk[start : start + self._proxy.slice_bytes])
        self.reset()

    def _read(self, source: socket.socket) -> bytes:
        while not self._over.is_set():
            if select.select([source], [], [], 0.25)[0]:
                return source.recv(65_536)
        return b""


def _connect(upstream: Upstream) -> socket.socket:
    if isinstance(upstream, Path):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(str(upstream))
        except OSError:
            server.close()
            raise
        return server
    return socket.create_connection(upstream, timeout=5)


def _reset(line: socket.socket) -> None:
    """Close with RST instead of FIN."""
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextlib.contextmanager
def fault_proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    """A proxy until the block ends."""
    proxy = FaultProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
