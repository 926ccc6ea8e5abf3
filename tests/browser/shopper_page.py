"""The shopper's page as a shopper uses it: by what is written on it."""

import itertools
from collections.abc import Sequence

from playwright.sync_api import Locator, expect

from tests.browser.web_page import WebPage
from tests.journeys.carts import Cart
from tests.journeys.stack import ONE_TIME_CODE

_numbers = itertools.count(491700300000)


class ShopperPage(WebPage):
    """One browser tab on /app/."""

    path = "/app/"

    def log_in(self, number: str | None = None, *, code: str = ONE_TIME_CODE, stay: bool = True) -> str:
        """With a number that nobody used before, unless one is given."""
        number = number or f"+{next(_numbers)}"
        self.page.get_by_label("Mobile number").fill(number)
        self.button("Send me a code").click()
        self.page.get_by_label("Code from the message").fill(code)
        self.page.get_by_label("Stay logged in on this phone").set_checked(stay)
        self.button("Log in").click()
        expect(self.title).not_to_have_text("Welcome")
        return number

    def type_cart(self, cart_id: int, code: str | None) -> None:
        """Fill in a cart's number and code."""
        self.page.get_by_label("Cart number").fill(str(cart_id))
        self.page.get_by_label("Display code").fill(code or "")

    def take(self, cart: Cart) -> None:
        """Take the cart with the code that it shows."""
        self.type_cart(cart.cart_id, cart.wait_until_free().pairing_code)
        self.button("Take this cart").click()
        expect(self.title).to_have_text(f"Cart {cart.cart_id}")

    def take_live(self, cart: Cart) -> None:
        """Log in, take the cart, and wait until its states arrive over MQTT."""
        self.open()
        self.log_in()
        self.take(cart)
        expect(self.link).to_have_text("Live")

    @property
    def title(self) -> Locator:
        return self.page.locator("#title")

    @property
    def link(self) -> Locator:
        return self.page.locator("#link")

    @property
    def total(self) -> Locator:
        return self.page.locator("#total")

    @property
    def lines(self) -> Locator:
        return (
            self.page.get_by_role("list", name="In your cart")
            .get_by_role("listitem")
            .filter(has=self.page.locator("output"))
        )

    def line(self, name: str) -> Locator:
        return self.lines.filter(has_text=name)

    def expect_quantity(self, name: str, quantity: int) -> None:
        expect(self.line(name).locator("output")).to_have_text(str(quantity))

    def put_on_list(self, names: Sequence[str]) -> None:
        """Search for each product and put it on the list."""
        for name in names:
            self.page.get_by_label("Search products").fill(name)
            self.page.get_by_role("button", name=f"Put {name} on the list").first.click()
            expect(self.toast).to_have_text(f"{name} is on your list.")
        self.page.get_by_label("Search products").fill("")

    def pay(self) -> None:
        """From the cart to the receipt."""
        self.button("Pay").click()
        self.page.locator("#confirm").click()
        expect(self.page.get_by_text("Thank you, you have paid.")).to_be_visible()
