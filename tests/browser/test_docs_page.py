"""A newcomer with nothing but the page at /docs: it shows every call, and a call can be tried from it."""

from playwright.sync_api import Browser, expect

from tests.browser.chromium import new_context
from tests.journeys.stack import Stack


def test_a_newcomer_asks_for_a_code_from_the_docs_page(stack: Stack, browser: Browser) -> None:
    context = new_context(browser, stack.address.http_url)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    page.goto("/docs")
    expect(page.get_by_role("heading", name="Smart cart")).to_be_visible()
    call = page.locator(".opblock", has_text="/auth/verify_mobile")
    call.locator(".opblock-summary").click()
    call.get_by_role("button", name="Execute").click()

    expect(call.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert complaints == []
    context.close()
