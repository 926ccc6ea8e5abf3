"""A cart's connection to the broker, kept up for ever: connect, subscribe, ping, reconnect with backoff and jitter."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import cast
from urllib.parse import urlsplit

from firmware_sim import packets
from firmware_sim.packets import Connack, Message, Pingresp, ProtocolError, Puback, Suback

KEEPALIVE_S = 30
ANSWER_TIMEOUT_S = 10.0  # CONNACK and SUBACK; beyond it the attempt is given up
RECONNECT_MIN_S = 0.2
RECONNECT_MAX_S = 5.0
GOODBYE_S = 1.0  # for the broker to close its half; beyond it the connection is broken
FILTER_REFUSED = 0x80


@dataclass(frozen=True)
class Broker:
    """Where the broker is; `tls` for mqtts."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> "Broker":
        """From `mqtt://host:port` or `mqtts://host:port`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"not an mqtt:// or mqtts:// address: {parts.scheme}://{parts.hostname or ''}")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls)


@dataclass(frozen=True)
class Login:
    """Who connects, and what the broker says in its name when the connection is lost."""

    username: str
    password: str
    will_topic: str

    def __repr__(self) -> str:
        return f"Login({self.username!r})"


@dataclass(frozen=True)
class Hooks:
    """What the owner of a connection hears. All are called on the event loop."""

    connected: Callable[[], None]
    disconnected: Callable[[], None]
    message: Callable[[str, bytes], None]
    will: Callable[[], bytes]


class ConnectionRefused(Exception):
    """The broker does not take the credential or a subscription."""


class Connection:
    """Runs until `close`; whoever sends while it is down sends into nothing, as on a real radio."""

    def __init__(
        self,
        broker: Broker,
        login: Login,
        filters: tuple[str, ...],
        hooks: Hooks,
        random: Random,
        connecting: asyncio.Semaphore | None = None,
    ) -> None:
        self.up = False
        self.refused: str | None = None
        self.connects = 0
        self._broker = broker
        self._login = login
        self._filters = filters
        self._hooks = hooks
        self._random = random
        self._connecting = connecting or asyncio.Semaphore(64)
        self._wire: _Wire | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"mqtt {self._login.username}")

    async def close(self) -> None:
        """Say goodbye and end, the socket too; the broker keeps the will to itself."""
        wire = self._wire
        if wire is not None and self.up:
            wire.write(packets.DISCONNECT)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if wire is not None:
            await wire.gone(GOODBYE_S)

    def drop(self) -> None:
        """Break the connection without a goodbye, as when the radio fails or the power goes."""
        if self._wire is not None:
            self._wire.abort()

    def send(self, topic: bytes, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        """Send one message; False when there is no connection."""
        if not self.up or self._wire is None:
            return False
        self._wire.publish(topic, payload, qos=qos, retain=retain)
        return True

    def subscribe_again(self) -> None:
        """Ask for the retained messages once more (section 3.8.4: each SUBSCRIBE brings them)."""
        if self.up and self._wire is not None:
            self._wire.subscribe(self._filters)

    async def _run(self) -> None:
        wait_s = RECONNECT_MIN_S
        while True:
            try:
                async with self._connecting:
                    self._wire = await self._open()
                wait_s = RECONNECT_MIN_S
                self.refused = None
                self.up = True
                self.connects += 1
                self._hooks.connected()
                await self._wire.stay()
            except ConnectionRefused as problem:
                self.refused = str(problem)
            except (OSError, TimeoutError, ProtocolError):
                pass
            finally:
                self._put_down()
            await asyncio.sleep(wait_s * (0.5 + self._random.random()))
            wait_s = min(wait_s * 2, RECONNECT_MAX_S)

    def _put_down(self) -> None:
        was_up, self.up = self.up, False
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
        if was_up:
            self._hooks.disconnected()

    async def _open(self) -> "_Wire":
        loop = asyncio.get_running_loop()
        context = ssl.create_default_context() if self._broker.tls else None
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            _, wire = await loop.create_connection(
                lambda: _Wire(self._hooks.message), self._broker.host, self._broker.port, ssl=context
            )
            try:
                name = self._login.username
                wire.write(
                    packets.connect(
                        name, name, self._login.password, KEEPALIVE_S, self._login.will_topic, self._hooks.will()
                    )
                )
                welcome = await wire.welcome
                if welcome.code != 0:
                    raise ConnectionRefused(f"CONNACK {welcome.code}")
                wire.subscribe(self._filters)
                granted = await wire.granted
                if FILTER_REFUSED in granted.codes:
                    raise ConnectionRefused("subscription denied")
            except BaseException:
                wire.abort()
                raise
        return wire


class _Wire(asyncio.Protocol):
    """One TCP connection: the state that starts anew with each."""

    def __init__(self, on_message: Callable[[str, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.welcome: asyncio.Future[Connack] = loop.create_future()
        self.granted: asyncio.Future[Suback] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._on_message = on_message
        self._decoder = packets.Decoder()
        self._transport: asyncio.Transport | None = None
        self._packet_id = 0
        self._heard_at_s = loop.time()
        self._loop = loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, problem: Exception | None) -> None:
        reason = problem if isinstance(problem, OSError) else ConnectionResetError("connection lost")
        for waiting in (self.welcome, self.granted):
            if not waiting.done():
                waiting.set_exception(reason)
                waiting.exception()  # nobody may be waiting
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, chunk: bytes) -> None:
        self._heard_at_s = self._loop.time()
        try:
            for packet in self._decoder.feed(chunk):
                self._receive(packet)
        except ProtocolError:
            self.abort()

    def _receive(self, packet: packets.Packet) -> None:
        match packet:
            case Message(topic=topic, payload=payload, packet_id=packet_id):
                if packet_id:
                    self.write(packets.puback(packet_id))
                self._on_message(topic, payload)
            case Puback() | Pingresp():
                pass  # an event leaves the journal when a state settles it, never on a PUBACK
            case Connack():
                if not self.welcome.done():
                    self.welcome.set_result(packet)
            case Suback():
                if not self.granted.done():
                    self.granted.set_result(packet)

    def publish(self, topic: bytes, payload: bytes, *, qos: int, retain: bool) -> None:
        self.write(packets.publish(topic, payload, packet_id=self._next_id() if qos else 0, retain=retain))

    def subscribe(self, filters: tuple[str, ...]) -> None:
        self.write(packets.subscribe(self._next_id(), filters))

    def write(self, raw: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(raw)

    async def stay(self) -> None:
        """Ping until the connection ends, or end it when nothing was heard for one and a half keep-alives."""
        while not self._closed.done():
            await asyncio.wait([self._closed], timeout=KEEPALIVE_S / 2)
            if self._loop.time() - self._heard_at_s > KEEPALIVE_S * 1.5:
                self.abort()
            self.write(packets.PINGREQ)

    def close(self) -> None:
        """End the connection after what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    async def gone(self, within_s: float) -> None:
        """Until the socket is closed: TLS waits for the broker's goodbye (`close_notify`), and it may never come."""
        await asyncio.wait([self._closed], timeout=within_s)
        self.abort()
        await self._closed

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % 0xFFFF + 1
        return self._packet_id
