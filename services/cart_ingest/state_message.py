"""A snapshot as the CartState that goes over MQTT, never larger than the contract allows."""

from datetime import datetime
from functools import lru_cache

from shared.contracts.channels import MAX_PAYLOAD_BYTES
from shared.contracts.state import Ack, CartState, Notice, StateLine, StateStatus, WeightCheck
from shared.db.cart_states import CartSnapshot, NamedLine

NAME_SHOWN = 60  # a display shows no more; the receipt has the whole name
LINES_KEPT = 10_000  # ready to be said again: of two states of a cart most lines are the same; about 2 kB each


def to_state_message(snapshot: CartSnapshot, currency: str, now: datetime, *, for_phone: bool) -> bytes:
    """The payload; when all lines do not fit, the newest stay and `lines_omitted` tells how many are left out."""
    lines = tuple(_line(one) for one in snapshot.lines)
    state = _state(snapshot, lines, currency, now, for_phone=for_phone)
    payload = state.model_dump_json().encode()
    while len(payload) > MAX_PAYLOAD_BYTES and lines:
        spare = len(payload) - MAX_PAYLOAD_BYTES
        drop = max(1, spare * len(lines) // (2 * len(payload)))
        lines = lines[drop:]
        state = state.model_copy(update={"lines": lines, "lines_omitted": len(snapshot.lines) - len(lines)})
        payload = state.model_dump_json().encode()
    return payload


def _state(
    snapshot: CartSnapshot, lines: tuple[StateLine, ...], currency: str, now: datetime, *, for_phone: bool
) -> CartState:
    cart, weight = snapshot.cart, snapshot.weight
    shows_code = not for_phone and snapshot.shopper_id is None
    return CartState(
        cart_id=snapshot.cart_id,
        session_id=str(snapshot.session_id) if snapshot.session_id else None,
        version=snapshot.version,
        status=_status(snapshot),
        ack=Ack(epoch=snapshot.ack_epoch, seq=snapshot.ack_seq),
        lines=lines,
        total_items=cart.total_items,
        subtotal_minor=cart.subtotal_minor,
        discount_minor=cart.subtotal_minor - cart.total_minor,
        total_minor=cart.total_minor,
        currency=currency,
        weight=WeightCheck(
            expected_g=weight.expected_g,
            measured_g=weight.measured_g,
            tolerance_g=weight.tolerance_g,
            verdict=weight.verdict,
        ),
        notices=tuple(
            Notice(epoch=one.epoch, seq=one.seq, code=one.code, detail=one.detail) for one in snapshot.notices
        ),
        at=int(now.timestamp() * 1000),
        pairing_code=snapshot.pairing_code if shows_code else None,
    )


def _status(snapshot: CartSnapshot) -> StateStatus:
    if snapshot.is_closed:
        return "closed"
    if snapshot.session_id is None:
        return "idle"
    return "incomplete" if snapshot.incomplete else "active"


@lru_cache(LINES_KEPT)
def _line(one: NamedLine) -> StateLine:
    line = one.line
    return StateLine(
        line=line.number,
        product_id=line.product_id,
        gtin=one.gtin,
        code=line.code,
        name=one.name[:NAME_SHOWN],
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.quantity * line.unit_paid_minor,
        weight_g=line.unit_weight_g,
    )
