"""The cart as the phone sees it; the same `version` as the state on MQTT."""

from typing import Literal

from pydantic import Field

from services.gateway.fields import Answer, Money, ProductBody, money, product_body
from shared.contracts.channels import SHOPPER_CART
from shared.contracts.state import StateStatus, WeightVerdict
from shared.db.held_carts import HeldCart
from shared.domain.weight_check import check_weight


class CartItem(Answer):
    """One line: one product at one price."""

    cart_items_id: int = Field(description="number of the line within this trip")
    cart_id: int
    product_id: int
    quantity: int
    product: ProductBody
    unit_price: Money = Field(description="before discount, as it was at the scan")
    line_total: Money = Field(description="what the line costs, discount taken off")


class WeightBody(Answer):
    """The load cell against what the lines should weigh, grams."""

    expected: int
    measured: int | None
    tolerance: int
    verdict: WeightVerdict


class NoticeBody(Answer):
    """Why something the cart said had no effect."""

    epoch: int
    seq: int
    code: str
    detail: str


class CartView(Answer):
    """A held. Follow `mqtt_topic` for what comes after: a state with a larger `version` is newer."""

    cart_id: int
    items: list[CartItem]
    total_weight: int = Field(description="grams; what the lines should weigh")
    session_id: str
    store: str
    version: int
    status: StateStatus
    total_items: int
    subtotal: Money = Field(description="before discounts")
    discount: Money
    total: Money = Field(description="what is to be paid")
    currency: str
    weight: WeightBody
    notices: list[NoticeBody]
    mqtt_topic: str = Field(description="live states; connect with /mqtt/token")


def cart_view(held: HeldCart, shopper_id: int, currency: str) -> CartView:
    """A held cart in its REST shape."""
    cart, weight = held.cart, check_weight(held.cart)
    subtotal, total = cart.subtotal_minor, cart.total_minor
    status: Literal["active", "incomplete"] = "incomplete" if held.incomplete else "active"
    return CartView(
        cart_id=held.cart_id,
        items=[
            CartItem(
                cart_items_id=line.number,
                cart_id=held.cart_id,
                product_id=line.product_id,
                quantity=line.quantity,
                product=product_body(held.products[line.product_id]),
                unit_price=money(line.unit_price_minor),
                line_total=money(line.quantity * line.unit_paid_minor),
            )
            for line in cart.lines
        ],
        total_weight=weight.expected_g,
        session_id=str(held.session_id),
        store=held.store,
        version=held.version,
        status=status,
        total_items=cart.total_items,
        subtotal=money(subtotal),
        discount=money(subtotal - total),
        total=money(total),
        currency=currency,
        weight=WeightBody(
            expected=weight.expected_g,
            measured=weight.measured_g,
            tolerance=weight.tolerance_g,
            verdict=weight.verdict,
        ),
        notices=[
            NoticeBody(epoch=notice.epoch, seq=notice.seq, code=notice.code, detail=notice.detail)
            for notice in held.notices
        ],
        mqtt_topic=SHOPPER_CART.topic(shopper=shopper_id),
    )
