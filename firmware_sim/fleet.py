"""Many carts and their shoppers in one event loop: plays trips until they are done or it is told to stop."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from random import Random

from firmware_sim.cart import CartCredential, SimCart
from firmware_sim.catalogue import Mapping
from firmware_sim.connection import Broker
from firmware_sim.device import PATIENCE_S
from firmware_sim.ledger import Difference
from firmware_sim.phone import CodeReader, Door, Phone
from firmware_sim.plan import THINKING_S, Trip
from firmware_sim.radio import Weather
from firmware_sim.shopper import Result, Shopper, Tell, keep_silent
from firmware_sim.walking import WalkingShopper

SHOPPER_PATIENCE_S = 180.0  # a shopper waits this long for a backend that is away before giving the trip up
CONNECTING_AT_ONCE = 64
PROGRESS_EVERY_S = 0.5
ENTERING_S = 6.0  # walking shoppers come in one after the other
PHONE_PREFIX = "999"  # a country code that ITU-T E.164 keeps in reserve: these numbers reach nobody


@dataclass(frozen=True)
class Fleet:
    """Who plays where. `run` tells this run's phones and checkouts from those of other runs; it is 1 to 999,999."""

    credentials: Sequence[CartCredential]
    mqtt_url: str
    http_url: str
    codes: CodeReader
    run: int
    seed: int = 1
    speed: float = 1.0
    weather: Weather = field(default_factory=Weather)
    telemetry_every_s: float | None = 5.0
    patience_s: float = SHOPPER_PATIENCE_S
    device_patience_s: float = PATIENCE_S
    walks: bool = False  # along the gateway's ways; else carts drift, and no way is asked for

    def phone_number(self, number: int) -> str:
        """The phone of the shopper with the cart of this number, from 1."""
        return f"+{PHONE_PREFIX}{self.run:06d}{number:05d}"


@dataclass
class Report:
    """What the fleet did, and what it found."""

    trips: int = 0
    equal_trips: int = 0
    different_trips: int = 0
    unfinished_trips: int = 0
    orders: int = 0
    lines: int = 0
    different_lines: int = 0
    events: int = 0
    settled: int = 0
    sent: int = 0
    resent: int = 0
    radio_lost: int = 0
    radio_duplicated: int = 0
    radio_overtaken: int = 0
    reconnects: int = 0
    power_cuts: int = 0
    erased_events: int = 0
    refused_connections: int = 0
    http_retries: int = 0
    elapsed_s: float = 0.0
    differences: list[Difference] = field(default_factory=list)
    unfinished: dict[int, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Everything was played to its end, and everything was equal."""
        return not self.different_trips and not self.unfinished_trips

    def as_json(self) -> dict[str, object]:
        """For one JSON object."""
        return {**asdict(self), "elapsed_s": round(self.elapsed_s, 2), "clean": self.is_clean}

    def add(self, result: Result) -> None:
        """Count one more trip."""
        self.trips += 1
        self.equal_trips += result.outcome == "equal"
        self.different_trips += result.outcome == "different"
        self.unfinished_trips += result.outcome == "unfinished"
        self.orders += result.ordered
        self.lines += result.lines
        self.different_lines += len(result.differences)
        self.differences += result.differences
        if result.outcome == "unfinished":
            self.unfinished[result.trip] = result.reason


def ignore_progress(report: Report) -> None:
    """For those who do not watch."""


def play(
    fleet: Fleet,
    trips: Iterable[Trip],
    mapping: Mapping,
    *,
    tell: Tell = keep_silent,
    progress: Callable[[Report], None] = ignore_progress,
    for_s: float | None = None,
) -> Report:
    """Play all trips, or for `for_s` seconds as many as fit, and say how they ended. Blocks.

    `progress` is called twice a second. Trips that `for_s` cuts short are not counted.
    """
    return asyncio.run(play_async(fleet, trips, mapping, tell=tell, progress=progress, for_s=for_s))


async def play_async(
    fleet: Fleet,
    trips: Iterable[Trip],
    mapping: Mapping,
    *,
    tell: Tell = keep_silent,
    progress: Callable[[Report], None] = ignore_progress,
    for_s: float | None = None,
) -> Report:
    """The same on a running event loop."""
    started_s = time.monotonic()
    report = Report()
    door = Door(fleet.http_url)
    crew = _hire(fleet, door, mapping)
    left = iter(trips)
    for hand in crew:
        hand.cart.start()
    shopping = [asyncio.create_task(_shop_on(hand, left, report, tell), name=hand.name) for hand in crew]
    deadline_s = math.inf if for_s is None else started_s + for_s
    waiting: set[asyncio.Task[None]] = set(shopping)
    try:
        while waiting and time.monotonic() < deadline_s:
            _, waiting = await asyncio.wait(waiting, timeout=min(PROGRESS_EVERY_S, deadline_s - time.monotonic()))
            _count(report, crew, started_s)
            progress(report)
    finally:
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*shopping, return_exceptions=True)
        await asyncio.gather(*(hand.shopper.go_home() for hand in crew))
        await asyncio.gather(*(hand.cart.close() for hand in crew))
        door.close()
    _count(report, crew, started_s)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
    if not waiting:
        for trip in left:
            report.add(Result(trip.number, "unfinished", reason="every cart got stuck before"))
    return report


@dataclass(frozen=True)
class _Hand:
    """One cart, its shopper and the shopper's phone."""

    name: str
    cart: SimCart
    phone: Phone
    shopper: Shopper
    first_pause_s: float


def _hire(fleet: Fleet, door: Door, mapping: Mapping) -> list[_Hand]:
    broker = Broker.from_url(fleet.mqtt_url)
    connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
    products = {product.product_id: product for product in mapping.products.values()}
    crew = []
    for number, credential in enumerate(fleet.credentials, start=1):
        seed = f"{fleet.seed}/{number}"
        cart = SimCart(
            credential,
            broker,
            seed=seed,
            weather=fleet.weather,
            telemetry_every_s=fleet.telemetry_every_s,
            device_patience_s=fleet.device_patience_s,
            connecting=connecting,
        )
        random = Random(f"{seed}/phone")
        phone = Phone(door, fleet.phone_number(number), fleet.codes, random, fleet.patience_s)
        kind = WalkingShopper if fleet.walks else Shopper
        shopper = kind(cart, phone, products, str(fleet.run), fleet.speed)
        pause_s = (number - 1) * ENTERING_S if fleet.walks else random.random() * THINKING_S
        crew.append(_Hand(credential.username, cart, phone, shopper, pause_s / fleet.speed))
    return crew


async def _shop_on(hand: _Hand, left: Iterator[Trip], report: Report, tell: Tell) -> None:
    """Trip after trip until none is left, or until this cart gets stuck for good."""
    await asyncio.sleep(hand.first_pause_s)
    for trip in left:
        result = await hand.shopper.shop(trip, tell)
        report.add(result)
        if result.outcome == "unfinished" and not (await hand.shopper.leave() and hand.cart.unsettled == 0):
            return


def _count(report: Report, crew: Sequence[_Hand], started_s: float) -> None:
    counts = [hand.cart.count for hand in crew]
    links = [link.count for hand in crew for link in (hand.cart.uplink, hand.cart.downlink)]
    report.events = sum(count.recorded for count in counts)
    report.settled = sum(count.settled for count in counts)
    report.sent = sum(count.sent for count in counts)
    report.resent = sum(count.resent for count in counts)
    report.power_cuts = sum(count.power_cuts for count in counts)
    report.erased_events = sum(count.erased_events for count in counts)
    report.radio_lost = sum(count.lost for count in links)
    report.radio_duplicated = sum(count.duplicated for count in links)
    report.radio_overtaken = sum(count.overtaken for count in links)
    report.reconnects = sum(max(0, hand.cart.connection.connects - 1) for hand in crew)
    report.refused_connections = sum(hand.cart.connection.refused is not None for hand in crew)
    report.http_retries = sum(hand.phone.retries for hand in crew)
    report.elapsed_s = time.monotonic() - started_s
