"""What every page of ours has in a browser: buttons, tabs, a toast, and a console that has to stay silent."""

import re

from playwright.sync_api import ConsoleMessage, Error, Locator, Page


class WebPage:
    """One browser tab. What the page itself complains about is kept in `complaints`."""

    path = "/"
    # The browser reports each answer that is no success; these are the page's everyday questions.
    everyday_answers = "(400|401|404|409)"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        is_everyday = re.match(f"Failed to load resource: .* a status of {self.everyday_answers}", message.text)
        if message.type == "error" and not is_everyday and "ERR_" not in message.text:
            self.complaints.append(message.text)

    def _fail(self, error: Error) -> None:
        self.complaints.append(str(error))

    def open(self, route: str = "") -> None:
        """Load the page, or go to another screen of it."""
        self.page.goto(f"{self.path}#/{route}" if route else self.path)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> Locator:
        return self.page.get_by_role("navigation").get_by_role("link", name=name)

    @property
    def toast(self) -> Locator:
        return self.page.locator("#toast")
