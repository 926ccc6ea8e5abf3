"""What is text stays text, tokens stay out of addresses, and the browser is told to hold the page to it."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import BANANA
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack


def test_a_product_named_like_markup_stays_text_on_every_screen(
    phone: ShopperPage, cart: Cart, evil_banana: str
) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    shown = phone.page.get_by_text(evil_banana[:60]).first
    expect(shown).to_be_visible()
    phone.tab("List").click()
    phone.page.get_by_label("Search products").fill("9521234010012")
    expect(shown).to_be_visible()
    phone.page.get_by_role("button", name="Put <script>").click()
    expect(phone.toast).to_contain_text(evil_banana)
    phone.page.get_by_label("Search products").fill("")
    expect(shown).to_be_visible()
    phone.tab("Cart").click()
    phone.pay()
    expect(phone.page.get_by_text(evil_banana).first).to_be_visible()
    assert phone.page.evaluate("window.owned ?? null") is None


def test_the_browser_refuses_inline_script_and_markup_from_text_on_the_page(phone: ShopperPage) -> None:
    phone.open()
    assert (
        phone.page.evaluate("try { document.body.innerHTML = '<b>x</b>'; 'made' } catch (e) { e.name }") == "TypeError"
    )
    phone.page.evaluate("document.body.append(Object.assign(document.createElement('p'), {id: 'inline'}))")
    phone.page.evaluate("document.getElementById('inline').setAttribute('style', 'color: red')")
    assert phone.page.locator("#inline").evaluate("one => getComputedStyle(one).color") != "rgb(255, 0, 0)"
    phone.complaints.clear()  # the browser reported both


def test_no_token_is_ever_part_of_an_address(phone: ShopperPage, cart: Cart) -> None:
    addresses: list[str] = []
    phone.page.on("request", lambda request: addresses.append(request.url))
    phone.page.on("websocket", lambda socket: addresses.append(socket.url))
    phone.take_live(cart)
    kept = phone.page.evaluate("localStorage.getItem('smartcart')")
    assert len(addresses) > 10
    assert not any(kept in address or "eyJ" in address for address in addresses)


def test_the_page_is_sent_with_a_policy_without_inline_script_and_packed(stack: Stack) -> None:
    page = httpx.get(f"{stack.address.http_url}/app/", trust_env=False, headers={"Accept-Encoding": "gzip"})
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert f"connect-src 'self' {stack.address.mqtt_ws_url}" in policy
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["X-Frame-Options"] == "DENY"
    same = httpx.get(f"{stack.address.http_url}/app/", trust_env=False, headers={"If-None-Match": page.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["app/../router.py", "app/%2e%2e/router.py", "app/router.py", "shell/vendor/mqtt/README.md", "app//main.js"]
)
def test_nothing_but_the_pages_own_files_is_served(stack: Stack, path: str) -> None:
    url = httpx.URL(stack.address.http_url).copy_with(raw_path=f"/{path}".encode())
    answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
