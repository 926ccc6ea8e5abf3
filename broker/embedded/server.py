"""The broker on its two ports, with its clock: what runs inside the event loop from start to stop."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from broker.embedded.broker import Broker
from broker.embedded.connection import Connection
from broker.embedded.links import TcpLink, WebSocketLink

log = structlog.get_logger()

CHECK_EVERY_S = 0.25
COUNTS_EVERY_S = 60.0
BACKLOG = 1_024  # 500 simulated carts connect at once


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes any free one."""

    host: str
    mqtt_port: int
    ws_port: int


class Server:
    """Listeners and periodic checks around one Broker."""

    def __init__(self, broker: Broker, ws_origins: Sequence[str] | None = None) -> None:
        self._broker = broker
        self._ws_origins = ws_origins
        self._servers: list[asyncio.Server] = []
        self._checks: asyncio.Task[None] | None = None

    async def start(self, wanted: Address) -> Address:
        """Listen; the answer has the ports in use. Raises OSError when a port is taken."""
        loop, broker, limits = asyncio.get_running_loop(), self._broker, self._broker.limits

        def accept(link: TcpLink | WebSocketLink, address: str) -> Connection:
            return Connection(broker, link, address)

        tcp = await loop.create_server(
            lambda: TcpLink(accept, limits.write_buffer_bytes), wanted.host, wanted.mqtt_port, backlog=BACKLOG
        )
        self._servers.append(tcp)
        websocket = await loop.create_server(
            lambda: WebSocketLink(accept, limits.write_buffer_bytes, limits.packet_max_bytes, self._ws_origins),
            wanted.host,
            wanted.ws_port,
            backlog=BACKLOG,
        )
        self._servers.append(websocket)
        self._checks = asyncio.create_task(self._check_periodically())
        return Address(wanted.host, _port_of(tcp), _port_of(websocket))

    async def run(self, stopping: asyncio.Event) -> bool:
        """Wait for `stopping`. False when the checks ended instead: without them no dead client is ever noticed."""
        assert self._checks is not None, "not started"
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait({told, self._checks}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if self._checks.done():
            log.error("checks_ended", exc_info=self._checks.exception())
            return False
        return True

    async def stop(self) -> None:
        """Close the ports and every connection."""
        for server in self._servers:
            server.close()
        if self._checks is not None:
            self._checks.cancel()
        self._broker.close_all()
        await asyncio.sleep(0.05)  # what was written last goes out

    async def _check_periodically(self) -> None:
        counted_at = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            self._broker.check_clients()
            now = asyncio.get_running_loop().time()
            if now - counted_at >= COUNTS_EVERY_S:
                counted_at = now
                log.info("broker_counts", **self._broker.sizes, counts=dict(self._broker.counts))


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
