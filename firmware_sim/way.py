"""A way through the store as the gateway plans it, and the paces in which a cart is pushed along it.

Metres of the store's plan. How a way is found is the gateway's business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, dist
from typing import Any, NamedTuple


class Spot(NamedTuple):
    """Where a cart can stand."""

    x: float
    y: float
    floor: int


@dataclass(frozen=True)
class Leg:
    """The way to one product."""

    product_id: int
    path: tuple[Spot, ...]


@dataclass(frozen=True)
class Way:
    """From `start` to one product after the other, and from the last of them to a checkout."""

    start: Spot
    legs: tuple[Leg, ...]
    way_out: tuple[Spot, ...]


def read_way(body: Any) -> Way:
    """The answer of POST /cart/shortest_path. Without a checkout that can be reached the way out is empty."""
    return Way(
        start=_spot(body["start"]),
        legs=tuple(Leg(int(leg["product_id"]), _path(leg)) for leg in body["segments"]),
        way_out=_path(body["way_out"]) if body["way_out"] else (),
    )


def paces(path: Sequence[Spot], pace_m: float) -> Iterator[Spot]:
    """Spots on the path, none further than `pace_m` from the one before; every bend and the end are among them.

    A change of floor is one pace, however long the ride.
    """
    for here, there in pairwise(path):
        count = 1 if here.floor != there.floor else max(1, ceil(dist(here[:2], there[:2]) / pace_m))
        for number in range(1, count):
            share = number / count
            yield Spot(here.x + (there.x - here.x) * share, here.y + (there.y - here.y) * share, here.floor)
        yield there


def _path(leg: Any) -> tuple[Spot, ...]:
    return tuple(_spot(point) for point in leg["path"])


def _spot(point: Any) -> Spot:
    return Spot(float(point["x"]), float(point["y"]), int(point["floor"]))
