"""A small shop to test the rules with: products, facts about them, and strategies that make many."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import strategies as st

from shared.domain.session_cart import Fact, Key, PricedProduct, Refusal

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)

APPLE = PricedProduct(product_id=1, unit_price_minor=50, unit_paid_minor=50, unit_weight_g=180)
APPLE_ON_OFFER = PricedProduct(product_id=1, unit_price_minor=50, unit_paid_minor=40, unit_weight_g=180)
MILK = PricedProduct(product_id=2, unit_price_minor=129, unit_paid_minor=129, unit_weight_g=1030)
UNWEIGHED = PricedProduct(product_id=3, unit_price_minor=299, unit_paid_minor=0, unit_weight_g=None)
# The apple is here twice: one product at two prices stands on two lines, and a removal takes from both.
PRODUCTS = (APPLE, APPLE_ON_OFFER, MILK, UNWEIGHED)


def key_of(seq: int, epoch: int = 1, sub: int = 0) -> Key:
    return epoch, seq, sub


def scan(key: Key, product: PricedProduct | None = APPLE, quantity: int = 1) -> Fact:
    code = "unknown" if product is None else f"code-{product.product_id}"
    return Fact(key, "scan", code=code, quantity=quantity, product=product)


def remove(key: Key, product: PricedProduct | None = APPLE, quantity: int = 1) -> Fact:
    code = "unknown" if product is None else f"code-{product.product_id}"
    return Fact(key, "remove", code=code, quantity=quantity, product=product)


def weight(key: Key, total_g: int) -> Fact:
    return Fact(key, "weight", total_g=total_g)


def call_for_help(key: Key) -> Fact:
    return Fact(key, "help")


def unreadable(key: Key) -> Fact:
    return Fact(key, "unreadable")


# Small numbers so that lines meet, and some near the limit so that it is met too.
QUANTITIES = st.one_of(st.integers(1, 4), st.sampled_from([400, 998, 999]))
KNOWN_PRODUCTS = st.sampled_from(PRODUCTS)
MAYBE_PRODUCTS = st.one_of(KNOWN_PRODUCTS, KNOWN_PRODUCTS, KNOWN_PRODUCTS, st.none())


@st.composite
def facts_at(draw: st.DrawFn, key: Key) -> Fact:
    """Any fact that may stand at `key`."""
    kind = draw(
        st.sampled_from(["scan", "scan", "scan", "scan", "remove", "remove", "weight", "help", "unreadable", "refused"])
    )
    match kind:
        case "scan":
            return scan(key, draw(MAYBE_PRODUCTS), draw(QUANTITIES))
        case "remove":
            return remove(key, draw(MAYBE_PRODUCTS), draw(QUANTITIES))
        case "weight":
            return weight(key, draw(st.integers(-100, 5000)))
        case "help":
            return call_for_help(key)
        case "unreadable":
            return unreadable(key)
        case _:
            return Fact(key, "scan", code="12345670", refusal=Refusal.WRONG_CHECK_DIGIT)


@st.composite
def trips(draw: st.DrawFn, max_events: int = 14, epoch: int = 1) -> list[Fact]:
    """The events of one cart, numbered 1, 2, 3 …"""
    count = draw(st.integers(1, max_events))
    return [draw(facts_at(key_of(seq, epoch))) for seq in range(1, count + 1)]


@st.composite
def deliveries(draw: st.DrawFn, facts: list[Fact]) -> list[list[Fact]]:
    """Every fact at least once, some more often, in any order, cut into batches anywhere."""
    repeats = draw(st.lists(st.sampled_from(facts), max_size=6)) if facts else []
    arriving = draw(st.permutations([*facts, *repeats]))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(arriving) - 1)), max_size=4)))
    edges = [0, *cuts, len(arriving)]
    return [arriving[low:high] for low, high in pairwise(edges)]
