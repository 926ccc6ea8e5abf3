"""The rules once more, written as plainly as possible, to compare the real ones with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from shared.domain.frontier import MAX_AHEAD, MAX_EPOCH_JUMP, Frontier, Span
from shared.domain.session_cart import MAX_LINE_QUANTITY, MAX_LINES, Fact, Key, SessionCart

Row = tuple[int, int, str, int, int, int, int | None]


def rows_of(cart: SessionCart) -> list[Row]:
    """Everything a line says, as plain values."""
    return [
        (
            line.number,
            line.product_id,
            line.code,
            line.quantity,
            line.unit_price_minor,
            line.unit_paid_minor,
            line.unit_weight_g,
        )
        for line in cart.lines
    ]


@dataclass
class NaiveCart:
    """A cart as a list of changeable lines."""

    rows: list[Row] = field(default_factory=list)
    numbers_used: int = 0
    measured_g: int | None = None
    decisions: dict[Key, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "NaiveCart":
        cart = cls()
        for fact in sorted(facts, key=lambda fact: fact.key):
            cart.decisions[fact.key] = cart.take(fact)
        return cart

    def take(self, fact: Fact) -> str | None:
        if fact.refusal is not None:
            return fact.refusal
        if fact.type == "weight":
            self.measured_g = fact.total_g
        if fact.type in ("scan", "remove") and fact.product is None:
            return "unknown_code"
        if fact.type == "scan":
            return self._scan(fact)
        if fact.type == "remove":
            return self._remove(fact)
        return None

    def _scan(self, fact: Fact) -> str | None:
        product = fact.product
        assert product is not None
        assert fact.code is not None
        for at, (number, product_id, code, quantity, price, paid, weight) in enumerate(self.rows):
            if (product_id, price, paid) == (product.product_id, product.unit_price_minor, product.unit_paid_minor):
                if quantity + fact.quantity > MAX_LINE_QUANTITY:
                    return "line_limit"
                self.rows[at] = (number, product_id, code, quantity + fact.quantity, price, paid, weight)
                return None
        if len(self.rows) == MAX_LINES:
            return "cart_full"
        self.numbers_used += 1
        self.rows.append(
            (
                self.numbers_used,
                product.product_id,
                fact.code,
                fact.quantity,
                product.unit_price_minor,
                product.unit_paid_minor,
                product.unit_weight_g,
            )
        )
        return None

    def _remove(self, fact: Fact) -> str | None:
        assert fact.product is not None
        pieces = [row for row in self.rows for _ in range(row[3]) if row[1] == fact.product.product_id]
        if len(pieces) < fact.quantity:
            return "not_in_cart"
        for gone in pieces[len(pieces) - fact.quantity :]:
            at = next(at for at, row in enumerate(self.rows) if row[0] == gone[0])
            number, product_id, code, quantity, price, paid, weight = self.rows[at]
            self.rows[at] = (number, product_id, code, quantity - 1, price, paid, weight)
        self.rows = [row for row in self.rows if row[3] > 0]
        return None


@dataclass
class NaiveFrontier:
    """The frontier as sets of numbers. `settled_to` ends the run; `given_up` are the holes below it."""

    epoch: int = 0
    settled_to: int = 0
    known: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)

    def admit(self, epoch: int, seq: int) -> str:
        if epoch < self.epoch:
            return "stale"
        if epoch > self.epoch:
            if epoch > self.epoch + MAX_EPOCH_JUMP or seq > MAX_AHEAD:
                return "window"
            self.epoch, self.settled_to = epoch, 0
            self.known, self.given_up = set(), set()
        if seq in self.known or (seq <= self.settled_to and seq not in self.given_up):
            return "known"
        if seq > self.settled_to + MAX_AHEAD:
            return "window"
        kind = "next" if seq == self.settled_to + 1 and not self.beyond else "ahead"
        if seq in self.given_up or any(seq < other for other in self.beyond):
            kind = "fills_gap"
        self.known.add(seq)
        self.given_up.discard(seq)
        self._advance()
        return kind

    def give_up_gap(self) -> None:
        if self.beyond:
            lowest = min(self.beyond)
            self.given_up |= set(range(self.settled_to + 1, lowest))
            self.settled_to = lowest - 1
            self._advance()

    def _advance(self) -> None:
        while self.settled_to + 1 in self.known:
            self.settled_to += 1

    @property
    def beyond(self) -> set[int]:
        return {seq for seq in self.known if seq > self.settled_to}


def numbers_in(spans: Iterable[Span]) -> set[int]:
    return {seq for low, high in spans for seq in range(low, high + 1)}


def assert_same_frontier(frontier: Frontier, naive: NaiveFrontier) -> None:
    """The same numbers, in the one way of writing them down: sorted, apart, never empty."""
    assert (frontier.epoch, frontier.seq) == (naive.epoch, naive.settled_to)
    assert numbers_in(frontier.ahead) == naive.beyond
    assert numbers_in(frontier.skipped) == naive.given_up
    assert frontier.has_gap == bool(naive.beyond)
    assert frontier.head_seq == max(naive.known, default=0)
    for spans in (frontier.ahead, frontier.skipped):
        assert all(low <= high for low, high in spans)
        assert all(one[1] + 1 < next_one[0] for one, next_one in pairwise(spans))
    assert all(low > frontier.seq + 1 for low, _ in frontier.ahead)
    assert all(high < frontier.seq for _, high in frontier.skipped)
