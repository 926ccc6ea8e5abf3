"""From a delivery to what the rules read: the fact with what its code leads to, the session that it names, and
what the log keeps beside it. Pure; nothing here asks the database."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from shared.contracts.decode import Undecodable, decode_event
from shared.contracts.events import AnyCartEvent, Help, Remove, Scan, Weight
from shared.db.event_rows import EventRow
from shared.db.priced_products import Codes
from shared.domain.cart_record import Arrival, CartRecord, Entry
from shared.domain.session_cart import Fact, Refusal, pieces_scanned

EventSource = Literal["cart", "http"]
DAY_MS = 86_400_000
CLOCK_TRUSTED_BACK_MS = 30 * DAY_MS  # a cart may be without a network for days, hardly for a month
CLOCK_TRUSTED_AHEAD_MS = DAY_MS


class Incoming(NamedTuple):
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
    if isinstance(event, Undecodable):
        return Arrival(Fact((*number_of(event), 0), "unreadable"))
    fact = _fact_of(event, codes)
    ref = session_ref_of(event)
    if ref is None:
        return Arrival(fact)
    if record.session is not None and ref == record.session.session_id:
        return Arrival(fact, record.session.session_id, is_open_ref=True)
    known = is_open.get((ref, one.cart_id)) if isinstance(ref, UUID) else None
    if known is None:
        return Arrival(fact, is_unknown_ref=True)
    return Arrival(fact, ref if isinstance(ref, UUID) else None, is_closed_ref=not known)


def code_of(event: AnyCartEvent | Undecodable) -> str | None:
    """The code that an event is about, if it is about goods."""
    return event.code if type(event) is Scan or type(event) is Remove else None


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


def row_of(one: Incoming, entry: Entry) -> EventRow:
    """What the log keeps of a delivery; a payload beyond the contract's size is in its dead letter."""
    event = one.event
    if isinstance(event, Undecodable):
        return EventRow(one.cart_id, entry, one.source, one.payload[:4096], one.received_at, None, None, True)
    weight_g = event.weight_g if type(event) is Scan else None
    device_at = _plausible(event.at, one.received_at)
    return EventRow(
        one.cart_id, entry, one.source, one.payload, one.received_at, weight_g, device_at, device_at is None
    )


def same_content(first: bytes, again: Incoming) -> bool:
    """The same event, whether or not the cart wrote it with the same bytes; its clock and session may differ."""
    if first == again.payload:
        return True
    earlier = decode_event(first, again.cart_id)
    if isinstance(earlier, Undecodable) or isinstance(again.event, Undecodable):
        return False
    unlike = {"at": None, "session": None}
    return earlier.model_copy(update=unlike) == again.event.model_copy(update=unlike)


def _fact_of(event: AnyCartEvent, codes: Codes) -> Fact:
    key = (event.epoch, event.seq, 0)
    if type(event) is Weight:
        return Fact(key, "weight", total_g=event.total_g)
    if type(event) is Help:
        return Fact(key, "help")
    assert type(event) is Scan or type(event) is Remove
    found = codes[event.code]
    product, refusal = (None, found) if isinstance(found, Refusal) else (found, None)
    if type(event) is Scan:
        quantity = pieces_scanned(event.quantity, event.weight_g, product.unit_weight_g if product else None)
        return Fact(key, "scan", event.code, quantity, product, None, refusal)
    assert event.quantity is not None
    return Fact(key, "remove", event.code, event.quantity, product, None, refusal)


def _plausible(at: object, received_at: datetime) -> datetime | None:
    """The cart's clock as a time, or None when it cannot be right (M19); never used for order."""
    if type(at) is not int:
        return None
    since_ms = at - received_at.timestamp() * 1000
    return (
        datetime.fromtimestamp(at / 1000, UTC) if -CLOCK_TRUSTED_BACK_MS <= since_ms <= CLOCK_TRUSTED_AHEAD_MS else None
    )
