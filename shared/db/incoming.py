"""From a delivery to what the rules read: the fact with what its code leads to, the session that it names, and
what the log keeps beside it. Pure; nothing here asks the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.contracts.decode import Undecodable, decode_event
from shared.contracts.events import AnyCartEvent, Remove, Scan, Weight
from shared.db.priced_products import Codes
from shared.domain.cart_record import Arrival, CartRecord
from shared.domain.session_cart import Fact, PricedProduct, Refusal, pieces_scanned

EventSource = Literal["cart", "http"]
CLOCK_TRUSTED_BACK = timedelta(days=30)  # a cart may be without a network for days, hardly for a month
CLOCK_TRUSTED_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One delivery: the topic's ids, the bytes, and what was read from them."""

    topic: str
    store: str
    cart_id: int
    payload: bytes
    event: AnyCartEvent | Undecodable
    received_at: datetime
    source: EventSource = "cart"


def arrival_of(one: Incoming, record: CartRecord, codes: Codes, is_open: Mapping[tuple[UUID, int], bool]) -> Arrival:
    """An event with what it leads to, ready for the rules."""
    event = one.event
    key = (*number_of(event), 0)
    if isinstance(event, Undecodable):
        return Arrival(Fact(key, "unreadable"))
    if isinstance(event, Scan | Remove):
        fact = _goods_fact(key, event, codes)
    elif isinstance(event, Weight):
        fact = Fact(key, "weight", total_g=event.total_g)
    else:
        fact = Fact(key, "help")
    ref = session_ref_of(event)
    if ref is None:
        return Arrival(fact)
    if record.session is not None and ref == record.session.session_id:
        return Arrival(fact, record.session.session_id, is_open_ref=True)
    known = is_open.get((ref, one.cart_id)) if isinstance(ref, UUID) else None
    if known is None:
        return Arrival(fact, is_unknown_ref=True)
    return Arrival(fact, ref if isinstance(ref, UUID) else None, is_closed_ref=not known)


def number_of(event: AnyCartEvent | Undecodable) -> tuple[int, int]:
    if isinstance(event, Undecodable):
        assert event.key is not None, "without a number it was turned away"
        return event.key
    return event.epoch, event.seq


def session_ref_of(event: AnyCartEvent | Undecodable) -> UUID | str | None:
    """The session an event names; text when it is no id of ours."""
    if isinstance(event, Undecodable) or event.session is None:
        return None
    try:
        return UUID(event.session)
    except ValueError:
        return event.session


def kept_of(one: Incoming) -> tuple[str, bytes, datetime, int | None, datetime | None, bool]:
    """What an EventRow keeps of a delivery; a payload beyond the contract's size is in its dead letter."""
    weight_g = one.event.weight_g if isinstance(one.event, Scan) else None
    device_at = None if isinstance(one.event, Undecodable) else _plausible(one.event.at, one.received_at)
    payload = b"" if isinstance(one.event, Undecodable) else one.payload
    return one.source, payload or one.payload[:4096], one.received_at, weight_g, device_at, device_at is None


def same_content(first: bytes, again: Incoming) -> bool:
    """The same event, whether or not the cart wrote it with the same bytes; its clock and session may differ."""
    if first == again.payload:
        return True
    earlier = decode_event(first, again.cart_id)
    if isinstance(earlier, Undecodable) or isinstance(again.event, Undecodable):
        return False
    unlike = {"at": None, "session": None}
    return earlier.model_copy(update=unlike) == again.event.model_copy(update=unlike)


def _goods_fact(key: tuple[int, int, int], event: Scan | Remove, codes: Codes) -> Fact:
    found = codes[event.code]
    product = found if isinstance(found, PricedProduct) else None
    refusal = found if isinstance(found, Refusal) else None
    if isinstance(event, Scan):
        quantity = pieces_scanned(event.quantity, event.weight_g, product.unit_weight_g if product else None)
    else:
        quantity = event.quantity
    return Fact(key, event.type, event.code, quantity, product, refusal=refusal)


def _plausible(at: object, received_at: datetime) -> datetime | None:
    """The cart's clock as a time, or None when it cannot be right (M19); never used for order."""
    if type(at) is not int:
        return None
    earliest, latest = received_at - CLOCK_TRUSTED_BACK, received_at + CLOCK_TRUSTED_AHEAD
    if not earliest.timestamp() * 1000 <= at <= latest.timestamp() * 1000:
        return None
    return datetime.fromtimestamp(at / 1000, UTC)
