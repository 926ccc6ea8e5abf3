"""What the shopper knows to be in the cart, and how an order differs from it. Money is integer minor units."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.contracts.state import CartState


@dataclass(frozen=True, order=True)
class Difference:
    """One line that is not what it should be; `ours` is the shopper's ledger, `theirs` the backend's."""

    trip: int
    what: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class OrderLine:
    """A line of an order as REST shows it."""

    product_id: int
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True)
class Order:
    """An order as REST shows it."""

    order_id: int
    lines: tuple[OrderLine, ...]
    total_minor: int
    paid_minor: int


class OddOrder(ValueError):
    """The order is not of the shape that openapi.json gives."""


def read_order(body: dict[str, Any]) -> Order:
    """From one element of GET /orders/history, its numbers parsed as Decimal. Raises OddOrder."""
    try:
        lines = tuple(
            OrderLine(int(item["product_id"]), int(item["quantity"]), to_minor(item["price"])) for item in body["items"]
        )
        return Order(int(body["order_id"]), lines, to_minor(body["total_price"]), to_minor(body["discounted_price"]))
    except (KeyError, TypeError, ValueError, ArithmeticError) as problem:
        raise OddOrder(f"order cannot be read: {problem!r}") from problem


def to_minor(major: Decimal | int | str) -> int:
    """12.5 -> 1250, exact; raises ValueError for parts of a cent."""
    minor = Decimal(major).scaleb(2)
    if minor != minor.to_integral_value():
        raise ValueError(f"{major} has parts of a cent")
    return int(minor)


@dataclass
class Ledger:
    """Pieces of each product that the shopper holds."""

    pieces: Counter[int] = field(default_factory=Counter)

    def put_in(self, product_id: int, pieces: int) -> None:
        self.pieces[product_id] += pieces

    def take_out(self, product_id: int) -> None:
        self.pieces[product_id] -= 1
        if not self.pieces[product_id]:
            del self.pieces[product_id]

    def recount(self, shown: Counter[int]) -> tuple[Counter[int], Counter[int]]:
        """What has to be scanned in, and out, so that the cart shows what the shopper holds."""
        return self.pieces - shown, shown - self.pieces

    def compare(self, trip: int, order: Order, state: CartState) -> tuple[int, list[Difference]]:
        """How many lines were compared, and what differs: products and pieces from our own ledger, prices and
        totals as the state said when the last event was settled.
        """
        differences: list[Difference] = []
        ordered: Counter[int] = Counter()
        for line in order.lines:
            ordered[line.product_id] += line.quantity
        for product_id in sorted(self.pieces.keys() | ordered.keys()):
            ours, theirs = self.pieces[product_id], ordered[product_id]
            if ours != theirs:
                differences.append(Difference(trip, f"product {product_id} pieces", str(ours), str(theirs)))
        if not state.lines_omitted:
            shown = _by_price((line.product_id, line.unit_price_minor, line.quantity) for line in state.lines)
            priced = _by_price((line.product_id, line.unit_price_minor, line.quantity) for line in order.lines)
            for product_id, price_minor in sorted(shown.keys() | priced.keys()):
                key = (product_id, price_minor)
                if shown[key] != priced[key]:
                    what = f"product {product_id} at {price_minor} minor, pieces"
                    differences.append(Difference(trip, what, str(shown[key]), str(priced[key])))
        for what, said, charged in (
            ("total before discount", state.subtotal_minor, order.total_minor),
            ("paid", state.total_minor, order.paid_minor),
        ):
            if said != charged:
                differences.append(Difference(trip, f"{what}, minor", str(said), str(charged)))
        return len(self.pieces.keys() | ordered.keys()), differences


def shown_pieces(state: CartState) -> Counter[int]:
    """Pieces of each product on the cart's display."""
    pieces: Counter[int] = Counter()
    for line in state.lines:
        pieces[line.product_id] += line.quantity
    return pieces


def _by_price(lines: Iterable[tuple[int, int, int]]) -> Counter[tuple[int, int]]:
    pieces: Counter[tuple[int, int]] = Counter()
    for product_id, price_minor, quantity in lines:
        pieces[product_id, price_minor] += quantity
    return pieces
