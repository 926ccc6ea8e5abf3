"""THE list of MQTT channels: topic, direction, QoS, retain and payload of each. Topics are written nowhere else.

Levels in braces are ids of the form `[a-z0-9-]{1,36}`. MQTT 3.1.1, section 4.7, gives the rules for topic
names and filters.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from shared.contracts.canary import Canary
from shared.contracts.commands import CartCommand
from shared.contracts.events import CartEvent
from shared.contracts.state import CartState
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry

ROOT = "smartcart/v1"
ID_PATTERN = re.compile(r"[a-z0-9-]{1,36}", re.ASCII)
MAX_PAYLOAD_BYTES = 4096


class Role(StrEnum):
    """Who stands at one end of a channel."""

    CART = "cart"
    SHOPPER = "shopper"
    SERVICE = "service"


class BadTopicId(ValueError):
    """An id that may not become a topic level."""


@dataclass(frozen=True)
class Channel:
    """One topic template with its rules; `owner` levels must be the identity's own for carts and shoppers."""

    name: str
    template: str
    summary: str
    publisher: Role
    subscriber: Role
    qos: int
    retain: bool
    payload: Any

    @cached_property
    def _levels(self) -> tuple[str, ...]:
        return tuple(f"{ROOT}/{self.template}".split("/"))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the id levels, in order."""
        return tuple(level[1:-1] for level in self._levels if level.startswith("{"))

    def topic(self, **ids: str | int) -> str:
        """The topic name for these ids; raises BadTopicId for an id that could change the topic's shape."""
        parts: list[str] = []
        for level in self._levels:
            if not level.startswith("{"):
                parts.append(level)
                continue
            value = str(ids[level[1:-1]])
            if ID_PATTERN.fullmatch(value) is None:
                raise BadTopicId(f"{level[1:-1]}={value!r}")
            parts.append(value)
        return "/".join(parts)

    @cached_property
    def filter(self) -> str:
        """The topic filter of every topic of this channel."""
        return "/".join("+" if level.startswith("{") else level for level in self._levels)

    def parse(self, topic: str) -> dict[str, str] | None:
        """The ids in `topic`, or None when it is not a topic of this channel."""
        levels = topic.split("/")
        if len(levels) != len(self._levels):
            return None
        ids: dict[str, str] = {}
        for wanted, level in zip(self._levels, levels, strict=True):
            if wanted.startswith("{"):
                if ID_PATTERN.fullmatch(level) is None:
                    return None
                ids[wanted[1:-1]] = level
            elif wanted != level:
                return None
        return ids


EVENTS = Channel(
    "cart_events",
    "stores/{store}/carts/{cart}/events",
    "What a cart must never lose: scans, removals, weights, calls for help.",
    Role.CART,
    Role.SERVICE,
    qos=1,
    retain=False,
    payload=CartEvent,
)
TELEMETRY = Channel(
    "cart_telemetry",
    "stores/{store}/carts/{cart}/telemetry",
    "Where the cart is and how it feels; the latest wins.",
    Role.CART,
    Role.SERVICE,
    qos=0,
    retain=False,
    payload=CartTelemetry,
)
STATUS = Channel(
    "cart_status",
    "stores/{store}/carts/{cart}/status",
    "Birth, and the last will.",
    Role.CART,
    Role.SERVICE,
    qos=1,
    retain=True,
    payload=CartStatus,
)
STATE = Channel(
    "cart_state",
    "stores/{store}/carts/{cart}/state",
    "The cart as the backend knows it, for the cart's display, with the acknowledgement of its events.",
    Role.SERVICE,
    Role.CART,
    qos=1,
    retain=True,
    payload=CartState,
)
COMMANDS = Channel(
    "cart_commands",
    "stores/{store}/carts/{cart}/commands",
    "What the backend asks of a cart.",
    Role.SERVICE,
    Role.CART,
    qos=1,
    retain=False,
    payload=CartCommand,
)
SHOPPER_CART = Channel(
    "shopper_cart",
    "shoppers/{shopper}/cart",
    "The live cart for the phone of the shopper who holds it. Not retained: the snapshot is GET /cart/view.",
    Role.SERVICE,
    Role.SHOPPER,
    qos=1,
    retain=False,
    payload=CartState,
)
CANARY = Channel(
    "service_canary",
    "services/{service}/canary",
    "A service's note to itself through the broker: silence means that the path is dead.",
    Role.SERVICE,
    Role.SERVICE,
    qos=1,
    retain=False,
    payload=Canary,
)

CHANNELS: tuple[Channel, ...] = (EVENTS, TELEMETRY, STATUS, STATE, COMMANDS, SHOPPER_CART, CANARY)
