"""One simulated cart on a real connection: the device, the bad radio on both sides of it, and its timers.

Usable alone from a test: `start`, then `scan`, `remove`, `until`, `power_cut`, `close`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from firmware_sim.connection import Broker, Connection, Hooks, Login
from firmware_sim.device import PATIENCE_S, Device, Publish
from firmware_sim.journal import Journal
from firmware_sim.radio import Link, Weather
from shared.contracts.channels import COMMANDS, EVENTS, STATE, STATUS, TELEMETRY
from shared.contracts.state import CartState

WALKING_M_PER_S = 0.8  # a shopper behind a cart


@dataclass(frozen=True)
class CartCredential:
    """What `smartcart carts add` gives out."""

    cart_id: int
    store: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"CartCredential(cart_id={self.cart_id}, store={self.store!r})"


@dataclass
class CartCount:
    """What one cart did so far."""

    recorded: int = 0
    settled: int = 0
    sent: int = 0
    resent: int = 0
    states: int = 0
    power_cuts: int = 0
    erased_events: int = 0


@dataclass
class Place:
    """Where the cart is in the store's plan, metres, and where it is pushed to."""

    x: float = 0.0
    y: float = 0.0
    floor: int = 0
    target: tuple[float, float] = field(default=(0.0, 0.0))

    def walk(self, for_s: float) -> None:
        """Move towards the target at walking speed."""
        dx, dy = self.target[0] - self.x, self.target[1] - self.y
        distance = (dx * dx + dy * dy) ** 0.5
        share = 1.0 if distance == 0 else min(1.0, WALKING_M_PER_S * for_s / distance)
        self.x += dx * share
        self.y += dy * share


class SimCart:
    """A cart that shops. All methods belong to the event loop that `start` was called on."""

    def __init__(
        self,
        credential: CartCredential,
        broker: Broker,
        *,
        seed: str = "0",
        weather: Weather | None = None,
        journal: Journal | None = None,
        telemetry_every_s: float | None = None,
        device_patience_s: float = PATIENCE_S,
        connecting: asyncio.Semaphore | None = None,
    ) -> None:
        """`journal` None is a cart whose storage was reset: it learns its epoch from the retained state."""
        self.credential = credential
        self.cart_id = credential.cart_id
        self.count = CartCount()
        self.place: Place | None = Place()  # None: the cart does not know, and tells of its health only
        self.device = Device(journal if journal is not None else Journal(), Random(f"{seed}/device"), device_patience_s)
        weather = weather or Weather()
        self._break = weather.disconnect
        self._random = Random(f"{seed}/breaks")
        self.uplink: Link[Publish] = Link(weather, Random(f"{seed}/up"))
        self.downlink: Link[tuple[str, bytes]] = Link(weather, Random(f"{seed}/down"))
        ids: dict[str, str | int] = {"store": credential.store, "cart": credential.cart_id}
        self._topics = {channel.name: channel.topic(**ids).encode() for channel in (EVENTS, TELEMETRY, STATUS)}
        self._state_topic, self._command_topic = STATE.topic(**ids), COMMANDS.topic(**ids)
        self._telemetry_every_s = telemetry_every_s
        self._clock = _steady_clock()
        self._telemetry_at_s = self._clock() + self._random.random() * (telemetry_every_s or 0)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        self._powered = True
        self.connection = Connection(
            broker,
            Login(credential.username, credential.password, STATUS.topic(**ids)),
            (self._state_topic, self._command_topic),
            Hooks(
                connected=self._connected,
                disconnected=self._disconnected,
                message=self._arrived,
                will=lambda: self.device.birth(online=False).payload,
            ),
            Random(f"{seed}/reconnect"),
            connecting,
        )

    @property
    def state(self) -> CartState | None:
        """What the cart shows: the newest state it received."""
        return self.device.state

    @property
    def unsettled(self) -> int:
        """Events that the backend has not settled yet."""
        return len(self.device.journal)

    def start(self) -> None:
        """Switch on: connect, and stay connected."""
        self.connection.start()
        self._arm()

    async def close(self) -> None:
        """Switch off properly: the broker is told, the journal stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.connection.up:
            self._transmit(self.device.birth(online=False))
        self._powered = False
        await self.connection.close()

    def scan(self, code: str, quantity: int | None = None, weight_g: int | None = None) -> None:
        """The scanner read a code. Raises JournalFull."""
        self._recorded(self.device.record(self._clock(), "scan", code=code, quantity=quantity, weight_g=weight_g))

    def remove(self, code: str, quantity: int | None = None) -> None:
        """A product was taken out again. Raises JournalFull."""
        self._recorded(self.device.record(self._clock(), "remove", code=code, quantity=quantity))

    def weigh(self, total_g: int) -> None:
        """The scale stands still. Raises JournalFull."""
        self._recorded(self.device.record(self._clock(), "weight", total_g=total_g))

    def call_help(self) -> None:
        """The shopper pressed the button. Raises JournalFull."""
        self._recorded(self.device.record(self._clock(), "help"))

    def power_cut(self, *, keep_journal: bool) -> int:
        """The battery falls out and is put back: memory, and with `keep_journal` False the storage, is gone."""
        lost = self.device.power_cut(keep_journal=keep_journal)
        self.count.power_cuts += 1
        self.count.erased_events += lost
        self.uplink.clear()
        self.downlink.clear()
        self.connection.drop()
        return lost

    def refresh(self) -> None:
        """The shopper pressed the display awake: ask the broker for the retained state again."""
        self.connection.subscribe_again()

    async def until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait until a state makes `condition` true; False when the time is over first.

        Whoever waits long presses the display awake now and then: the state may have been lost on the radio.
        """
        deadline_s = time.monotonic() + within_s
        loop = asyncio.get_running_loop()
        while not condition():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            woken: asyncio.Future[None] = loop.create_future()
            self._waiting.append(woken)
            await asyncio.wait([woken], timeout=min(left_s, self.device.first_patience_s))
            if not woken.done():
                self._waiting.remove(woken)
                self.refresh()
        return True

    async def until_settled(self, within_s: float) -> bool:
        """Wait until every event is settled and the state that said so is shown."""
        return await self.until(lambda: self.state is not None and self.unsettled == 0, within_s)

    def _recorded(self, sent: list[Publish]) -> None:
        self.count.recorded += 1
        self._publish(sent)

    def _connected(self) -> None:
        self._publish(self.device.connect(self._clock()))

    def _disconnected(self) -> None:
        self.device.disconnect()
        self._arm()

    def _arrived(self, topic: str, payload: bytes) -> None:
        for message in self.downlink.carry((topic, payload), self._clock()):
            self._understand(*message)
        self._arm()

    def _understand(self, topic: str, payload: bytes) -> None:
        if topic == self._command_topic:
            self._publish(self.device.receive_command(payload, self._clock()))
            return
        if topic != self._state_topic:
            return  # a broker that leaks other carts' messages is not listened to
        before = len(self.device.journal)
        sent = self.device.receive_state(payload, self._clock())
        self.count.states += 1
        self.count.settled += before - len(self.device.journal)
        self._publish(sent)
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            if not woken.done():
                woken.set_result(None)

    def _publish(self, messages: list[Publish]) -> None:
        now_s = self._clock()
        for message in messages:
            if message.channel is STATUS:
                self._transmit(message)
                continue
            for arriving in self.uplink.carry(message, now_s):
                self._transmit(arriving)
        self._arm()

    def _transmit(self, message: Publish) -> None:
        if not self.connection.send(
            self._topics[message.channel.name],
            message.payload,
            qos=message.channel.qos,
            retain=message.channel.retain,
        ):
            return
        if message.key is not None:
            self.count.sent += 1
            self.count.resent += message.again
            if self._break and self._random.random() < self._break:
                self.connection.drop()

    def _tick(self) -> None:
        self._timer = None
        now_s = self._clock()
        for late in self.uplink.release(now_s):
            self._transmit(late)
        for held in self.downlink.release(now_s):
            self._understand(*held)
        self._publish(self.device.tick(now_s))
        if self.device.asks_for_state(now_s):
            self.refresh()
        if self._telemetry_every_s is not None and now_s >= self._telemetry_at_s:
            self._telemetry_at_s = now_s + self._telemetry_every_s
            if self.place is not None:
                self.place.walk(self._telemetry_every_s)
            if self.connection.up:
                place = self.place
                where = None if place is None else (place.x, place.y, place.floor)
                battery = max(5, 100 - self.count.recorded // 20)
                self._publish([self.device.telemetry(where, battery, -60)])
        self._arm()

    def _arm(self) -> None:
        if not self._powered:
            return
        wakes = [self.device.wake_at_s, self.uplink.wake_at_s, self.downlink.wake_at_s]
        if self._telemetry_every_s is not None:
            wakes.append(self._telemetry_at_s)
        wake_at_s = min((wake for wake in wakes if wake is not None), default=None)
        if wake_at_s is None:
            return
        if self._timer is not None:
            if self._timer_at_s <= wake_at_s:
                return  # it wakes earlier, and arms itself again
            self._timer.cancel()
        self._timer_at_s = wake_at_s
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wake_at_s - self._clock()), self._tick)


def _steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that only ever count on, whatever happens to the host's clock."""
    offset_s = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset_s
