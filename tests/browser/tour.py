"""Through every screen of the shopper's page, with something on each: for pictures and for accessibility."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
from playwright.sync_api import expect

from shared.contracts.telemetry import CartTelemetry, Location
from shared.db.presence import Heard, save_telemetry
from tests.browser.shopper_page import ShopperPage
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

BANANA, APPLES, MILK = "9521234010012", "9521234010036", "9521234030010"
NOT_SOLD = "4006381333931"
EVIL = '<script>window.owned=1</script><img src=x onerror="window.owned=1">'  # a name that would be markup
WANTED = ("Pears", "Spaghetti", "Toilet paper", "Butter", "Banana")


def visit_every_screen(phone: ShopperPage, cart: Cart, stack: Stack) -> Iterator[str]:
    """Go from screen to screen; stops at each and gives its name."""
    yield from _log_in(phone)
    yield "take"
    phone.take(cart)
    expect(phone.link).to_have_text("Live")
    expect(phone.toast).to_be_hidden()
    yield "cart-empty"
    yield from _tell_allergies(phone)
    yield from _shop(phone, cart)
    yield from _find_the_way(phone, cart, stack)
    yield from _cook(phone)
    phone.tab("Me").click()
    expect(phone.page.get_by_text("Hello, Ada")).to_be_visible()
    yield "me"
    yield from _pay(phone)


def put_cart_at(stack: Stack, cart: Cart, x: float, y: float) -> None:
    """As if the cart had told its place."""
    heard = Heard(cart.cart_id, "main", datetime.now(UTC))
    with psycopg.connect(stack.address.database_url) as connection:
        save_telemetry(connection, [(heard, CartTelemetry(location=Location(x=x, y=y, floor=0)))])


def _log_in(phone: ShopperPage) -> Iterator[str]:
    phone.open()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()
    yield "login"
    phone.log_in()
    expect(phone.page.get_by_label("Cart number")).to_be_visible()
    expect(phone.link).to_have_attribute("data-state", "live")


def _tell_allergies(phone: ShopperPage) -> Iterator[str]:
    phone.open("profile")
    phone.page.get_by_label("Milk", exact=True).check()
    phone.page.get_by_label("Name", exact=True).fill("Ada")
    phone.page.evaluate("scrollTo(0, 0)")
    yield "profile"
    phone.button("Save").click()
    expect(phone.toast).to_have_text("Saved.")


def _shop(phone: ShopperPage, cart: Cart) -> Iterator[str]:
    phone.tab("List").click()
    expect(phone.page.get_by_text("On offer today")).to_be_visible()
    expect(phone.page.get_by_text("Your list is empty")).to_be_visible()
    yield "list-empty"
    phone.put_on_list(WANTED)
    expect(phone.toast).to_be_hidden()
    phone.page.get_by_label("Search products").fill("tomato")
    expect(phone.page.get_by_text(re.compile(r"\d+ products found"))).to_be_visible()
    yield "search"
    phone.tab("Cart").click()
    for code in (BANANA, BANANA, APPLES, NOT_SOLD, MILK):
        cart.scan(code)
    expect(phone.line("Whole milk")).to_contain_text("Contains Milk")
    phone.expect_quantity("Banana", 2)
    expect(phone.page.get_by_text("is not in our catalogue", exact=False)).to_be_visible()
    expect(phone.toast).to_be_hidden()
    yield "cart"
    phone.line("Whole milk").get_by_role("button", name="Whole milk", exact=True).click()
    expect(phone.page.get_by_role("dialog")).to_contain_text("Allergens")
    yield "product"
    phone.button("Close").click()
    phone.tab("List").click()
    expect(phone.page.get_by_text("1 of 5 found")).to_be_visible()
    yield "list"


def _find_the_way(phone: ShopperPage, cart: Cart, stack: Stack) -> Iterator[str]:
    put_cart_at(stack, cart, 13.5, 10.2)
    phone.tab("Map").click()
    expect(phone.page.get_by_text("4 stops left", exact=False)).to_be_visible()
    expect(phone.page.locator(".storemap .me[visibility=visible]")).to_be_visible()
    expect(phone.page.get_by_text("Turn by turn")).to_be_attached()
    yield "map"
    phone.button("Near me").click()
    expect(phone.button("Near me")).to_have_attribute("aria-pressed", "true")
    expect(phone.page.locator(".storemap.near")).to_be_visible()
    yield "map-near"


def _cook(phone: ShopperPage) -> Iterator[str]:
    phone.tab("Recipes").click()
    expect(phone.page.get_by_role("link", name=re.compile("Pancakes"))).to_be_visible()
    yield "recipes"
    phone.page.get_by_role("link", name=re.compile("Pancakes")).click()
    expect(phone.button("Put the rest on my list")).to_be_visible()
    yield "recipe"


def _pay(phone: ShopperPage) -> Iterator[str]:
    phone.tab("Cart").click()
    phone.page.context.set_offline(True)
    expect(phone.link).to_have_text("Offline")
    yield "cart-offline"
    phone.page.context.set_offline(False)
    expect(phone.link).to_have_text("Live", timeout=20_000)
    phone.button("Pay").click()
    expect(phone.page.locator("#confirm")).to_be_enabled()
    yield "pay"
    phone.page.locator("#confirm").click()
    expect(phone.page.get_by_text("Thank you, you have paid.")).to_be_visible()
    yield "receipt"
    phone.open("orders")
    expect(phone.page.get_by_role("link", name=re.compile("Banana"))).to_be_visible()
    yield "orders"
