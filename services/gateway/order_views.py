"""Orders in their REST shape."""

from pydantic import Field

from services.gateway.fields import Answer, Moment, Money, money
from shared.db.orders import Order, OrderLine
from shared.domain.weight_check import WeightVerdictName


class OrderItem(Answer):
    """One line; prices per piece, as they were at the scan."""

    product_id: int | None = Field(description="null when the product is no longer sold")
    quantity: int
    price: Money = Field(description="per piece, before discount")
    discounted_price: Money = Field(description="per piece, as paid")
    product_name: str


class OrderBody(Answer):
    """One purchase."""

    order_id: int
    user_id: int
    total_products: int
    total_price: Money = Field(description="before discounts")
    discounted_price: Money = Field(description="what was paid")
    items: list[OrderItem]
    store: str
    receipt_number: int
    currency: str
    ordered_at: Moment
    incomplete: bool = Field(description="scans of this trip got lost on the way; staff have been told")
    weight_verdict: WeightVerdictName = Field(description="what the cart weighed at checkout, beside its lines")


def order_body(order: Order, lines: list[OrderLine], shopper_id: int) -> OrderBody:
    """A stored order in its REST shape."""
    return OrderBody(
        order_id=order.order_id,
        user_id=shopper_id,
        total_products=order.total_items,
        total_price=money(order.subtotal_minor),
        discounted_price=money(order.total_minor),
        items=[
            OrderItem(
                product_id=line.product_id,
                quantity=line.quantity,
                price=money(line.unit_price_minor),
                discounted_price=money(line.unit_paid_minor),
                product_name=line.product_name,
            )
            for line in lines
        ],
        store=order.store,
        receipt_number=order.receipt_number,
        currency=order.currency,
        ordered_at=order.ordered_at,
        incomplete=order.incomplete,
        weight_verdict=order.weight_verdict,
    )
