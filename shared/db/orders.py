"""Orders as they were paid: names, prices and tax rates are those of the purchase. They are written at checkout."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.weight_check import WeightVerdictName

NEWEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """One purchase without its lines."""

    order_id: int
    store_id: int
    store: str
    receipt_number: int
    currency: str
    total_items: int
    subtotal_minor: int
    total_minor: int
    incomplete: bool
    ordered_at: datetime
    weight_verdict: WeightVerdictName


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of a purchase; prices per piece, before and after discount."""

    order_id: int
    line: int
    product_id: int | None
    product_name: str
    gtin: str | None
    code: str
    quantity: int
    unit_price_minor: int
    unit_paid_minor: int
    tax_rate_bp: int


def list_orders(tx: Tx, shopper_id: int, limit: int, before: int = NEWEST) -> list[tuple[Order, list[OrderLine]]]:
    """A page of a shopper's orders, newest first, each with its lines."""
    with tx.cursor(row_factory=args_row(Order)) as cursor:
        orders = cursor.execute(
            sql("list_orders"), {"shopper_id": shopper_id, "before": before, "limit": limit}
        ).fetchall()
    lines = _list_lines(tx, [order.order_id for order in orders])
    return [(order, lines[order.order_id]) for order in orders]


def find_order(tx: Tx, shopper_id: int, order_id: int) -> tuple[Order, list[OrderLine]] | None:
    """One order with its lines, when it is this shopper's."""
    with tx.cursor(row_factory=args_row(Order)) as cursor:
        order = cursor.execute(sql("find_order"), {"shopper_id": shopper_id, "order_id": order_id}).fetchone()
    return (order, _list_lines(tx, [order_id])[order_id]) if order else None


def _list_lines(tx: Tx, order_ids: list[int]) -> defaultdict[int, list[OrderLine]]:
    by_order: defaultdict[int, list[OrderLine]] = defaultdict(list)
    with tx.cursor(row_factory=args_row(OrderLine)) as cursor:
        for line in cursor.execute(sql("list_order_lines"), {"order_ids": order_ids}):
            by_order[line.order_id].append(line)
    return by_order
