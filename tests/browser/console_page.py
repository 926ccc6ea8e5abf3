"""The console as staff uses it: by what is written on it."""

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

# The browser reports each answer that is no success: a visit without a login begins with one.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"


class ConsolePage:
    """One browser tab on /console/. What the page itself complains about is kept in `complaints`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED) and "ERR_" not in message.text:
            self.complaints.append(message.text)

    def _fail(self, error: Error) -> None:
        self.complaints.append(str(error))

    def open(self, route: str = "") -> None:
        """Load the page, or go to another screen of it."""
        self.page.goto(f"/console/#/{route}" if route else "/console/")

    def fill_login(self, name: str, password: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.button("Log in").click()

    def log_in(self, name: str, password: str) -> None:
        """And wait for the plan."""
        self.open()
        self.fill_login(name, password)
        expect(self.plan).to_be_visible(timeout=20_000)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> Locator:
        return self.page.get_by_role("navigation").get_by_role("link", name=name)

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
    def toast(self) -> Locator:
        return self.page.locator("#toast")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")
