"""Carts and promotions at random, the same for the same seed."""

from datetime import datetime
from random import Random

from shared.domain.promotions import Book, Line, Promotion, Trip
from shared.domain.promotions.book import Kind, Need

NOW = datetime.fromisoformat("2026-06-03T18:30")  # a Wednesday
CATEGORIES = ("bread", "dairy", "fruit")
KINDS: tuple[Kind, ...] = ("percent", "percent_cheapest", "off", "price", "free", "percent_trip", "off_trip")


def small_trip(drawn: Random, units_max: int = 8) -> Trip:
    lines: list[Line] = []
    units = drawn.randint(1, units_max)
    while units:
        weighed = drawn.random() < 0.15
        quantity = 1 if weighed else drawn.randint(1, min(units, 3))
        units -= quantity
        product_id = drawn.randint(1, 6)
        price = drawn.choice((drawn.randint(0, 12), drawn.randint(50, 999), 100 * drawn.randint(1, 5)))
        categories = frozenset({CATEGORIES[product_id % 3]})
        lines.append(Line(len(lines) + 1, product_id, price, quantity, 250 if weighed else None, categories))
    return Trip(tuple(lines), NOW, frozenset(drawn.sample(("A", "B"), drawn.randint(0, 2))), drawn.random() < 0.5)


def small_book(drawn: Random, promotions_max: int = 6) -> Book:
    adds_up = {"": False, "g": False, "x": True, "y": True}
    found = []
    for number in range(drawn.randint(1, promotions_max)):
        kind = drawn.choice(KINDS)
        needs = [_need(drawn, 3) for _ in range(drawn.choice((1, 1, 1, 2)))]
        units = sum(need.quantity for need in needs)
        group = drawn.choices(tuple(adds_up), (6, 2, 1, 1))[0]
        amounts = {
            "percent": drawn.choice((5, 10, 15, 33, 50, 100)),
            "off": drawn.randint(1, 400),
            "price": drawn.randint(0, 300) * units,
            "free": drawn.randint(1, units),
        }
        found.append(
            Promotion(
                f"p{number}",
                f"Promotion {number}",
                () if kind.endswith("_trip") and drawn.random() < 0.5 else tuple(needs),
                kind,
                amounts[kind.split("_")[0]],
                trip_minor=drawn.choice((0, 0, 0, 500, 1_500)),
                limit=1 if kind.endswith("_trip") else drawn.choice((None, None, 1, 2)),
                group=group,
                combine=adds_up[group],
                coupon=drawn.choice((None, None, None, "A")),
                loyalty=drawn.random() < 0.2,
            )
        )
    return Book(tuple(found))


def _need(drawn: Random, quantity_max: int) -> Need:
    quantity = drawn.randint(1, quantity_max)
    of = drawn.random()
    if of < 0.6:
        return Need(quantity, products=frozenset(drawn.sample(range(1, 7), drawn.randint(1, 4))))
    return Need(quantity, categories=frozenset({drawn.choice(CATEGORIES)})) if of < 0.9 else Need(quantity)


def large_trip(drawn: Random, products: int = 800, units: int = 60) -> Trip:
    """A family's week: most products once or twice, a few by the half dozen."""
    lines: list[Line] = []
    while units:
        quantity = min(units, drawn.choices((1, 2, 3, 4, 6), (12, 5, 2, 1, 1))[0])
        units -= quantity
        product_id = int(products * drawn.random() ** 1.6)
        price = 49 + product_id * 7919 % 900
        categories = frozenset({f"c{product_id % 60}"})
        lines.append(Line(len(lines) + 1, product_id, price, quantity, None, categories))
    return Trip(tuple(lines), NOW, frozenset({"A"}), loyalty=True)


def large_book(drawn: Random, promotions: int = 200, products: int = 800) -> Book:
    """A week's leaflet: price cuts, 3 for 2, two for a price, mixes over a few products, some over a category."""
    found = []
    for number in range(promotions):
        few = frozenset(int(products * drawn.random() ** 1.6) for _ in range(drawn.choice((1, 2, 4, 6))))
        price = 49 + min(few) * 7919 % 900
        shape = drawn.choices(("cut", "free", "price", "off", "meal", "category"), (40, 20, 15, 10, 10, 5))[0]
        kind: Kind
        if shape == "cut":
            needs, kind, amount = (Need(1, products=few),), "percent", drawn.choice((10, 15, 20, 25))
        elif shape == "free":
            needs, kind, amount = (Need(3, products=few),), "free", 1
        elif shape == "price":
            needs, kind, amount = (Need(2, products=few),), "price", price * 3 // 2
        elif shape == "off":
            needs, kind, amount = (Need(2, products=few),), "off", 50
        elif shape == "meal":
            other = frozenset(drawn.sample(range(products), 4))
            needs, kind, amount = (Need(1, products=few), Need(1, products=other)), "percent", 20
        else:
            needs = (Need(drawn.choice((2, 3, 4)), categories=frozenset({f"c{drawn.randint(0, 59)}"})),)
            kind, amount = "percent_cheapest", 50
        found.append(Promotion(f"p{number:03}", f"Promotion {number}", needs, kind, amount))
    return Book(tuple(found))
