"""Worked examples: each kind as a public description has it (named, told in our words), with numbers of our own,
computed by hand."""

from dataclasses import dataclass
from typing import Any

PRODUCTS = {"APPLE": 1, "BREAD": 2, "CHEESE": 3, "DRINK": 4, "EGGS": 5, "FISH": 6}
CATEGORIES = {1: "fruit", 2: "bakery", 3: "dairy", 4: "drinks", 5: "dairy", 6: "chilled"}

Cart = tuple[tuple[str, int, int], ...]  # code, price of one in minor units, how many


@dataclass(frozen=True)
class Example:
    """`off` is what each promotion takes off, by id."""

    name: str
    source: str
    cart: Cart
    promotions: tuple[dict[str, Any], ...]
    off: dict[str, int]
    coupons: tuple[str, ...] = ()
    loyalty: bool = False
    at: str = "2026-06-03T18:30"  # a Wednesday


def promo(promotion_id: str, needs: list[dict[str, Any]], gives: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": promotion_id, "name": promotion_id, "needs": needs, "gives": gives, **more}


def of(quantity: int, *codes: str) -> dict[str, Any]:
    return {"of": {"codes": list(codes)}, "quantity": quantity}


def category(quantity: int, *names: str) -> dict[str, Any]:
    return {"of": {"categories": list(names)}, "quantity": quantity}


ALL = {"of": "all", "quantity": 1}
FREE_1 = {"free": 1}
THREE_FOR_TWO = promo("3for2", [of(3, "APPLE")], FREE_1)
TEN_PERCENT_MEMBERS = promo("card", [ALL], {"percent": 10, "on": "needed"}, loyalty=True, group="card", combine=True)

SHOPIFY = "Shopify help: amount off products, buy X get Y, amount off order"
ADOBE = "Adobe Commerce: cart price rules"
COMMERCETOOLS = "commercetools: cart discounts, multi-buy"
WOO = "WooCommerce: coupon management"
SAP = "SAP retail: bonus buys"
MEDUSA = "Medusa: promotion module"
SPREE = "Spree: promotion actions and rules"
TESCO = "supermarket leaflets: meal deal, any three for"

EXAMPLES = (
    Example(
        "a percentage off one product",
        SHOPIFY,
        (("BREAD", 349, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 15, "on": "needed"}),),
        {"p": 52},
    ),  # 52.35
    Example(
        "a half cent goes up",
        ADOBE,
        (("BREAD", 250, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 33, "on": "needed"}),),
        {"p": 83},
    ),  # 82.5
    Example(
        "each piece is rounded by itself",
        ADOBE,
        (("BREAD", 250, 2),),
        (promo("p", [of(1, "BREAD")], {"percent": 33, "on": "needed"}),),
        {"p": 166},
    ),  # twice 83, not 165
    Example(
        "an amount off each piece",
        SHOPIFY,
        (("EGGS", 299, 3),),
        (promo("p", [of(1, "EGGS")], {"off_minor": 40, "on": "needed"}),),
        {"p": 120},
    ),
    Example(
        "an amount off is never more than the price",
        WOO,
        (("EGGS", 30, 1),),
        (promo("p", [of(1, "EGGS")], {"off_minor": 40, "on": "needed"}),),
        {"p": 30},
    ),
    Example(
        "a fixed price for one",
        COMMERCETOOLS,
        (("FISH", 899, 2),),
        (promo("p", [of(1, "FISH")], {"price_minor": 750}),),
        {"p": 298},
    ),
    Example(
        "a fixed price above the shelf's is not used",
        COMMERCETOOLS,
        (("FISH", 699, 2),),
        (promo("p", [of(1, "FISH")], {"price_minor": 750}),),
        {},
    ),
    Example("three for two", COMMERCETOOLS, (("APPLE", 80, 3),), (THREE_FOR_TWO,), {"3for2": 80}),
    Example("three for two, five of them", COMMERCETOOLS, (("APPLE", 80, 5),), (THREE_FOR_TWO,), {"3for2": 80}),
    Example("three for two, six of them", COMMERCETOOLS, (("APPLE", 80, 6),), (THREE_FOR_TWO,), {"3for2": 160}),
    Example("three for two, two are not enough", COMMERCETOOLS, (("APPLE", 80, 2),), (THREE_FOR_TWO,), {}),
    Example(
        "two for a price",
        TESCO,
        (("CHEESE", 329, 2),),
        (promo("p", [of(2, "CHEESE")], {"price_minor": 500}),),
        {"p": 158},
    ),
    Example(
        "the second at half price",
        SHOPIFY,
        (("CHEESE", 329, 2),),
        (promo("p", [of(2, "CHEESE")], {"percent": 50, "on": "cheapest"}),),
        {"p": 165},
    ),  # 164.5
    Example(
        "any three for a price, the dearest three",
        TESCO,
        (("APPLE", 200, 1), ("BREAD", 300, 1), ("EGGS", 250, 1), ("FISH", 400, 1)),
        (promo("p", [of(3, "APPLE", "BREAD", "EGGS", "FISH")], {"price_minor": 600}),),
        {"p": 350},
    ),
    Example(
        "the cheapest of a mix is free, in threes from the dearest",
        ADOBE,
        (("APPLE", 100, 2), ("BREAD", 300, 2), ("EGGS", 200, 2)),
        (promo("p", [of(3, "APPLE", "BREAD", "EGGS")], FREE_1),),
        {"p": 300},
    ),  # 300 300 200 | 200 100 100
    Example(
        "a meal deal of three shelves",
        TESCO,
        (("BREAD", 279, 1), ("DRINK", 150, 1), ("APPLE", 95, 1)),
        (promo("p", [of(1, "BREAD"), of(1, "DRINK"), of(1, "APPLE")], {"price_minor": 400}),),
        {"p": 124},
    ),
    Example(
        "a meal deal takes the dearest of each shelf",
        TESCO,
        (("BREAD", 279, 1), ("DRINK", 150, 1), ("EGGS", 199, 1)),
        (promo("p", [of(1, "BREAD"), of(1, "DRINK", "EGGS")], {"price_minor": 400}),),
        {"p": 78},
    ),
    Example(
        "buy one, get another at half price",
        SHOPIFY,
        (("BREAD", 400, 1), ("CHEESE", 250, 1)),
        (promo("p", [of(1, "BREAD"), of(1, "CHEESE")], {"percent": 50, "on": "cheapest"}),),
        {"p": 125},
    ),
    Example(
        "a category",
        ADOBE,
        (("CHEESE", 329, 1), ("EGGS", 299, 1), ("BREAD", 200, 1)),
        (promo("p", [category(1, "dairy")], {"percent": 10, "on": "needed"}),),
        {"p": 63},
    ),  # 33 and 30
    Example(
        "a limit of two",
        MEDUSA,
        (("EGGS", 299, 3),),
        (promo("p", [of(1, "EGGS")], {"off_minor": 50, "on": "needed"}, limit=2),),
        {"p": 100},
    ),
    Example(
        "a limit takes the dearest",
        MEDUSA,
        (("EGGS", 299, 1), ("CHEESE", 500, 1)),
        (promo("p", [category(1, "dairy")], {"percent": 20, "on": "needed"}, limit=1),),
        {"p": 100},
    ),
    Example(
        "a coupon that was shown",
        WOO,
        (("FISH", 899, 1),),
        (promo("p", [of(1, "FISH")], {"off_minor": 100, "on": "needed"}, coupon="FISH1"),),
        {"p": 100},
        ("FISH1",),
    ),
    Example(
        "a coupon that was not shown",
        WOO,
        (("FISH", 899, 1),),
        (promo("p", [of(1, "FISH")], {"off_minor": 100, "on": "needed"}, coupon="FISH1"),),
        {},
        ("OTHER",),
    ),
    Example(
        "one coupon is used once",
        WOO,
        (("FISH", 899, 3),),
        (promo("p", [of(1, "FISH")], {"off_minor": 100, "on": "needed"}, coupon="FISH1"),),
        {"p": 100},
        ("FISH1",),
    ),
    Example(
        "members only, and this is one",
        SPREE,
        (("DRINK", 199, 2),),
        (promo("p", [of(1, "DRINK")], {"price_minor": 149}, loyalty=True),),
        {"p": 100},
        (),
        True,
    ),
    Example(
        "members only, and this is none",
        SPREE,
        (("DRINK", 199, 2),),
        (promo("p", [of(1, "DRINK")], {"price_minor": 149}, loyalty=True),),
        {},
    ),
    Example(
        "in its hours",
        SPREE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, hours=["17:00", "20:00"]),),
        {"p": 90},
    ),
    Example(
        "on its last minute no more",
        SPREE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, hours=["17:00", "18:30"]),),
        {},
    ),
    Example(
        "hours beyond midnight",
        SPREE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, hours=["22:00", "02:00"]),),
        {"p": 90},
        at="2026-06-03T01:59",
    ),
    Example(
        "not on its day",
        SPREE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, days=["mon", "tue"]),),
        {},
    ),
    Example(
        "from midnight of its date",
        ADOBE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, **{"from": "2026-06-03"}),),
        {"p": 90},
        at="2026-06-03T00:00",
    ),
    Example(
        "until its moment, which is past",
        ADOBE,
        (("BREAD", 300, 1),),
        (promo("p", [of(1, "BREAD")], {"percent": 30, "on": "needed"}, until="2026-06-03T18:30"),),
        {},
    ),
    Example(
        "ten off from a hundred",
        SHOPIFY,
        (("FISH", 2_500, 4),),
        (promo("p", [{"trip_minor": 10_000}], {"off_minor": 1_000, "on": "trip"}),),
        {"p": 1_000},
    ),
    Example(
        "a cent below a hundred",
        SHOPIFY,
        (("FISH", 2_500, 3), ("BREAD", 2_499, 1)),
        (promo("p", [{"trip_minor": 10_000}], {"off_minor": 1_000, "on": "trip"}),),
        {},
    ),
    Example(
        "a percentage of the trip comes after what the units got",
        ADOBE,
        (("APPLE", 100, 3),),
        (THREE_FOR_TWO, promo("t", [{"trip_minor": 300}], {"percent": 10, "on": "trip"})),
        {"3for2": 100, "t": 20},
    ),
    Example(
        "of two thresholds the better one",
        SHOPIFY,
        (("FISH", 2_500, 4),),
        (
            promo("a", [{"trip_minor": 5_000}], {"off_minor": 400, "on": "trip"}),
            promo("b", [{"trip_minor": 10_000}], {"percent": 5, "on": "trip"}),
        ),
        {"b": 500},
    ),
    Example(
        "of two for the same piece the better one",
        SAP,
        (("CHEESE", 400, 1),),
        (
            promo("a", [of(1, "CHEESE")], {"percent": 10, "on": "needed"}),
            promo("b", [category(1, "dairy")], {"off_minor": 60, "on": "needed"}),
        ),
        {"b": 60},
    ),
    Example(
        "pieces are split between two promotions",
        SAP,
        (("APPLE", 100, 4),),
        (THREE_FOR_TWO, promo("cut", [of(1, "APPLE")], {"percent": 20, "on": "needed"})),
        {"3for2": 100, "cut": 20},
    ),
    Example(
        "the card adds up with three for two",
        COMMERCETOOLS,
        (("APPLE", 100, 3),),
        (THREE_FOR_TWO, TEN_PERCENT_MEMBERS),
        {"3for2": 100, "card": 20},
        (),
        True,
    ),  # the free one cannot be cheaper
    Example(
        "what is free is not below zero",
        MEDUSA,
        (("APPLE", 100, 1),),
        (
            promo("a", [of(1, "APPLE")], FREE_1),
            promo("b", [of(1, "APPLE")], {"off_minor": 5, "on": "needed"}, group="b", combine=True),
        ),
        {"a": 100},
    ),
    Example(
        "a greedy till would be 30 dearer",
        SAP,
        (("APPLE", 100, 1), ("BREAD", 100, 1), ("CHEESE", 100, 1)),
        (
            promo("pair", [of(1, "APPLE"), of(1, "BREAD")], {"off_minor": 60, "on": "needed"}),
            promo("left", [of(1, "APPLE"), of(1, "CHEESE")], {"off_minor": 50, "on": "needed"}),
            promo("right", [of(1, "BREAD")], {"off_minor": 40, "on": "needed"}),
        ),
        {"left": 50, "right": 40},
    ),
)
