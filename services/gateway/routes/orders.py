"""Paying, and what was paid."""

from http import HTTPStatus
from typing import Annotated, assert_never

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import INT32_MAX, Answer, Limit, Money, PathId, money
from services.gateway.keyed import KEY_REFUSALS, Keyed, answer_once, json_answer
from services.gateway.order_views import OrderBody, order_body
from services.gateway.receipts import PAGE_POLICY, ReceiptBody, prefers_html, receipt_body, receipt_page
from services.gateway.wiring import Here
from shared.db.orders import NEWEST, find_order, list_orders
from shared.db.phone_changes import NoCart
from shared.db.sessions import CheckedOut, EmptyCart, GapOpen, checkout

router = APIRouter(prefix="/orders", tags=["orders"])
_ALWAYS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


class CheckedOutBody(Answer):
    """The order that the cart has become."""

    order_id: int
    user_id: int
    total_products: int
    total_price: Money = Field(description="before discounts")
    discounted_price: Money = Field(description="what was paid")
    message: str
    receipt_number: int


@router.post(
    "/checkout",
    status_code=HTTPStatus.CREATED,
    summary="Pay for what is in the cart",
    response_model=CheckedOutBody,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.EMPTY_CART, Refusal.NO_CART, Refusal.GAP_OPEN),
)
def check_out(here: Here, shopper: Shopper, keyed: Keyed) -> Response:
    """Prices are those of the scans. A scan that races this is on the order or refused with a notice."""
    me = shopper.shopper_id

    def act() -> CheckedOutBody:
        outcome = checkout(connection, me, here.settings.currency, here.now())
        match outcome:
            case CheckedOut():
                return CheckedOutBody(
                    order_id=outcome.order_id,
                    user_id=me,
                    total_products=outcome.total_items,
                    total_price=money(outcome.subtotal_minor),
                    discounted_price=money(outcome.total_minor),
                    message="Thank you.",
                    receipt_number=outcome.receipt_number,
                )
            case NoCart():
                raise Refused(Refusal.NO_CART)
            case EmptyCart():
                raise Refused(Refusal.EMPTY_CART)
            case GapOpen():
                raise Refused(Refusal.GAP_OPEN, retry_after_s=2)
            case _ as never:
                assert_never(never)

    with here.pool.connection() as connection, connection.transaction():
        return answer_once(connection, me, keyed, here.now(), act, HTTPStatus.CREATED)


@router.get("/history", summary="Past orders, newest first", responses=refusals(*_ALWAYS))
def history(
    here: Here,
    shopper: Shopper,
    limit: Limit = 20,
    after: Annotated[int, Query(ge=1, le=INT32_MAX, description="order_id of the last one seen")] = NEWEST,
) -> list[OrderBody]:
    """One page; ask again with `after` = the last `order_id` for older ones."""
    with here.pool.connection() as connection, connection.transaction():
        orders = list_orders(connection, shopper.shopper_id, limit, after)
    return [order_body(order, lines, shopper.shopper_id) for order, lines in orders]


@router.get("/{order_id:int}", summary="One order", responses=refusals(*_ALWAYS, Refusal.UNKNOWN_ORDER))
def one_order(here: Here, shopper: Shopper, order_id: PathId) -> OrderBody:
    """Only the shopper's own."""
    with here.pool.connection() as connection, connection.transaction():
        found = find_order(connection, shopper.shopper_id, order_id)
    if found is None:
        raise Refused(Refusal.UNKNOWN_ORDER)
    return order_body(*found, shopper.shopper_id)


@router.get(
    "/{order_id:int}/receipt",
    summary="The receipt, as JSON or to print",
    response_model=ReceiptBody,
    responses={
        HTTPStatus.OK.value: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **refusals(*_ALWAYS, Refusal.UNKNOWN_ORDER),
    },
)
def receipt(
    here: Here,
    shopper: Shopper,
    order_id: PathId,
    accept: Annotated[str, Header(description="text/html for a page to print", max_length=256)] = "",
) -> Response:
    """`Accept: text/html` gives a page, anything else JSON."""
    with here.pool.connection() as connection, connection.transaction():
        found = find_order(connection, shopper.shopper_id, order_id)
    if found is None:
        raise Refused(Refusal.UNKNOWN_ORDER)
    if prefers_html(accept):
        return HTMLResponse(receipt_page(*found), headers={"Content-Security-Policy": PAGE_POLICY})
    return json_answer(receipt_body(*found))
