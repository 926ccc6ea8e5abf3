"""The cart of one session as the fold of its facts, in the order of their keys. Nothing else makes a cart.

A fact is an event together with what was looked up when it arrived (product, price, weight), so that folding it
again years later gives the same cart whatever the catalogue says by then. These are tuples with names: a scan makes
several, and a frozen dataclass takes longer to make.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, NamedTuple

MAX_LINE_QUANTITY = 999  # docs/reliability.md M10
MAX_LINES = 300  # more than any trolley holds; bounds a state and a transaction

Key = tuple[int, int, int]
"""(epoch, seq, sub): `sub` is 0 for the cart's own events, 1, 2, 3 … for changes made on the phone behind one."""

FactType = Literal["scan", "remove", "weight", "help", "unreadable"]


class Refusal(StrEnum):
    """Why a fact has no effect on the cart; stable, shown in notices."""

    UNKNOWN_CODE = "unknown_code"
    WRONG_CHECK_DIGIT = "wrong_check_digit"
    UNREADABLE_CODE = "unreadable_code"
    AMBIGUOUS_CODE = "ambiguous_code"
    UNKNOWN_SESSION = "unknown_session"
    NOT_IN_CART = "not_in_cart"
    LINE_LIMIT = "line_limit"
    CART_FULL = "cart_full"


class PricedProduct(NamedTuple):
    """A product as it was at the scan."""

    product_id: int
    unit_price_minor: int
    unit_paid_minor: int
    unit_weight_g: int | None


class Fact(NamedTuple):
    """One event as it is logged. `refusal` holds what was already decided when it arrived."""

    key: Key
    type: FactType
    code: str | None = None
    quantity: int = 1
    product: PricedProduct | None = None
    total_g: int | None = None
    refusal: Refusal | None = None


class Line(NamedTuple):
    """One product at one price. `number` stays with the line, unless a late event begins a line before it."""

    number: int
    product_id: int
    code: str
    quantity: int
    unit_price_minor: int
    unit_paid_minor: int
    unit_weight_g: int | None

    def of(self, quantity: int) -> "Line":
        """The same line with so many pieces."""
        number, product_id, code, _, unit_price_minor, unit_paid_minor, unit_weight_g = self
        return Line(number, product_id, code, quantity, unit_price_minor, unit_paid_minor, unit_weight_g)


class SessionCart(NamedTuple):
    """What is in the cart. Lines are in the order of their numbers; `next_line` is never used again."""

    lines: tuple[Line, ...] = ()
    next_line: int = 1
    measured_g: int | None = None

    @property
    def total_items(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal_minor(self) -> int:
        """Before discounts."""
        return sum(line.quantity * line.unit_price_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """What is to be paid."""
        return sum(line.quantity * line.unit_paid_minor for line in self.lines)


def pieces_scanned(quantity: int | None, weight_g: int | None, unit_weight_g: int | None) -> int:
    """How many pieces a scan stands for: as said, else told from the load cell's step, else one."""
    if quantity is not None:
        return quantity
    if weight_g is None or not unit_weight_g:
        return 1
    rounded = (2 * weight_g + unit_weight_g) // (2 * unit_weight_g)
    return min(max(1, rounded), MAX_LINE_QUANTITY)


def step(cart: SessionCart, fact: Fact) -> tuple[SessionCart, Refusal | None]:
    """The cart after one more fact, and why it was refused (then the cart is unchanged)."""
    if fact.refusal is not None:
        return cart, fact.refusal
    match fact.type:
        case "scan":
            return _put_in(cart, fact)
        case "remove":
            return _take_out(cart, fact)
        case "weight":
            return SessionCart(cart.lines, cart.next_line, fact.total_g), None
        case "help" | "unreadable":
            return cart, None


def fold(facts: Iterable[Fact]) -> tuple[SessionCart, dict[Key, Refusal | None]]:
    """The cart of these facts and the decision about each, whatever order they come in; keys are unique."""
    cart = SessionCart()
    decisions: dict[Key, Refusal | None] = {}
    for fact in sorted(facts, key=lambda fact: fact.key):
        cart, decisions[fact.key] = step(cart, fact)
    return cart, decisions


def _put_in(cart: SessionCart, fact: Fact) -> tuple[SessionCart, Refusal | None]:
    product = fact.product
    if product is None or fact.code is None:
        return cart, Refusal.UNKNOWN_CODE
    product_id, unit_price_minor, unit_paid_minor, _ = product
    for position, line in enumerate(cart.lines):
        if (
            line.product_id == product_id
            and line.unit_price_minor == unit_price_minor
            and line.unit_paid_minor == unit_paid_minor
        ):
            if line.quantity + fact.quantity > MAX_LINE_QUANTITY:
                return cart, Refusal.LINE_LIMIT
            grown = line.of(line.quantity + fact.quantity)
            lines = (*cart.lines[:position], grown, *cart.lines[position + 1 :])
            return SessionCart(lines, cart.next_line, cart.measured_g), None
    if len(cart.lines) >= MAX_LINES:
        return cart, Refusal.CART_FULL
    added = Line(
        cart.next_line,
        product.product_id,
        fact.code,
        fact.quantity,
        product.unit_price_minor,
        product.unit_paid_minor,
        product.unit_weight_g,
    )
    return SessionCart((*cart.lines, added), cart.next_line + 1, cart.measured_g), None


def _take_out(cart: SessionCart, fact: Fact) -> tuple[SessionCart, Refusal | None]:
    """Pieces leave the newest line of the product first; too many asked for: nothing leaves."""
    if fact.product is None:
        return cart, Refusal.UNKNOWN_CODE
    product_id, left = fact.product.product_id, fact.quantity
    if sum(line.quantity for line in cart.lines if line.product_id == product_id) < left:
        return cart, Refusal.NOT_IN_CART
    kept: list[Line] = []
    for line in reversed(cart.lines):
        taken = min(left, line.quantity) if line.product_id == product_id else 0
        left -= taken
        if taken < line.quantity:
            kept.append(line.of(line.quantity - taken) if taken else line)
    return SessionCart(tuple(reversed(kept)), cart.next_line, cart.measured_g), None
