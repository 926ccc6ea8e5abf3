"""Marks on a plan go around shelves: the page's own rule, asked in the browser that runs it."""

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from playwright.sync_api import expect

from services.operations.demo_store import LAYOUT
from services.operations.layout import read_document
from shared.navigation.layout import parse_layout
from shared.navigation.walkable import build_floor_space, is_walkable
from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import put_cart_at
from tests.eventually import eventually
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

Spot = dict[str, float]
ASK = "async ([pairs, shelves]) => { const {around} = await import('/shell/around.js');" + (
    " return pairs.map(([from, to]) => around(from, to, shelves)); }"
)
FURTHEST_M = 4.0  # that a walking cart gets until it is asked for again


def is_free(one: Spot, other: Spot, shelves: list[tuple[float, ...]]) -> bool:
    """Whether no spot of the line, to the centimetre, is inside a shelf."""
    for step in range(401):
        x = one["x"] + (other["x"] - one["x"]) * step / 400
        y = one["y"] + (other["y"] - one["y"]) * step / 400
        if any(x1 + 0.01 < x < x2 - 0.01 and y1 + 0.01 < y < y2 - 0.01 for x1, y1, x2, y2 in shelves):
            return False
    return True


def test_between_two_spots_of_a_walk_a_mark_never_crosses_a_shelf(phone: ShopperPage) -> None:
    layout = parse_layout(read_document(LAYOUT))
    floor = layout.floors[0]
    space, random = build_floor_space(floor, layout.clearance_m), Random(1)
    pairs: list[tuple[Spot, Spot]] = []
    while len(pairs) < 300:
        x, y = random.uniform(1, 27), random.uniform(1, 23)
        to = (x + random.uniform(-1, 1) * FURTHEST_M, y + random.uniform(-1, 1) * FURTHEST_M)
        if all(is_walkable(space, np.array([(x, y), to]))):
            pairs.append(({"x": x, "y": y}, {"x": to[0], "y": to[1]}))
    shelves = [tuple(shelf) for shelf in floor.shelves]
    phone.open()
    ways: list[list[Spot]] = phone.page.evaluate(ASK, [pairs, shelves])
    bent = 0
    for (start, end), way in zip(pairs, ways, strict=True):
        assert way[-1] == end
        bent += len(way) > 1
        assert all(is_free(one, other, shelves) for one, other in pairwise([start, *way])), (start, way)
    assert bent > 20


def test_a_mark_walks_to_the_next_place_around_the_end_of_a_shelf(phone: ShopperPage, cart: Cart, stack: Stack) -> None:
    phone.take_live(cart)
    put_cart_at(stack, cart, 6.4, 8.6)
    phone.tab("Map").click()
    me = phone.page.locator(".storemap .me")
    expect(me).to_have_css("transform", "matrix(1, 0, 0, 1, 6.4, 8.6)")
    put_cart_at(stack, cart, 8.6, 8.6)
    frames: Any = eventually(
        lambda: me.evaluate("node => node.getAnimations().map(one => one.effect.getKeyframes().map(f => f.transform))")
    )
    assert frames[0][1:3] == ["translate(6.7px, 9.3px)", "translate(8.3px, 9.3px)"]
    expect(me).to_have_css("transform", "matrix(1, 0, 0, 1, 8.6, 8.6)")
