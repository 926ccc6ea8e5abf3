"""What each delivery is, told from its topic alone and then from its bytes. Pure and total: nothing raises."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from services.cart_ingest.listener import Delivery
from shared.contracts.channels import EVENTS, STATUS, TELEMETRY, Channel
from shared.contracts.decode import Undecodable, decode_event, decode_status, decode_telemetry
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry
from shared.db.dead_letters import DeadLetter
from shared.db.incoming import Incoming
from shared.db.presence import Heard

INT32_MAX = 2**31 - 1
TOPICS_REMEMBERED = 30_000  # of ten thousand carts; about 10 MB
HeardStatus = tuple[Heard, CartStatus]


@dataclass
class Sorted:
    """A batch by kind. `strays` are kept as dead letters. `unheard` counts unreadable telemetry, `unassured` events
    that came with QoS 0, which is applied but was never promised (M20)."""

    events: list[Incoming] = field(default_factory=list)
    strays: list[DeadLetter] = field(default_factory=list)
    statuses: list[HeardStatus] = field(default_factory=list)
    telemetry: list[tuple[Heard, CartTelemetry]] = field(default_factory=list)
    unheard: int = 0
    unassured: int = 0


def sort_deliveries(deliveries: Iterable[Delivery]) -> Sorted:
    """Tell events from births, wills, telemetry and strays."""
    batch = Sorted()
    for delivery in deliveries:
        place = _place_of(delivery.topic)
        if place is None:
            topic = _shown(delivery.topic.decode("utf-8", "backslashreplace"))
            batch.strays.append(DeadLetter(topic, delivery.payload, "topic", "not a topic of a cart"))
            continue
        channel, topic, store, cart_id = place
        if channel is EVENTS:
            batch.unassured += delivery.qos == 0
            event = decode_event(delivery.payload, cart_id)
            batch.events.append(Incoming(topic, store, cart_id, delivery.payload, event, delivery.received_at))
            continue
        message = (decode_telemetry if channel is TELEMETRY else decode_status)(delivery.payload)
        heard = Heard(cart_id, store, delivery.received_at)
        match message:
            case CartTelemetry():
                batch.telemetry.append((heard, message))
            case CartStatus():
                batch.statuses.append((heard, message))
            case Undecodable(reason=reason, detail=detail) if channel is STATUS:
                batch.strays.append(DeadLetter(topic, delivery.payload, f"status_{reason}", detail, cart_id))
            case Undecodable():
                batch.unheard += 1
    return batch


@lru_cache(TOPICS_REMEMBERED)
def _place_of(topic: bytes) -> tuple[Channel, str, str, int] | None:
    """The channel of a cart, the topic as text, its store and its cart; None for any other topic."""
    text = topic.decode("utf-8", "backslashreplace")
    for channel in (EVENTS, TELEMETRY, STATUS):
        ids = channel.parse(text)
        if ids is not None and _is_cart_id(ids["cart"]):
            return channel, text, ids["store"], int(ids["cart"])
    return None


def _is_cart_id(level: str) -> bool:
    """A positive integer as we write it: no sign, no leading zero, within the column's type."""
    return level.isdigit() and level[0] != "0" and len(level) <= 10 and int(level) <= INT32_MAX


def _shown(topic: str) -> str:
    """Safe to store and to show: printable ASCII, bounded."""
    shown = (one if " " <= one <= "~" else one.encode("unicode_escape").decode("ascii") for one in topic[:200])
    return "".join(shown)[:200]
