"""The embedded broker inside the test's process, in a thread with its own event loop, or as its own process."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import uvloop

from broker.embedded.broker import Broker
from broker.embedded.door import Door, Refusal, Rights
from broker.embedded.limits import ClientLimits, Limits
from broker.embedded.server import Address, Server
from shared.db.carts import CartCredential
from shared.db.ended_logins import EndedLogin
from shared.domain.device_secret import hash_secret

SERVICE_PASSWORD = "service-password-for-tests"
TOKEN_SECRET = "token-secret-for-tests-0123456789abcdef"


@dataclass(frozen=True)
class Everything:
    """Rights to everything, for tests of the protocol alone."""

    limits: ClientLimits

    def may_publish(self, topic: str) -> bool:
        return True

    def may_retain(self, topic: str) -> bool:
        return True

    def may_subscribe(self, topic_filter: str) -> bool:
        return topic_filter != "test/nosubscribe"

    def may_receive(self, topic: str) -> bool:
        return True

    def still_hold(self, now: datetime) -> bool:
        return True


@dataclass(frozen=True)
class OpenDoor:
    """Lets everybody in."""

    limits: ClientLimits

    def admit(self, client_id: str, username: str | None, password: bytes | None, now: datetime) -> Rights | Refusal:
        return Everything(self.limits)


class Credentials:
    """A cart table that a test changes by hand."""

    def __init__(self) -> None:
        self.carts: dict[int, CartCredential] = {}
        self.ended_logins: list[EndedLogin] = []
        self.away = False

    def put(self, cart_id: int, password: str, store: str = "main", *, revoked: bool = False) -> None:
        self.carts[cart_id] = CartCredential(
            cart_id, store, hash_secret(password), None, None, revoked, datetime.now(UTC)
        )

    def read_changed(self, since: datetime | None) -> Sequence[CartCredential]:
        if self.away:
            raise ConnectionError("the database is away")
        return list(self.carts.values())

    def read_ended_logins(self) -> Sequence[EndedLogin]:
        return list(self.ended_logins)


@dataclass(frozen=True)
class RunningBroker:
    """The broker in its thread; look at `broker` only through `call`."""

    address: Address
    broker: Broker
    loop: asyncio.AbstractEventLoop

    @property
    def counts(self) -> Counter[str]:
        """What the broker has counted so far."""
        return Counter(self.broker.counts)


@contextlib.contextmanager
def running(
    door: Door, limits: Limits | None = None, ws_origins: Sequence[str] | None = None
) -> Iterator[RunningBroker]:
    """The broker on free ports until the block ends."""
    ready = threading.Event()
    box: list[RunningBroker] = []
    stopping: list[asyncio.Event] = []

    async def serve() -> None:
        stop = asyncio.Event()
        stopping.append(stop)
        core = Broker(door, limits)
        server = Server(core, ws_origins)
        address = await server.start(Address("127.0.0.1", 0, 0))
        box.append(RunningBroker(address, core, asyncio.get_running_loop()))
        ready.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: uvloop.run(serve()), name="embedded-broker", daemon=True)
    thread.start()
    assert ready.wait(10), "the broker did not start"
    try:
        yield box[0]
    finally:
        box[0].loop.call_soon_threadsafe(stopping[0].set)
        thread.join(10)
        assert not thread.is_alive(), "the broker did not stop"
