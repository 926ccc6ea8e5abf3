"""Connections are lost and regained, logins run out, carts are shared out: the page shows it and loses nothing."""

import re
import signal
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, Request, Route, expect

from services.gateway.tokens import AccessTokens, parse_keys
from services.gateway.wiring import utc_now
from tests.browser.conftest import NewPhone
from tests.browser.shopper_page import ShopperPage
from tests.browser.test_trip import APPLES, BANANA, MILK
from tests.eventually import eventually
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

RENEWED_BY_S = 13 * 60  # the credentials live for 15 minutes and are renewed at 80 % of that


def test_what_was_scanned_while_the_phone_was_offline_is_caught_up_with(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)

    phone.page.context.set_offline(True)
    expect(phone.link).to_have_text("Offline")
    cart.scan(BANANA)
    cart.scan(APPLES)
    cart.wait_until_settled()
    phone.expect_quantity("Banana", 1)
    phone.link.click()
    expect(phone.toast).to_contain_text("go on scanning, nothing gets lost")

    phone.page.context.set_offline(False)
    phone.expect_quantity("Banana", 2)
    expect(phone.line("Apples")).to_be_visible()
    expect(phone.link).to_have_text("Live")
    cart.scan(MILK)
    expect(phone.line("Whole milk")).to_be_visible()


def test_without_mqtt_the_page_asks_over_http_and_says_so(phone: ShopperPage, cart: Cart, stack: Stack) -> None:
    phone.open()
    phone.log_in()
    phone.take(cart)
    phone.page.goto("about:blank")
    stack.signal("broker", signal.SIGSTOP)
    try:
        phone.open("cart")
        expect(phone.link).to_have_text("Reconnecting", timeout=15_000)
        phone_by_hand(phone.page, "/cart/item/add", stack)
        phone.expect_quantity("Banana", 1)
    finally:
        stack.signal("broker", signal.SIGCONT)
    expect(phone.link).to_have_text("Live", timeout=30_000)


@pytest.mark.slow
def test_a_killed_broker_and_a_killed_gateway_are_survived(phone: ShopperPage, cart: Cart, stack: Stack) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    for part in ("broker", "gateway"):
        before = stack.signal(part, signal.SIGKILL)
        eventually(lambda: stack.pid(part) not in (None, before), within_s=20)  # noqa: B023
    cart.scan(APPLES)
    expect(phone.line("Apples")).to_be_visible(timeout=30_000)
    expect(phone.link).to_have_text("Live", timeout=30_000)
    expect(phone.total).to_have_text("€2.24")


def test_an_access_token_that_has_ended_is_renewed_without_the_shopper_noticing(
    phone: ShopperPage, cart: Cart, stack: Stack
) -> None:
    phone.take_live(cart)
    keys = parse_keys(stack.address.secrets["ACCESS_TOKEN_SECRET"])
    tokens = AccessTokens(keys, 60)
    refused: list[str] = []

    def send_an_ended_token(route: Route, request: Request) -> None:
        if refused:
            route.continue_()
            return
        refused.append(request.url)
        caller = tokens.read(request.headers["authorization"].removeprefix("Bearer "))
        ended = tokens.mint(caller.shopper_id, caller.family_id, utc_now() - timedelta(hours=1))
        route.continue_(headers={**request.headers, "authorization": f"Bearer {ended}"})

    phone.page.route("**/user/checklist", send_an_ended_token)
    with phone.page.expect_response(lambda answer: answer.url.endswith("/auth/refresh")) as renewed:
        phone.tab("List").click()
    assert renewed.value.ok
    assert refused
    expect(phone.page.get_by_text("Your list is empty")).to_be_visible()
    expect(phone.link).to_have_text("Live")


def test_credentials_are_renewed_before_they_end_and_scans_go_on_appearing(phone: ShopperPage, cart: Cart) -> None:
    phone.page.clock.install()
    phone.take_live(cart)
    sockets: list[str] = []
    phone.page.on("websocket", lambda socket: sockets.append(socket.url))
    phone.page.clock.fast_forward(RENEWED_BY_S * 1000)
    eventually(lambda: phone.page.title() and sockets, message="no new connection")
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    expect(phone.link).to_have_text("Live")


def test_what_was_scanned_while_credentials_were_renewed_is_caught_up_with(phone: ShopperPage, cart: Cart) -> None:
    phone.page.clock.install()
    phone.take_live(cart)

    def scan_between_two_connections(route: Route) -> None:
        cart.scan(BANANA)
        cart.wait_until_settled()
        route.continue_()

    phone.page.route("**/mqtt/token", scan_between_two_connections, times=1)
    phone.page.clock.fast_forward(RENEWED_BY_S * 1000)
    phone.expect_quantity("Banana", 1)


def test_a_cart_that_was_taken_is_shown_although_the_first_question_after_it_fails(
    phone: ShopperPage, cart: Cart
) -> None:
    phone.open()
    phone.log_in()
    expect(phone.link).to_have_attribute("data-state", "live")
    phone.page.route("**/cart/view", lambda route: route.abort(), times=1)
    phone.take(cart)


def test_a_login_that_was_ended_elsewhere_leads_back_to_the_log_in(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    phone.page.evaluate("sessionStorage.clear(); localStorage.setItem('smartcart', 'x'.repeat(43))")
    phone.page.reload()
    expect(phone.page.get_by_text("You were logged out.", exact=False)).to_be_visible()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()


def test_logging_out_ends_the_login_at_the_gateway_too(phone: ShopperPage, cart: Cart, stack: Stack) -> None:
    phone.take_live(cart)
    kept = phone.page.evaluate("localStorage.getItem('smartcart')")
    phone.tab("Me").click()
    with phone.page.expect_response(lambda answer: answer.url.endswith("/auth/logout")):
        phone.button("Log out").click()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()
    expect(phone.page.get_by_text("You were logged out.", exact=False)).to_have_count(0)
    assert phone.page.evaluate("localStorage.length + sessionStorage.length") == 0
    again = httpx.post(f"{stack.address.http_url}/auth/refresh", json={"refresh_token": kept}, trust_env=False)
    assert again.status_code == 401


def test_of_two_phones_at_one_cart_one_gets_it_and_the_other_is_told(new_phone: NewPhone, cart: Cart) -> None:
    phones = [new_phone(), new_phone()]
    code = cart.wait_until_free().pairing_code
    for phone in phones:
        phone.open()
        phone.log_in()
        phone.type_cart(cart.cart_id, code)
    for phone in phones:
        phone.button("Take this cart").click(no_wait_after=True)
    told = re.compile(f"Cart {cart.cart_id}|Somebody else is using this cart")
    for phone in phones:
        expect(phone.page.locator("#page").get_by_text(told).first).to_be_visible()
    winner, loser = sorted(phones, key=lambda phone: phone.title.inner_text() == "Take a cart")
    expect(winner.title).to_have_text(f"Cart {cart.cart_id}")
    expect(loser.page.get_by_text("Somebody else is using this cart.", exact=False)).to_be_visible()
    cart.scan(BANANA)
    winner.expect_quantity("Banana", 1)
    expect(loser.page.get_by_text("Banana")).to_have_count(0)


def test_two_tabs_of_one_shopper_both_follow_the_cart(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    second = ShopperPage(phone.page.context.new_page())
    second.open()
    expect(second.title).to_have_text(f"Cart {cart.cart_id}")
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    second.expect_quantity("Banana", 1)
    phone.page.close()
    expect(second.link).to_have_text("Live")
    cart.scan(BANANA)
    second.expect_quantity("Banana", 2)


def test_a_trip_that_another_device_pays_for_ends_here_with_a_word(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    second = ShopperPage(phone.page.context.new_page())
    second.open()
    second.expect_quantity("Banana", 1)
    second.pay()
    expect(phone.title).to_have_text("Take a cart")
    expect(phone.toast).to_contain_text("This shopping trip has ended.")


def test_the_page_opens_without_a_connection(phone: ShopperPage) -> None:
    phone.open()
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.page.context.set_offline(True)
    phone.page.reload()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()
    phone.page.context.set_offline(False)


def phone_by_hand(page: Page, path: str, stack: Stack) -> None:
    """Add a banana as another program of the same shopper would: with tokens from the page's own storage."""
    banana = next(product.product_id for product in stack.products() if product.name == "Banana")
    status = page.evaluate(
        """async ([path, productId]) => {
            const answer = await fetch('/auth/refresh', {method: 'POST', headers: {'Content-Type': 'application/json'},
                body: JSON.stringify({refresh_token: localStorage.getItem('smartcart')})});
            const {token, refresh_token} = await answer.json();
            localStorage.setItem('smartcart', refresh_token);
            const headers = {'Content-Type': 'application/json', Authorization: `Bearer ${token}`};
            return (await fetch(path, {method: 'POST', headers, body: JSON.stringify({product_id: productId})})).status;
        }""",
        [path, banana],
    )
    assert status == 200


@pytest.fixture(autouse=True)
def _every_part_runs(stack: Stack) -> None:
    eventually(lambda: all(stack.pid(part) for part in ("broker", "gateway")), within_s=20)
