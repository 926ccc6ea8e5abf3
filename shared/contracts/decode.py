"""Strict reading of what carts send: a total function from bytes to a payload or a reason, never an exception.

Follows docs/reliability.md, M1 to M10, M12 and M18: size before parsing, UTF-8 without BOM, one JSON object, no
duplicate keys, no NaN or infinity, strict types, 64-bit integers, no control characters in codes.
"""

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.contracts.channels import MAX_PAYLOAD_BYTES
from shared.contracts.events import CART_EVENT, AnyCartEvent
from shared.contracts.fields import INT64_MAX
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry

DETAIL_MAX = 200


class Unreadable(StrEnum):
    """Why a payload could not be read; stable, also a metric label."""

    EMPTY = "empty"
    OVERSIZE = "oversize"
    DECODE = "decode"
    SHAPE = "shape"
    FIELD = "field"
    WRONG_CART = "wrong_cart"
    REJECTED = "rejected"  # by the database, alone
    BUG = "bug"  # by our own code, alone


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A payload that is not an event. `key` is its (epoch, seq) where these two could still be read."""

    reason: Unreadable
    detail: str
    key: tuple[int, int] | None = None


class _BadJson(ValueError):
    pass


def _refuse_constant(text: str) -> NoReturn:
    raise _BadJson(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _BadJson("number out of range")
    return value


def _int64(text: str) -> int:
    if len(text) > 20:
        raise _BadJson("integer out of range")
    if text == "-0":
        raise _BadJson("negative zero")
    value = int(text)
    if not -INT64_MAX - 1 <= value <= INT64_MAX:
        raise _BadJson("integer out of range")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _BadJson("duplicate key")
    return result


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_int=_int64, parse_constant=_refuse_constant
)


def _read_object(payload: bytes) -> dict[str, Any] | Undecodable:
    if not payload:
        return Undecodable(Unreadable.EMPTY, "empty payload")
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Undecodable(Unreadable.OVERSIZE, f"{len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    try:
        text = payload.decode("utf-8")
        document = _JSON.decode(text)
    except RecursionError:
        return Undecodable(Unreadable.DECODE, "nested too deeply")
    except ValueError as problem:
        return Undecodable(Unreadable.DECODE, _bounded(str(problem)))
    if not isinstance(document, dict):
        return Undecodable(Unreadable.SHAPE, f"a JSON object is needed, not {type(document).__name__}")
    return document


def decode_event(payload: bytes, cart_id: int) -> AnyCartEvent | Undecodable:
    """The event in `payload` from the topic of `cart_id`, or why there is none.

    The topic names the cart; a `cart_id` inside the payload that says otherwise is refused (M12).
    """
    document = _read_object(payload)
    if isinstance(document, Undecodable):
        return document
    claimed = document.get("cart_id", cart_id)
    if type(claimed) is not int or claimed != cart_id:
        return Undecodable(Unreadable.WRONG_CART, _bounded(f"payload says cart {claimed!r}"), _readable_key(document))
    try:
        return CART_EVENT.validate_python(document)
    except ValidationError as problem:
        return Undecodable(Unreadable.FIELD, _explain(problem), _readable_key(document))


M = TypeVar("M", CartTelemetry, CartStatus)
_TELEMETRY: TypeAdapter[CartTelemetry] = TypeAdapter(CartTelemetry)
_STATUS: TypeAdapter[CartStatus] = TypeAdapter(CartStatus)


def _decode_as(adapter: TypeAdapter[M], payload: bytes) -> M | Undecodable:
    document = _read_object(payload)
    if isinstance(document, Undecodable):
        return document
    try:
        return adapter.validate_python(document)
    except ValidationError as problem:
        return Undecodable(Unreadable.FIELD, _explain(problem))


def decode_telemetry(payload: bytes) -> CartTelemetry | Undecodable:
    """The telemetry in `payload`, or why there is none."""
    return _decode_as(_TELEMETRY, payload)


def decode_status(payload: bytes) -> CartStatus | Undecodable:
    """The birth or will in `payload`, or why there is none."""
    return _decode_as(_STATUS, payload)


def _readable_key(document: dict[str, Any]) -> tuple[int, int] | None:
    epoch, seq = document.get("epoch"), document.get("seq")
    if type(epoch) is int and type(seq) is int and 1 <= epoch <= INT64_MAX and 1 <= seq <= INT64_MAX:
        return epoch, seq
    return None


def _explain(problem: ValidationError) -> str:
    errors = problem.errors(include_url=False, include_input=False, include_context=False)
    return _bounded("; ".join(f"{'.'.join(map(str, e['loc'])) or 'payload'}: {e['msg']}" for e in errors[:3]))


def _bounded(text: str) -> str:
    """Safe to store and to show: printable ASCII, at most DETAIL_MAX characters."""
    return text.encode("unicode_escape").decode("ascii")[:DETAIL_MAX]
