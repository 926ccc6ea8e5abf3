"""Who may connect as what, and who may publish and subscribe to what: one pure policy over the channel list.

Every broker's access control derives from `grants`: the embedded broker asks it directly, Mosquitto's
dynamic security gets its roles printed from it. Whatever is not granted is denied. Wills and retained
deliveries go through the same grants as everything else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from shared.contracts.channels import CHANNELS, EVENTS, STATUS, TELEMETRY, Channel, Role


@dataclass(frozen=True, slots=True)
class CartIdentity:
    """A cart device; its store comes from its stored credential, not from what it claims."""

    cart_id: int
    store: str


@dataclass(frozen=True, slots=True)
class ShopperIdentity:
    """A shopper's phone."""

    shopper_id: int


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """One of our own programs, for example `ingest-0`."""

    name: str


Identity = CartIdentity | ShopperIdentity | ServiceIdentity

_CART_USER = re.compile(r"cart-([1-9][0-9]{0,17})", re.ASCII)
_SHOPPER_USER = re.compile(r"shopper-([1-9][0-9]{0,17})", re.ASCII)
_SERVICE_USER = re.compile(r"(?:ingest|publisher|bench)-[0-9]{1,3}", re.ASCII)
SHARE_GROUP = "ingest"


def username(identity: Identity) -> str:
    """User name at the broker; the client id must equal it, for every identity."""
    match identity:
        case CartIdentity(cart_id=cart_id):
            return f"cart-{cart_id}"
        case ShopperIdentity(shopper_id=shopper_id):
            return f"shopper-{shopper_id}"
        case ServiceIdentity(name=name):
            return name
        case _ as never:
            assert_never(never)


def cart_of(user: str) -> int | None:
    """The cart id in a cart's user name, or None for any other name."""
    found = _CART_USER.fullmatch(user)
    return int(found[1]) if found else None


def shopper_of(user: str) -> int | None:
    """The shopper id in a phone's user name, or None for any other name."""
    found = _SHOPPER_USER.fullmatch(user)
    return int(found[1]) if found else None


def is_service(user: str) -> bool:
    """True for the user name of one of our own programs."""
    return _SERVICE_USER.fullmatch(user) is not None


@dataclass(frozen=True, slots=True)
class Grants:
    """Topic filters an identity may publish to and receive from."""

    publish: tuple[str, ...]
    receive: tuple[str, ...]


def grants(identity: Identity) -> Grants:
    """Everything `identity` may do; a filter with `+` appears only for services."""
    match identity:
        case CartIdentity(cart_id=cart_id, store=store):
            own: dict[str, str | int] = {"store": store, "cart": cart_id}
            return _granted(Role.CART, lambda channel: channel.topic(**own))
        case ShopperIdentity(shopper_id=shopper_id):
            return _granted(Role.SHOPPER, lambda channel: channel.topic(shopper=shopper_id))
        case ServiceIdentity(name=name):
            return _granted(
                Role.SERVICE,
                lambda channel: channel.topic(service=name) if channel.parameters == ("service",) else channel.filter,
            )
        case _ as never:
            assert_never(never)


def _granted(role: Role, place: Callable[[Channel], str]) -> Grants:
    return Grants(
        publish=tuple(place(channel) for channel in CHANNELS if channel.publisher is role),
        receive=tuple(place(channel) for channel in CHANNELS if channel.subscriber is role),
    )


def may_publish(identity: Identity, topic: str) -> bool:
    """Whether `identity` may publish to `topic` (a will is a publish)."""
    return any(matches(granted, topic) for granted in grants(identity).publish)


def may_retain(identity: Identity, topic: str) -> bool:
    """Whether a publish to `topic` may carry the retain flag."""
    return may_publish(identity, topic) and any(
        channel.retain and channel.parse(topic) is not None for channel in CHANNELS
    )


def may_subscribe(identity: Identity, topic_filter: str) -> bool:
    """Whether everything that `topic_filter` can match is granted to `identity`."""
    if isinstance(identity, ServiceIdentity):
        topic_filter = topic_filter.removeprefix(f"$share/{SHARE_GROUP}/")
    return any(covers(granted, topic_filter) for granted in grants(identity).receive)


def may_receive(identity: Identity, topic: str) -> bool:
    """Whether a message on `topic` may be delivered to `identity`."""
    return any(matches(granted, topic) for granted in grants(identity).receive)


def ingest_filters(share: bool) -> tuple[str, ...]:
    """What cart-ingest subscribes to, shared among several workers or not."""
    prefix = f"$share/{SHARE_GROUP}/" if share else ""
    return tuple(prefix + channel.filter for channel in (EVENTS, TELEMETRY, STATUS))


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1 section 4.7: whether a topic name matches a filter (`+`, `#`, and `$` kept apart)."""
    if not topic or any(sign in topic for sign in "+#\0"):
        return False
    if topic[0] == "$" and topic_filter[:1] in ("+", "#"):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for position, level in enumerate(wanted):
        if level == "#":
            return position == len(wanted) - 1
        if position >= len(levels) or level not in ("+", levels[position]):
            return False
    return len(wanted) == len(levels)


def covers(granted: str, requested: str) -> bool:
    """Whether every topic that `requested` matches is matched by `granted`: `a/+` never covers `a/#`."""
    if not requested or "\0" in requested or requested[0] == "$":
        return False
    have, want = granted.split("/"), requested.split("/")
    for position, level in enumerate(want):
        if ("#" in level or "+" in level) and len(level) > 1:
            return False
        if level == "#" and position != len(want) - 1:
            return False
    for position, level in enumerate(have):
        if level == "#":
            return True
        if position >= len(want) or want[position] == "#":
            return False
        if level != "+" and level != want[position]:
            return False
    return len(have) == len(want)
