"""Carts and shoppers in a storm: devices that remember everything they ever numbered and were told."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from firmware_sim.cart import CartCredential, SimCart
from firmware_sim.catalogue import Mapping, SimProduct, map_items
from firmware_sim.connection import Broker
from firmware_sim.device import Device, Publish
from firmware_sim.journal import Draft, Journal, Key
from firmware_sim.phone import Door, FixedCode, Phone
from firmware_sim.plan import plan_trip
from firmware_sim.radio import Link, Weather
from firmware_sim.shopper import Result, Shopper
from shared.contracts.state import CartState
from tests.storms.stage import ONE_TIME_CODE
from tests.storms.timeline import Severity
from tests.storms.trusting_cart import TrustingCart

# The way down is clean: a version that goes backwards is then the backend's doing, not the radio's.
UP_WEATHER = Weather(loss=0.02, duplicate=0.1, reorder=4, disconnect=0.005, erase=0.0)
DEVICE_PATIENCE_S = 1.5  # time runs faster in a storm than in a store
POISON_CODE = "9520000999997"  # what the stage's PostgreSQL refuses to store as an event's code
SPEED = 50.0  # a step every 0.4 s
BASKET = (8, 16)


@dataclass
class RememberingJournal(Journal):
    """A journal that also keeps what it may forget: every event that ever had a number."""

    numbered: dict[Key, bytes] = field(default_factory=dict)

    def record(self, draft: Draft) -> None:
        super().record(draft)
        self._remember()

    def start_epoch(self, epoch: int) -> None:
        super().start_epoch(epoch)
        self._remember()

    def _remember(self) -> None:
        for entry in self.entries:
            self.numbered.setdefault(entry.key, entry.payload)


class WatchingDevice(Device):
    """A device that watches its states: `regressions` are versions that came below one that came before."""

    def __init__(self, journal: Journal, random: Random) -> None:
        super().__init__(journal, random, DEVICE_PATIENCE_S)
        self.newest: CartState | None = None
        self.last: CartState | None = None
        self.regressions: list[tuple[int, int]] = []

    def receive_state(self, payload: bytes, now_s: float) -> list[Publish]:
        self.last = state = CartState.model_validate_json(payload)
        if self.newest is not None and state.version < self.newest.version:
            self.regressions.append((self.newest.version, state.version))
        else:
            self.newest = state
        return super().receive_state(payload, now_s)


@dataclass
class Hand:
    """One cart with its shopper, and how the trips went."""

    cart: SimCart
    journal: RememberingJournal
    device: WatchingDevice
    shopper: Shopper
    results: list[Result] = field(default_factory=list)


class Crew:
    """The fleet of a storm. It shops in a thread of its own until it is told to go home."""

    def __init__(
        self,
        seed: int,
        credentials: Sequence[CartCredential],
        products: Sequence[SimProduct],
        mqtt_url: str,
        http_url: str,
        severity: Severity,
    ) -> None:
        self._seed = seed
        self._severity = severity
        self._weather = replace(UP_WEATHER, power_cut=severity.cart_restarts)
        self._poisoned = 0
        self._codes = [product.codes[0] for product in products if product.codes]
        self._mapping: Mapping = map_items([self._codes], products)
        self._door = Door(http_url)
        self._closing = threading.Event()
        self._trips = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crew")
        self.hands = [self._hire(number, one, Broker.from_url(mqtt_url)) for number, one in enumerate(credentials)]
        self._shopping: list[asyncio.Task[None]] = []

    @property
    def recorded(self) -> int:
        """Events so far."""
        return sum(hand.cart.count.recorded for hand in self.hands)

    @property
    def unsettled(self) -> int:
        """Events that the backend has not settled yet."""
        return sum(hand.cart.unsettled for hand in self.hands)

    @property
    def restarts(self) -> int:
        """How often a cart has lost its power."""
        return sum(hand.cart.count.power_cuts for hand in self.hands)

    @property
    def is_home(self) -> bool:
        """Every shopper has ended the last trip."""
        return bool(self._shopping) and all(task.done() for task in self._shopping)

    def start(self) -> None:
        """Open the doors."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def close_doors(self) -> None:
        """Nobody begins another trip."""
        self._closing.set()

    def scan_poison(self) -> None:
        """One cart after the other scans what PostgreSQL will refuse."""
        cart = self.hands[self._poisoned % len(self.hands)].cart
        self._poisoned += 1
        self._loop.call_soon_threadsafe(cart.scan, POISON_CODE)

    def ask_for_states(self) -> None:
        """Every cart asks the broker for its retained state again."""
        for hand in self.hands:
            hand.device.last = None
            self._loop.call_soon_threadsafe(hand.cart.refresh)

    def end(self) -> None:
        """Switch everything off, wherever it stands. Raises what a shopper raised."""
        if not self._thread.is_alive():
            return
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        finally:
            self._door.close()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def _hire(self, number: int, credential: CartCredential, broker: Broker) -> Hand:
        seed = f"{self._seed}/{number}"
        journal = RememberingJournal()
        kind = TrustingCart if self._severity.carts_trust_the_broker else SimCart
        cart = kind(credential, broker, seed=seed, weather=self._weather, journal=journal, telemetry_every_s=5.0)
        if isinstance(cart, TrustingCart):
            cart.numbered = journal.numbered
        cart.downlink = Link(Weather(), Random())
        cart.device = device = WatchingDevice(journal, Random(f"{seed}/device"))
        patience_s = self._severity.patience_s
        number_text = f"+999{self._seed % 1_000_000:06d}{number:05d}"
        phone = Phone(self._door, number_text, FixedCode(ONE_TIME_CODE), Random(f"{seed}/phone"), patience_s)
        products = {product.product_id: product for product in self._mapping.products.values()}
        return Hand(cart, journal, device, Shopper(cart, phone, products, f"storm{self._seed}", SPEED))

    async def _open(self) -> None:
        for hand in self.hands:
            hand.cart.start()
            self._shopping.append(asyncio.create_task(self._shop_on(hand)))

    async def _shop_on(self, hand: Hand) -> None:
        while not self._closing.is_set():
            self._trips += 1
            random = Random(f"{self._seed}/basket/{self._trips}")
            basket = random.sample(self._codes, random.randint(*BASKET))
            trip = plan_trip(self._seed, self._trips, basket, self._mapping, self._weather)
            result = await hand.shopper.shop(trip)
            hand.results.append(result)
            if result.outcome == "unfinished" and not await hand.shopper.leave():
                return

    async def _close(self) -> None:
        for task in self._shopping:
            task.cancel()
        ended = await asyncio.gather(*self._shopping, return_exceptions=True)
        await asyncio.gather(*(hand.cart.close() for hand in self.hands))
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome
