"""The store map: the next stop, the way to it, and the cart on it."""

import re

from playwright.sync_api import expect

from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import BANANA, put_cart_at
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack


def test_the_map_leads_to_the_next_stop_follows_the_cart_and_ends_at_a_checkout(
    phone: ShopperPage, cart: Cart, stack: Stack
) -> None:
    phone.take_live(cart)
    phone.tab("List").click()
    phone.put_on_list(["Banana", "Toilet paper"])
    put_cart_at(stack, cart, 5.5, 10.2)
    phone.page.get_by_role("link", name="Show the way").click()
    expect(phone.page.get_by_text("2 stops left", exact=False)).to_be_visible()
    next_stop = phone.page.locator(".nextstop .big")
    expect(next_stop).to_have_text(re.compile("Banana|Toilet paper"))
    expect(phone.page.get_by_role("img", name="Plan of the store with your way").locator(".way").first).to_be_attached()
    me = phone.page.locator(".storemap .me")
    expect(me).to_have_css("transform", "matrix(1, 0, 0, 1, 5.5, 10.2)")

    put_cart_at(stack, cart, 13.5, 10.2)
    expect(me).to_have_css("transform", "matrix(1, 0, 0, 1, 13.5, 10.2)")

    cart.scan(BANANA)
    expect(next_stop).to_have_text("Toilet paper")
    expect(phone.page.get_by_text("1 stop left", exact=False)).to_be_visible()

    phone.tab("List").click()
    phone.button("Take Toilet paper off the list").click()
    expect(phone.page.get_by_text("1 of 1 found")).to_be_visible()
    phone.tab("Map").click()
    expect(next_stop).to_have_text(re.compile(r"Checkout \d"))


def test_without_anything_to_find_the_map_says_so_and_shows_the_store(phone: ShopperPage) -> None:
    phone.open()
    phone.log_in()
    phone.tab("Map").click()
    expect(phone.page.get_by_text("Nothing on your list")).to_be_visible()
    expect(phone.page.locator(".storemap")).to_contain_text("Bakery")
