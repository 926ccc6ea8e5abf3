"""What the engine is asked about: the lines of a trip, the store's time, and what the shopper has shown."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` pieces at `unit_price_minor` each; or one label of weighed goods, whose price is the label's.

    `line` is its number on the cart: first lines come first where cents are left over.
    """

    line: int
    product_id: int
    unit_price_minor: int
    quantity: int = 1
    weight_g: int | None = None
    categories: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.unit_price_minor < 0 or self.quantity < 1:
            raise ValueError("a line has at least one piece, and no negative price")
        if self.weight_g is not None and self.quantity != 1:
            raise ValueError("a label of weighed goods is one unit")


@dataclass(frozen=True, slots=True)
class Trip:
    """`now` is the store's local time, without a zone. `coupons` are as typed or scanned."""

    lines: tuple[Line, ...]
    now: datetime
    coupons: frozenset[str] = field(default_factory=frozenset)
    loyalty: bool = False

    @property
    def subtotal_minor(self) -> int:
        """What the lines cost before any discount."""
        return sum(line.unit_price_minor * line.quantity for line in self.lines)
