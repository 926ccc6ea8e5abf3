"""The console as staff uses it: by what is written on it."""

from playwright.sync_api import Locator, expect

from tests.browser.web_page import WebPage


class ConsolePage(WebPage):
    """One browser tab on /console/."""

    path = "/console/"
    everyday_answers = "4"  # a visit without a login begins with one

    def fill_login(self, name: str, password: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.button("Log in").click()

    def log_in(self, name: str, password: str) -> None:
        """And wait for the plan."""
        self.open()
        self.fill_login(name, password)
        expect(self.plan).to_be_visible(timeout=20_000)

    def cart(self, cart_id: int) -> Locator:
        """The cart's mark on the plan."""
        return self.plan.locator(f".cart[data-key='{cart_id}']")

    def call(self, cart_id: int) -> Locator:
        """What waits for staff at this cart."""
        link = self.page.get_by_role("link", name=f"Cart {cart_id}", exact=True)
        return self.page.get_by_role("list", name="Calls").get_by_role("listitem").filter(has=link)

    @property
    def plan(self) -> Locator:
        return self.page.locator(".storemap")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")
