"""The shopper's page as a shopper uses it: by what is written on it."""

import itertools
import re
from collections.abc import Sequence

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

from tests.journeys.carts import Cart
from tests.journeys.stack import ONE_TIME_CODE

_numbers = itertools.count(491700300000)
# The browser reports each answer that is no success; these are the page's everyday questions.
_EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (400|401|404|409)")


class ShopperPage:
    """One browser tab on /app/. What the page itself complains about is kept in `complaints`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _EXPECTED.match(message.text) and "ERR_" not in message.text:
            self.complaints.append(message.text)

    def _fail(self, error: Error) -> None:
        self.complaints.append(str(error))

    def open(self, route: str = "") -> None:
        """Load the page, or go to another screen of it."""
        self.page.goto(f"/app/#/{route}" if route else "/app/")

    def log_in(self, number: str | None = None, *, stay: bool = True) -> str:
        """With a number that nobody used before, unless one is given."""
        number = number or f"+{next(_numbers)}"
        self.page.get_by_label("Mobile number").fill(number)
        self.button("Send me a code").click()
        self.page.get_by_label("Code from the message").fill(ONE_TIME_CODE)
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

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> Locator:
        return self.page.get_by_role("navigation").get_by_role("link", name=name)

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
    def toast(self) -> Locator:
        return self.page.locator("#toast")

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
