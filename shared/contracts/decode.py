"""Reading of what carts send: a total function from bytes to a payload or a reason, never an exception.

Follows docs/reliability.md, M1 to M10, M12 and M18: size before parsing, UTF-8 without BOM, one JSON object, no
duplicate keys, no NaN or infinity, strict types, 64-bit integers, no control characters in codes. But a message is not
lost over a part that it can do without: that part is left out, and `350.0` is a whole number. And an event that cannot
be read keeps its number wherever that can be read, so that the cart goes on and somebody is told (decision 85).
"""

import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.contracts.channels import MAX_PAYLOAD_BYTES
from shared.contracts.events import CART_EVENT, AnyCartEvent
from shared.contracts.fields import INT64_MAX
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry

DETAIL_MAX = 200
EXACT_MAX = 2**53  # a double holds each whole number up to here


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


@dataclass(frozen=True, slots=True)
class _Unusable:
    """Stands where something was written that means nothing: no finite number, more than 64 bits, a key that stands
    twice. `said`: what it said each time."""

    said: object = None


def _or_unusable(read: Callable[[str], object]) -> Callable[[str], object]:
    def attempt(text: str) -> object:
        try:
            return 0 if text == "-0" else read(text)  # "-0": what C prints of -0.3 without decimals
        except ValueError:
            return _Unusable()

    return attempt


def _unusable_when_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            before = result[key].said if isinstance(result[key], _Unusable) else result[key]
            result[key] = _Unusable(value if type(value) is type(before) and value == before else None)
        else:
            result[key] = value
    return result


# Reads on where the other gives up; also what a firmware prints that puts a scanner's control characters into its text.
_PATIENT_JSON = json.JSONDecoder(
    object_pairs_hook=_unusable_when_twice,
    parse_float=_or_unusable(_finite),
    parse_int=_or_unusable(_int64),
    parse_constant=lambda _: _Unusable(),
    strict=False,
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
    if not isinstance(document, Undecodable):
        return _event_of(document, cart_id)
    rescued = _read_on(payload, document)
    if rescued is None:
        return document
    event = _event_of(rescued, cart_id)
    return replace(document, key=event.key) if isinstance(event, Undecodable) else event


def _event_of(document: dict[str, Any], cart_id: int) -> AnyCartEvent | Undecodable:
    claimed = _whole(document.get("cart_id", cart_id))
    if type(claimed) is not int or claimed != cart_id:
        return Undecodable(Unreadable.WRONG_CART, _bounded(f"payload says cart {claimed!r}"), _readable_key(document))
    return _validated(CART_EVENT, document, _EVENT_CAN_DO_WITHOUT)


M = TypeVar("M")
_TELEMETRY: TypeAdapter[CartTelemetry] = TypeAdapter(CartTelemetry)
_STATUS: TypeAdapter[CartStatus] = TypeAdapter(CartStatus)
# Paths to what is left out when it cannot be read; of a place whose x is unreadable the whole place. Without its
# quantity or its code an event would be another one.
_EVENT_CAN_DO_WITHOUT = (("weight_g",), ("session",))
_TELEMETRY_CAN_DO_WITHOUT = (
    *(("location", "floor"), ("health", "battery_pct"), ("health", "rssi_dbm"), ("health", "journal_length")),
    *(("location",), ("health",)),
)
_STATUS_CAN_DO_WITHOUT = (("epoch",), ("firmware",))


def decode_telemetry(payload: bytes) -> CartTelemetry | Undecodable:
    """The telemetry in `payload`, or why there is none."""
    return _decode_as(_TELEMETRY, payload, _TELEMETRY_CAN_DO_WITHOUT)


def decode_status(payload: bytes) -> CartStatus | Undecodable:
    """The birth or will in `payload`, or why there is none."""
    return _decode_as(_STATUS, payload, _STATUS_CAN_DO_WITHOUT)


def _decode_as(adapter: TypeAdapter[M], payload: bytes, can_do_without: Collection[tuple[str, ...]]) -> M | Undecodable:
    document = _read_object(payload)
    if not isinstance(document, Undecodable):
        return _validated(adapter, document, can_do_without)
    rescued = _read_on(payload, document)
    if rescued is None:
        return document
    message: M | Undecodable = _validated(adapter, rescued, can_do_without)
    return document if isinstance(message, Undecodable) else message


def _read_on(payload: bytes, why: Undecodable) -> dict[str, Any] | None:
    """The object in what is almost JSON in UTF-8; None when there is none, or it was not that which was wrong."""
    if why.reason is not Unreadable.DECODE:
        return None
    try:
        document = _PATIENT_JSON.decode(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("at"), _Unusable):  # a field that takes anything
        del document["at"]
    return document


def _validated(
    adapter: TypeAdapter[M], document: dict[str, Any], can_do_without: Collection[tuple[str, ...]]
) -> M | Undecodable:
    """The message in a document, at the second try without those of the named parts that cannot be read."""
    try:
        return adapter.validate_python(document)
    except ValidationError as problem:
        first = problem
    whole = _whole(document, levels=2)
    try:
        return adapter.validate_python(whole)
    except ValidationError as problem:
        for error in problem.errors(include_url=False, include_input=False, include_context=False):
            _leave_out(whole, error["loc"], can_do_without)
    try:
        return adapter.validate_python(whole)
    except ValidationError:
        return Undecodable(Unreadable.FIELD, _explain(first), _readable_key(document))


def _leave_out(
    document: dict[str, Any], loc: tuple[int | str, ...], can_do_without: Collection[tuple[str, ...]]
) -> None:
    """Delete the part that an error is about, or what it is a part of. A location in an event begins with its type."""
    for path in can_do_without:
        if path in (loc[: len(path)], loc[1 : len(path) + 1]):
            *above, name = path
            for step in above:
                document = document.get(step, {})
            document.pop(name, None)
            return


def _whole(value: Any, levels: int = 0) -> Any:
    """A whole number that was written with decimals, such as 350.0, as such; so many levels of objects deep."""
    if levels and type(value) is dict:
        return {key: _whole(one, levels - 1) for key, one in value.items()}
    return int(value) if type(value) is float and value.is_integer() and abs(value) <= EXACT_MAX else value


def _readable_key(document: dict[str, Any]) -> tuple[int, int] | None:
    epoch, seq = (
        _whole(value.said if isinstance(value, _Unusable) else value)
        for value in (document.get("epoch"), document.get("seq"))
    )
    if type(epoch) is int and type(seq) is int and 1 <= epoch <= INT64_MAX and 1 <= seq <= INT64_MAX:
        return epoch, seq
    return None


def _explain(problem: ValidationError) -> str:
    errors = problem.errors(include_url=False, include_input=False, include_context=False)
    return _bounded("; ".join(f"{'.'.join(map(str, e['loc'])) or 'payload'}: {e['msg']}" for e in errors[:3]))


def _bounded(text: str) -> str:
    """Safe to store and to show: printable ASCII, at most DETAIL_MAX characters."""
    return text.encode("unicode_escape").decode("ascii")[:DETAIL_MAX]
