"""Receipts: JSON for programs, and a page of HTML that prints well and needs nothing from elsewhere."""

from base64 import b64encode
from datetime import UTC
from decimal import Decimal
from hashlib import sha256
from html import escape

from services.gateway.fields import Answer, Moment, Money, money
from shared.db.orders import Order, OrderLine
from shared.domain.receipt import TaxShare, tax_shares
from shared.domain.weight_check import WeightVerdictName


class ReceiptLine(Answer):
    """One line; prices in major units."""

    line: int
    product_name: str
    gtin: str | None
    code: str
    quantity: int
    unit_price: Money
    unit_paid: Money
    total: Money
    tax_rate: float


class ReceiptTax(Answer):
    """Everything taxed at one rate, percent."""

    rate: float
    net: Money
    tax: Money
    gross: Money


class ReceiptBody(Answer):
    """A receipt; its number has no gaps within the store."""

    order_id: int
    receipt_number: int
    store: str
    issued_at: Moment
    currency: str
    lines: list[ReceiptLine]
    total_items: int
    subtotal: Money
    discount: Money
    total: Money
    taxes: list[ReceiptTax]
    incomplete: bool
    weight_verdict: WeightVerdictName


def receipt_body(order: Order, lines: list[OrderLine]) -> ReceiptBody:
    """The receipt of an order."""
    return ReceiptBody(
        order_id=order.order_id,
        receipt_number=order.receipt_number,
        store=order.store,
        issued_at=order.ordered_at,
        currency=order.currency,
        lines=[
            ReceiptLine(
                line=line.line,
                product_name=line.product_name,
                gtin=line.gtin,
                code=line.code,
                quantity=line.quantity,
                unit_price=money(line.unit_price_minor),
                unit_paid=money(line.unit_paid_minor),
                total=money(line.quantity * line.unit_paid_minor),
                tax_rate=line.tax_rate_bp / 100,
            )
            for line in lines
        ],
        total_items=order.total_items,
        subtotal=money(order.subtotal_minor),
        discount=money(order.subtotal_minor - order.total_minor),
        total=money(order.total_minor),
        taxes=[
            ReceiptTax(
                rate=share.rate_bp / 100,
                net=money(share.net_minor),
                tax=money(share.tax_minor),
                gross=money(share.gross_minor),
            )
            for share in _shares(lines)
        ],
        incomplete=order.incomplete,
        weight_verdict=order.weight_verdict,
    )


def receipt_page(order: Order, lines: list[OrderLine]) -> str:
    """The same receipt as HTML. The same order always gives the same text."""
    rows = "\n".join(_line_row(line) for line in lines)
    taxes = "\n".join(_tax_row(share) for share in _shares(lines))
    discount = order.subtotal_minor - order.total_minor
    issued = order.ordered_at.astimezone(UTC)
    return _PAGE.format(
        style=STYLE,
        number=order.receipt_number,
        store=escape(order.store),
        issued=issued.isoformat(timespec="seconds"),
        issued_text=issued.strftime("%Y-%m-%d %H:%M UTC"),
        order_id=order.order_id,
        rows=rows,
        taxes=taxes,
        total_items=order.total_items,
        subtotal=_amount(order.subtotal_minor),
        discount=_amount(-discount),
        total=_amount(order.total_minor),
        currency=escape(order.currency),
    )


def prefers_html(accept: str) -> bool:
    """Whether an Accept header weighs text/html above application/json (RFC 9110, section 12.5.1)."""
    weights = {"text/html": 0.0, "application/json": 0.0, "*/*": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind in weights:
            weights[kind] = next((_weight(one) for one in parameters if one.startswith("q=")), 1.0)
    return weights["text/html"] > max(weights["application/json"], weights["*/*"])


def _weight(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


def _shares(lines: list[OrderLine]) -> list[TaxShare]:
    return tax_shares((line.tax_rate_bp, line.quantity * line.unit_paid_minor) for line in lines)


def _line_row(line: OrderLine) -> str:
    was = "" if line.unit_paid_minor == line.unit_price_minor else f" <s>{_amount(line.unit_price_minor)}</s>"
    return (
        f"<tr><td>{escape(line.product_name)}<br><small>{escape(line.gtin or line.code)}</small></td>"
        f"<td>{line.quantity}</td><td>{_amount(line.unit_paid_minor)}{was}</td>"
        f"<td>{_amount(line.quantity * line.unit_paid_minor)}</td><td>{_rate(line.tax_rate_bp)}</td></tr>"
    )


def _tax_row(share: TaxShare) -> str:
    return (
        f"<tr><td>{_rate(share.rate_bp)}</td><td>{_amount(share.net_minor)}</td>"
        f"<td>{_amount(share.tax_minor)}</td><td>{_amount(share.gross_minor)}</td></tr>"
    )


def _amount(minor: int) -> str:
    return f"{money(minor):.2f}"


def _rate(rate_bp: int) -> str:
    return f"{Decimal(rate_bp) / 100:g} %"


STYLE = (
    "body{font:14px/1.4 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{text-align:right;padding:.2em .4em;border-bottom:1px solid #ccc}"
    "th:first-child,td:first-child{text-align:left}"
    "@media print{body{margin:0}}"
)
# The page may use exactly this style sheet, and nothing else.
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Receipt {number}</title>
<style>{style}</style>
</head>
<body>
<h1>Receipt {number}</h1>
<p>Store {store}<br><time datetime="{issued}">{issued_text}</time><br>Order {order_id}</p>
<table>
<thead><tr><th>Product</th><th>Pieces</th><th>Price</th><th>Total</th><th>Tax</th></tr></thead>
<tbody>
{rows}
</tbody>
<tfoot>
<tr><td>Before discounts</td><td>{total_items}</td><td></td><td>{subtotal}</td><td></td></tr>
<tr><td>Discounts</td><td></td><td></td><td>{discount}</td><td></td></tr>
<tr><th>Paid, {currency}</th><td></td><td></td><th>{total}</th><td></td></tr>
</tfoot>
</table>
<table>
<thead><tr><th>Tax rate</th><th>Net</th><th>Tax</th><th>Gross</th></tr></thead>
<tbody>
{taxes}
</tbody>
</table>
</body>
</html>
"""
