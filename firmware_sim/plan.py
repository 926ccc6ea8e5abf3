"""What a shopper is going to do on one trip, fixed by the seed before it begins. Nothing here depends on time."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from firmware_sim.catalogue import Mapping, SimProduct
from firmware_sim.radio import Weather

# Between two scans at shopping speed: 0.05 scans a second (docs/design.md, section 8: 180 carts, about 15/s).
THINKING_S = 20.0
ABANDONED = 0.03  # of trips: the shopper leaves the goods and goes
SCANS_FIRST = 0.4  # of trips: some scans come before the phone takes the cart
WEIGHED = 0.15  # of scans: the number of pieces is told by the load cell
DOUBLE = 0.12  # of scans: two pieces
TAKES_OUT = 0.08  # after a scan: something is taken out again
CALLS_HELP = 0.01  # after a scan
STANDS_STILL = 0.5  # of trips: the scale reports before the checkout

PowerCut = Literal["journal kept", "journal lost"]


@dataclass(frozen=True)
class PutIn:
    """Scan a product. `pieces` is what the shopper holds; the scan says so by quantity, by weight, or not at all."""

    product: SimProduct
    code: str
    pieces: int = 1
    quantity: int | None = None
    weight_g: int | None = None


@dataclass(frozen=True)
class TakeOut:
    """Scan one piece out again."""

    product: SimProduct
    code: str


@dataclass(frozen=True)
class Weigh:
    """The scale stands still."""


@dataclass(frozen=True)
class CallHelp:
    """Press the button."""


Step = PutIn | TakeOut | Weigh | CallHelp


@dataclass(frozen=True)
class Planned:
    """A step, how long the shopper thinks before it at shopping speed, and whether the power fails after it."""

    step: Step
    thinking_s: float
    power_cut: PowerCut | None = None


@dataclass(frozen=True)
class Trip:
    """One trip: `connect_before` is the number of the step before which the phone takes the cart."""

    number: int
    steps: tuple[Planned, ...]
    connect_before: int
    abandoned: bool


def plan_trips(
    seed: int, count: int, baskets: Sequence[Sequence[str]], mapping: Mapping, weather: Weather
) -> list[Trip]:
    """`count` trips, each through one basket; the baskets are drawn in an order that the seed gives."""
    order = list(range(len(baskets)))
    Random(f"{seed}/baskets").shuffle(order)
    return [
        plan_trip(seed, number, baskets[order[(number - 1) % len(order)]], mapping, weather)
        for number in range(1, count + 1)
    ]


def plan_trip(seed: int, number: int, basket: Sequence[str], mapping: Mapping, weather: Weather) -> Trip:
    """The trip with this number through this basket: the same seed, number and basket give the same trip.

    What is taken out was put in before, and at least one piece stays in the cart.
    """
    random = Random(f"{seed}/trip/{number}")
    power = Random(f"{seed}/power/{number}")  # of its own: the same goods are scanned with and without power cuts
    steps: list[Step] = []
    inside: list[PutIn] = []
    for item in basket:
        put = _put_in(mapping.products[item], random)
        steps.append(put)
        inside += [put] * put.pieces
        if random.random() < TAKES_OUT and len(inside) > 1:
            out = inside.pop(random.randrange(len(inside)))
            steps.append(TakeOut(out.product, out.code))
        if random.random() < CALLS_HELP:
            steps.append(CallHelp())
    if random.random() < STANDS_STILL:
        steps.append(Weigh())
    connect_before = random.randint(1, len(steps)) if random.random() < SCANS_FIRST else 0
    abandoned = random.random() < ABANDONED
    planned = tuple(Planned(step, THINKING_S * random.uniform(0.5, 1.5), _power_cut(power, weather)) for step in steps)
    return Trip(number, planned, connect_before, abandoned)


def _put_in(product: SimProduct, random: Random) -> PutIn:
    code = random.choice(list(product.codes))
    kind = random.random()
    if kind < WEIGHED and product.weight_g:
        pieces = random.randint(1, 3)
        # Within 3 % a piece, the load cell's noise never makes three pieces look like another number.
        weight_g = round(pieces * product.weight_g * random.uniform(0.97, 1.03))
        return PutIn(product, code, pieces, weight_g=max(weight_g, 1))
    if kind < WEIGHED + DOUBLE:
        return PutIn(product, code, 2, quantity=2)
    return PutIn(product, code, 1, quantity=random.choice((1, None)))


def _power_cut(random: Random, weather: Weather) -> PowerCut | None:
    if random.random() >= weather.power_cut:
        return None
    return "journal lost" if random.random() < weather.erase else "journal kept"
