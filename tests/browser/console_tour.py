"""Through every screen of the console, with something on each: for pictures and for accessibility."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import psycopg
from playwright.sync_api import expect

from shared.contracts.channels import EVENTS
from shared.contracts.telemetry import CartTelemetry, Health, Location
from shared.db.alerts import Alert, raise_alerts
from shared.db.dead_letters import DeadLetter, insert_dead_letters
from shared.db.presence import Heard, save_telemetry
from tests.browser.console_page import ConsolePage
from tests.browser.tour import BANANA, MILK, NOT_SOLD
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

SPOTS = ((5.5, 10.2), (13.5, 10.2), (17.4, 6.1), (9.6, 14.2), (21.5, 4.3), (25.2, 10.3), (14.2, 19.0), (2.2, 19.2))


def fill_store(stack: Stack, carts: Sequence[Cart]) -> None:
    """Carts in the aisles, most of them with goods; two that want something, and letters that were set aside."""
    for cart in carts[:-1]:
        for code in (BANANA, MILK, NOT_SOLD):
            cart.scan(code)
    carts[0].call_help()
    now = datetime.now(UTC)
    telemetry = [
        (
            Heard(cart.cart_id, "main", now),
            CartTelemetry(
                location=Location(x=x, y=y),
                health=Health(battery_pct=94 - 11 * number, rssi_dbm=-58, journal_length=0),
            ),
        )
        for number, (cart, (x, y)) in enumerate(zip(carts, SPOTS, strict=False))
    ]
    topic = EVENTS.topic(store="main", cart=carts[0].cart_id)
    early = json.dumps({"v": 1, "epoch": 1, "seq": 90_000, "at": 1, "type": "scan", "code": BANANA}).encode()
    with psycopg.connect(stack.address.database_url) as connection:
        save_telemetry(connection, telemetry)
        store_id = connection.execute("SELECT store_id FROM cart WHERE cart_id = %s", (carts[-1].cart_id,)).fetchone()
        assert store_id is not None
        raise_alerts(connection, [Alert("gap", store_id[0], carts[-1].cart_id, None, "")], now)
        insert_dead_letters(
            connection,
            [
                DeadLetter(topic, early, "window", "90000 is more than 10000 beyond 3", carts[0].cart_id, 1, 90_000),
                DeadLetter(topic, b'{"v":1,"code":"<b>\x00\xff', "decode", "not UTF-8", carts[0].cart_id),
            ],
            now,
        )
    for cart in carts:
        cart.wait_until_settled()


def visit_every_screen_of_the_console(console: ConsolePage, cart: Cart, name: str, password: str) -> Iterator[str]:
    """Go from screen to screen as a manager; stops at each and gives its name."""
    console.open()
    expect(console.button("Log in")).to_be_visible()
    yield "login"
    console.log_in(name, password)
    expect(console.call(cart.cart_id).first).to_be_visible()
    expect(console.page.locator(".ingest")).to_contain_text("last", timeout=20_000)
    yield "floor"
    console.button("Close an aisle").click()
    console.page.locator(".section[data-name=Frozen]").click(position={"x": 8, "y": 8})
    console.dialog.get_by_label("Why, for your colleagues").fill("Freezer is being mended")
    yield "close"
    console.dialog.get_by_role("button", name="Close it").click()
    expect(console.plan.get_by_role("button", name="Closed: Frozen")).to_be_visible()
    console.cart(cart.cart_id).dispatch_event("click")
    expect(console.page.locator(".chosen")).to_be_visible()
    expect(console.toast).to_be_hidden()
    yield "floor-cart"
    console.tab("Carts").click()
    expect(console.page.locator("tbody tr").first).to_be_visible()
    yield "carts"
    console.open(f"carts/{cart.cart_id}")
    expect(console.page.locator("tbody tr").first).to_be_visible()
    yield "cart"
    console.tab("Dead letters").click()
    expect(console.page.locator("tbody tr").first).to_be_visible()
    yield "letters"
    console.page.locator("tbody").get_by_role("button").first.click()
    expect(console.dialog).to_be_visible()
    yield "letter"
    console.dialog.get_by_role("button", name="Close").click()
    console.tab("Floor").click()
    console.plan.get_by_role("button", name="Closed: Frozen").press("Enter")
    yield "open"
    console.dialog.get_by_role("button", name="Open again").click()
    expect(console.plan.get_by_role("button", name="Closed: Frozen")).to_have_count(0)
    console.tab("Actions").click()
    expect(console.page.locator("tbody tr").first).to_be_visible()
    expect(console.toast).to_be_hidden()
    yield "actions"
