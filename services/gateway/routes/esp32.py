"""Scans over HTTP, for boards that cannot speak MQTT."""

import math
from typing import Annotated, Self, assert_never

from fastapi import APIRouter
from pydantic import (
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from services.gateway.callers import Device, refuse_caller
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Ask, Id, Message
from services.gateway.wiring import Here
from shared.contracts.events import MAX_WEIGHT_G
from shared.contracts.fields import INT64_MAX, Code
from shared.db.http_events import (
    NotTaken,
    Number,
    Taken,
    apply_http_scan,
    find_code_of_product,
    find_store_of_device,
)

router = APIRouter(prefix="/cart/esp32", tags=["boards"])

_RESPONSES = refusals(
    *EVERYWHERE,
    Refusal.NOT_AUTHENTICATED,
    Refusal.NOT_YOUR_CART,
    Refusal.UNKNOWN_PRODUCT,
    Refusal.WRONG_CHECK_DIGIT,
    Refusal.AMBIGUOUS_CODE,
    Refusal.LINE_LIMIT,
    Refusal.EVENT_REFUSED,
)
_REFUSALS = {
    "unknown_code": Refusal.UNKNOWN_PRODUCT,
    "wrong_check_digit": Refusal.WRONG_CHECK_DIGIT,
    "ambiguous_code": Refusal.AMBIGUOUS_CODE,
    "line_limit": Refusal.LINE_LIMIT,
}


def _or_none(weight: object, read: ValidatorFunctionWrapHandler) -> object:
    """A scan is not lost over the weight beside it; 350.0 is a whole number."""
    try:
        return read(int(weight) if type(weight) is float and weight.is_integer() else weight)
    except ValidationError:
        return None


class Scanned(Ask):
    """What the board read. With `epoch` and `seq` a repeat changes nothing; without them it is another scan."""

    cart_id: Id = Field(examples=[1])
    barcode: Code | None = Field(None, examples=["9520000000011"])
    product_id: Id | None = None
    weight: Annotated[int | None, WrapValidator(_or_none)] = Field(
        None, ge=0, le=MAX_WEIGHT_G, description="the load cell's step, grams; left out when it cannot be read"
    )
    epoch: int | None = Field(None, ge=1, le=INT64_MAX)
    seq: int | None = Field(None, ge=1, le=INT64_MAX)

    @model_validator(mode="after")
    def _says_what_and_which(self) -> Self:
        if (self.barcode is None) == (self.product_id is None):
            raise ValueError("give barcode or product_id, not both")
        if (self.epoch is None) != (self.seq is None):
            raise ValueError("epoch and seq belong together")
        return self


@router.post(
    "/update_item",
    summary="The same as add_item",
    responses=_RESPONSES,
)
@router.post("/add_item", summary="A board has scanned something", responses=_RESPONSES)
def add_item(here: Here, device: Device, asked: Scanned) -> Message:
    """HTTP Basic with cart id and secret. The same log and the same rules as over MQTT."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        store = find_store_of_device(connection, device.cart_id, device.secret, now)
        if store is None:
            raise refuse_caller("device")
        wait_s = here.board_rates.take(device.cart_id)
        if wait_s:
            raise Refused(Refusal.TOO_MANY_REQUESTS, retry_after_s=math.ceil(wait_s))
        if asked.cart_id != device.cart_id:
            raise Refused(Refusal.NOT_YOUR_CART)
        code = asked.barcode or find_code_of_product(connection, asked.product_id or 0)
        if code is None:
            raise Refused(Refusal.UNKNOWN_PRODUCT)
        number = Number(asked.epoch, asked.seq) if asked.epoch and asked.seq else None
        outcome = apply_http_scan(connection, device.cart_id, store, code, asked.weight, number, now)
    match outcome:
        case Taken():
            return Message(message="In the cart.")
        case NotTaken(reason=reason):
            raise Refused(_REFUSALS.get(reason, Refusal.EVENT_REFUSED), f"Kept, without effect: {reason}.")
        case _ as never:
            assert_never(never)
