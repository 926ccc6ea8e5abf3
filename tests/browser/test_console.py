"""The console in a real browser against the real stack: the login, the queue, the plan, dead letters, a cart's log."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from shared.contracts.channels import EVENTS
from shared.db.dead_letters import DeadLetter, insert_dead_letters
from tests.browser.axe import violations
from tests.browser.chromium import DESK, new_context
from tests.browser.console_page import ConsolePage
from tests.browser.console_tour import fill_store, visit_every_screen_of_the_console
from tests.browser.tour import BANANA, EVIL, put_cart_at
from tests.eventually import eventually
from tests.journeys.carts import Cart
from tests.journeys.stack import ONE_TIME_CODE, Stack

TABLET = {"width": 820, "height": 1180}
NewConsole = Callable[..., ConsolePage]


@pytest.fixture(scope="package")
def passwords(stack: Stack) -> dict[str, str]:
    """An operator of each role."""
    accounts = [
        json.loads(stack.must("operators", "add", name, "--role", role, "--json"))
        for name, role in (("mia", "manager"), ("sam", "staff"))
    ]
    return {one["name"]: one["password"] for one in accounts}


@pytest.fixture
def new_console(stack: Stack, browser: Browser) -> Iterator[NewConsole]:
    """Desks that share nothing. At the end none of their pages may have complained."""
    with contextlib.ExitStack() as contexts:
        consoles: list[ConsolePage] = []

        def unpack(**look: Any) -> ConsolePage:
            context = new_context(browser, stack.address.http_url, **{"viewport": DESK, "sharpness": 1, **look})
            contexts.callback(context.close)
            consoles.append(ConsolePage(context.new_page()))
            return consoles[-1]

        yield unpack
        assert [complaint for console in consoles for complaint in console.complaints] == []


@pytest.fixture
def manager(new_console: NewConsole, passwords: dict[str, str]) -> ConsolePage:
    console = new_console()
    console.log_in("mia", passwords["mia"])
    return console


def test_an_operator_logs_in_stays_logged_in_and_logs_out(
    new_console: NewConsole, passwords: dict[str, str], stack: Stack
) -> None:
    console = new_console()
    console.open()
    console.fill_login("sam", "not his password")
    expect(console.page.get_by_text("Name or password is wrong.")).to_be_visible()
    expect(console.plan).to_have_count(0)
    console.fill_login("sam", passwords["sam"])
    expect(console.plan).to_be_visible()
    expect(console.page.locator("#top")).to_contain_text("Staff")
    login, known_browser = console.page.context.cookies(f"{stack.address.http_url}/console/api")
    for cookie in (login, known_browser):
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert cookie["path"].startswith("/console/api")
    assert console.page.evaluate("document.cookie + JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    console.page.reload()
    expect(console.plan).to_be_visible()
    expect(console.button("Close an aisle")).to_have_count(0)
    console.button("Log out").click()
    expect(console.page.get_by_text("Your login has ended.")).to_be_visible()
    console.page.reload()
    expect(console.button("Log in")).to_be_visible()


def test_a_removed_operator_is_out_within_seconds(new_console: NewConsole, stack: Stack) -> None:
    account = json.loads(stack.must("operators", "add", "temp", "--json"))
    console = new_console()
    console.log_in("temp", account["password"])
    stack.must("operators", "remove", "temp")
    expect(console.page.get_by_text("Your login has ended.")).to_be_visible()


def test_a_cart_appears_on_the_plan_and_moves(manager: ConsolePage, cart: Cart, stack: Stack) -> None:
    # Spots where no other test leaves a cart: carts that stand together are drawn apart.
    put_cart_at(stack, cart, 11.3, 17.2)
    mark = manager.cart(cart.cart_id)
    expect(mark).to_have_css("transform", "matrix(1, 0, 0, 1, 11.3, 17.2)")
    expect(mark).to_have_class(re.compile("free"))
    cart.scan(BANANA)
    expect(mark).to_have_class(re.compile("used"))
    put_cart_at(stack, cart, 18.6, 17.2)
    expect(mark).to_have_css("transform", "matrix(1, 0, 0, 1, 18.6, 17.2)")
    mark.click()
    expect(manager.page.get_by_role("heading", name=f"Cart {cart.cart_id}")).to_be_visible()
    expect(manager.page.locator(".chosen")).to_contain_text("1 item, €")


def test_a_call_is_taken_by_one_seen_by_all_and_resolved(
    manager: ConsolePage, new_console: NewConsole, passwords: dict[str, str], cart: Cart
) -> None:
    sam = new_console()
    sam.log_in("sam", passwords["sam"])
    cart.call_help()
    for console in (manager, sam):
        expect(console.call(cart.cart_id)).to_contain_text("Help wanted")
        expect(console.toast).to_have_text(f"New call: Help wanted, cart {cart.cart_id}.")
    sam.call(cart.cart_id).get_by_role("button", name="Take").click()
    expect(sam.call(cart.cart_id)).to_contain_text("Yours")
    expect(manager.call(cart.cart_id)).to_contain_text("sam is on it")
    expect(manager.call(cart.cart_id).get_by_role("button", name="Take")).to_be_hidden()
    manager.call(cart.cart_id).get_by_role("button", name="Resolve").click()
    for console in (manager, sam):
        expect(console.call(cart.cart_id)).to_have_count(0)
    manager.tab("Actions").click()
    rows = manager.page.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text(re.compile(rf"mia.*Resolved a call.*Cart {cart.cart_id}"))
    expect(manager.page.get_by_role("row", name=re.compile(rf"sam Took a call Cart {cart.cart_id}"))).to_be_visible()


def _walk(stack: Stack, name: str) -> httpx.Response:
    """The walk of a shopper who wants this product, as the app asks for it."""
    with httpx.Client(base_url=stack.address.http_url, trust_env=False) as phone:
        number = {"mobile_number": "+491700999001"}
        phone.post("/auth/verify_mobile", json=number)
        token = phone.post("/auth/verify_otp", json={**number, "otp": ONE_TIME_CODE}).json()["token"]
        found = phone.get("/products/search", params={"query": name}).json()["results"][0]["product_id"]
        return phone.post(
            "/cart/shortest_path",
            json={"destinations": [{"product_id": found}]},
            headers={"Authorization": f"Bearer {token}"},
        )


def test_an_aisle_closed_with_a_click_changes_the_next_walk_until_it_is_opened(
    manager: ConsolePage, stack: Stack
) -> None:
    assert _walk(stack, "Ciabatta").status_code == 200
    manager.button("Close an aisle").click()
    manager.page.locator(".section[data-name=Bakery]").click(position={"x": 8, "y": 8})
    expect(manager.dialog).to_contain_text("Close Bakery?")
    manager.dialog.get_by_label("Why, for your colleagues").fill("Wet floor")
    manager.dialog.get_by_role("button", name="Close it").click()
    closed = manager.plan.get_by_role("button", name="Closed: Bakery")
    expect(closed).to_be_visible()
    refused = _walk(stack, "Ciabatta")
    assert (refused.status_code, refused.json()["code"]) == (422, "no_route")

    manager.button("Close an aisle").click()
    manager.page.locator(".section[data-name=Bakery]").click(position={"x": 8, "y": 8}, force=True)
    expect(manager.dialog).to_contain_text("Closed: Bakery")
    manager.dialog.get_by_role("button", name="Close").click()
    manager.button("Cancel").click()
    closed.focus()
    manager.page.keyboard.press("Enter")
    expect(manager.dialog).to_contain_text("Wet floor")
    expect(manager.dialog).to_contain_text("mia")
    manager.dialog.get_by_role("button", name="Open again").click()
    expect(closed).to_have_count(0)
    assert _walk(stack, "Ciabatta").status_code == 200
    manager.tab("Actions").click()
    expect(manager.page.locator("tbody tr").nth(0)).to_contain_text("Opened an aisle")
    expect(manager.page.locator("tbody tr").nth(1)).to_contain_text("Wet floor")


def test_a_piece_of_floor_is_closed_by_dragging_and_a_section_by_keyboard(manager: ConsolePage, stack: Stack) -> None:
    manager.button("Close an aisle").click()
    wall = manager.plan.locator(".wall").bounding_box()
    assert wall is not None
    metre = wall["width"] / 28
    manager.page.mouse.move(wall["x"] + 2 * metre, wall["y"] + 18.5 * metre)
    manager.page.mouse.down()
    manager.page.mouse.move(wall["x"] + 6 * metre, wall["y"] + 21 * metre, steps=4)
    expect(manager.plan.locator(".draft")).to_be_visible()
    manager.page.mouse.up()
    manager.dialog.get_by_role("button", name="Close it").click()
    expect(manager.toast).to_have_text("Closed.")
    manager.button("Close an aisle").click()
    manager.page.get_by_label("What to close").select_option("Frozen")
    manager.page.locator(".closingbar").get_by_role("button", name="Close it").press("Enter")
    manager.dialog.get_by_label("Why, for your colleagues").press("Enter")
    expect(manager.plan.get_by_role("button", name="Closed: Frozen")).to_be_visible()
    with psycopg.connect(stack.address.database_url) as connection:
        rows = connection.execute(
            "UPDATE aisle_block SET unblocked_at = now(), unblocked_by = 'test' WHERE unblocked_at IS NULL"
            " RETURNING x1, y1, x2, y2"
        ).fetchall()
    drawn, frozen = sorted(rows)
    assert drawn == pytest.approx((2, 18.5, 6, 21), abs=0.2)
    assert frozen == (21.5, 2.5, 25.5, 9.5)


def test_a_dead_letter_with_markup_stays_text_and_is_tried_again_by_a_manager(
    manager: ConsolePage, cart: Cart, stack: Stack
) -> None:
    payload = {"v": 1, "epoch": 3, "seq": 1, "at": 1, "type": "scan", "code": BANANA, "note": EVIL}
    topic = EVENTS.topic(store="main", cart=cart.cart_id)
    letter = DeadLetter(topic, json.dumps(payload).encode(), "bug", EVIL, cart.cart_id, 3, 1)
    with psycopg.connect(stack.address.database_url) as connection:
        insert_dead_letters(connection, [letter], datetime.now(UTC))
    manager.tab("Dead letters").click()
    row = manager.page.get_by_role("row").filter(has_text=f"Cart {cart.cart_id}")
    expect(row).to_contain_text(EVIL[:60])
    row.get_by_role("button", name="Show").click()
    expect(manager.dialog.locator("pre")).to_contain_text(json.dumps(EVIL)[1:-1])
    manager.dialog.get_by_role("button", name="Try again").click()
    expect(manager.dialog).to_contain_text("Retried: applied.")
    manager.dialog.get_by_role("button", name="Close").click()
    expect(row).to_contain_text("applied")
    assert manager.page.evaluate("window.owned ?? null") is None


def test_a_carts_log_is_found_searched_and_never_markup(manager: ConsolePage, cart: Cart, evil_banana: str) -> None:
    for code in (BANANA, "9521234010036", "4006381333931"):
        cart.scan(code)
    cart.wait_until_settled()
    manager.tab("Carts").click()
    manager.page.get_by_label("Find carts").fill(str(cart.cart_id))
    expect(manager.page.locator("tbody tr")).to_have_count(1)
    manager.page.get_by_role("link", name=f"Cart {cart.cart_id}", exact=True).click()
    rows = manager.page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text(EVIL)
    manager.page.get_by_label("Search the log").fill("apples")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Apples")
    manager.page.get_by_label("Search the log").fill("")
    manager.page.get_by_label("What became of it").select_option("Refused")
    expect(rows).to_contain_text("unknown_code")
    expect(rows).to_have_count(1)
    assert manager.page.evaluate("window.owned ?? null") is None


def test_a_store_that_does_not_answer_is_said_and_found_again(manager: ConsolePage) -> None:
    manager.page.context.set_offline(True)
    expect(manager.page.locator("#link")).to_have_text("No answer")
    expect(manager.toast).to_contain_text("You see it as of")
    manager.page.context.set_offline(False)
    expect(manager.page.locator("#link")).to_have_text("Live")


def test_ingests_charts_fill(manager: ConsolePage, cart: Cart) -> None:
    cart.scan(BANANA)
    chart = manager.page.locator("figure").filter(has_text="Events per second")
    expect(chart.locator(".newest")).to_have_text(re.compile(r"^[\d.]+$"), timeout=20_000)
    eventually(lambda: chart.locator(".line").get_attribute("d"))
    said = re.compile(r"In memory: \d+\. A transaction takes [\d.]+ ms\.")
    expect(manager.page.locator(".ingest")).to_contain_text(said)


@pytest.mark.parametrize("look", ["light", "dark", "tablet"])
def test_axe_finds_nothing_serious_on_any_screen_of_the_console(
    look: str,
    new_console: NewConsole,
    passwords: dict[str, str],
    cart: Cart,
    stack: Stack,
) -> None:
    console = new_console(dark=look == "dark", viewport=TABLET if look == "tablet" else DESK)
    console.page.emulate_media(reduced_motion="reduce")
    fill_store(stack, [cart])
    found = {}
    for screen in visit_every_screen_of_the_console(console, cart, "mia", passwords["mia"]):
        found[screen] = violations(console.page)
        assert console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen
    assert {screen: problems for screen, problems in found.items() if problems} == {}
    assert len(found) >= 10


def test_the_console_speaks_with_nobody_but_the_gateway(stack: Stack) -> None:
    page = httpx.get(f"{stack.address.http_url}/console/", trust_env=False)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "connect-src 'self';" in policy
    assert "script-src 'self';" in policy
    moved = httpx.get(f"{stack.address.http_url}/console", trust_env=False)
    assert moved.headers["Location"] == "/console/"
