"""Spots of a store and what may be closed in it; values only. All lengths are metres, in the layout's own axes."""

from dataclasses import dataclass
from typing import NamedTuple

from shared.navigation.layout import Rect


class Place(NamedTuple):
    """A spot of the store in metres, in the layout's own axes."""

    floor: int
    x: float
    y: float


class BlockedRect(NamedTuple):
    """A rectangle that nobody may enter for now, in metres."""

    floor: int
    rect: Rect


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is closed at the moment: rectangles, and connectors by their index in the layout."""

    blocked: tuple[BlockedRect, ...] = ()
    closed_connectors: frozenset[int] = frozenset()


NOTHING_CLOSED = Overlay()


@dataclass(frozen=True, slots=True)
class Ride:
    """One direction of a connector: from a node to a node, each given as (floor, row of the floor's points)."""

    connector: int
    start: tuple[int, int]
    end: tuple[int, int]
    cost_m: float
