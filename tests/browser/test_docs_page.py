"""A newcomer with nothing but the page at /docs: log in, take a cart, shop, pay, read the receipt."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.chromium import new_context
from tests.journeys.carts import Cart
from tests.journeys.stack import ONE_TIME_CODE, Stack

NUMBER = "+491700777001"
MILK = "9521234030010"


class DocsPage:
    """What a reader of the page does: open a call, fill in its form, execute it, read the answer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.goto("/docs")
        expect(page.get_by_role("heading", name="Smart cart")).to_be_visible()

    def execute(self, call: str, body: dict[str, Any] | None = None, **parameters: str) -> Any:
        """Try a call, `POST /cart/connect`; without a body the example of the page is sent. Gives what was answered."""
        block = self._block(call)
        if body is not None:
            block.locator("textarea.body-param__text").fill(json.dumps(body))
        for name, value in parameters.items():
            block.locator(f'tr[data-param-name="{name}"] input').fill(value)
        block.get_by_role("button", name="Execute").click()
        answered = block.locator(".live-responses-table tbody .response").first
        expect(answered.locator(".response-col_status")).to_contain_text("20")
        return json.loads(answered.locator(".response-col_description pre").first.inner_text())

    def authorize(self, token: str) -> None:
        """Press Authorize, paste the token of a shopper, close the dialog."""
        self.page.locator(".auth-wrapper .btn.authorize").first.click()
        dialog = self.page.locator(".dialog-ux")
        shopper = dialog.locator(".auth-container", has_text="shopper (http, Bearer)")
        shopper.locator("input").fill(token)
        shopper.get_by_role("button", name="Apply credentials").click()
        shopper.get_by_role("button", name="Close").click()
        expect(dialog).to_be_hidden()

    def _block(self, call: str) -> Locator:
        method, path = call.split()
        block = self.page.locator(f".opblock-{method.lower()}").filter(
            has=self.page.locator(f'.opblock-summary-path[data-path="{path}"]')
        )
        if block.locator(".opblock-body").count() == 0:
            block.locator(".opblock-summary-control").click()
        return block


@pytest.fixture
def docs(stack: Stack, browser: Browser) -> Iterator[DocsPage]:
    context = new_context(browser, stack.address.http_url)
    yield DocsPage(context.new_page())
    context.close()


def test_a_newcomer_asks_for_a_code_from_the_docs_page(docs: DocsPage) -> None:
    assert docs.execute("POST /auth/verify_mobile")["message"]
    assert docs.complaints == []


def test_a_whole_trip_from_the_docs_page_alone(docs: DocsPage, cart: Cart) -> None:
    docs.execute("POST /auth/verify_mobile", {"mobile_number": NUMBER})
    login = docs.execute("POST /auth/verify_otp", {"mobile_number": NUMBER, "otp": ONE_TIME_CODE})
    docs.authorize(login["token"])
    assert docs.execute("GET /user/profile")["user_id"] == login["user_id"]

    shown = cart.wait_until_free()
    connected = docs.execute("POST /cart/connect", {"cart_id": cart.cart_id, "pairing_code": shown.pairing_code})
    assert connected["user_id"] == login["user_id"]

    found = docs.execute("GET /products/search", query="banana")["results"][0]
    docs.execute("POST /cart/item/add", {"product_id": found["product_id"]})
    cart.scan(MILK)
    cart.wait_until_settled()
    held = docs.execute("GET /cart/view")
    assert held["total_items"] == 2
    assert found["product_id"] in {item["product_id"] for item in held["items"]}

    order = docs.execute("POST /orders/checkout")
    assert order["discounted_price"] == held["total"]
    receipt = docs.execute("GET /orders/{order_id}/receipt", order_id=str(order["order_id"]))
    assert receipt["total"] == held["total"]
    assert docs.complaints == []
