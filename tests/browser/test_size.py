"""How much the page weighs on the wire, and how soon it stands there. The time is printed, not judged."""

from playwright.sync_api import Browser, Page, expect

from services.gateway.pages.files import page_files
from tests.browser.chromium import PHONE
from tests.browser.shopper_page import ShopperPage
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

TRANSFER_MAX_BYTES = 300_000  # issue 6, done when 3
SERVED = ("app/", "shell/")


def test_the_whole_page_with_its_mqtt_library_is_less_than_300_kb_on_the_wire(
    browser: Browser, stack: Stack, cart: Cart
) -> None:
    # Without the service worker, which would answer from its own copies and hide what they cost.
    with browser.new_context(base_url=stack.address.http_url, viewport=PHONE, service_workers="block") as context:
        phone = ShopperPage(context.new_page())
        received = count_bytes(phone.page)
        phone.take_live(cart)
        phone.tab("Map").click()
        expect(phone.page.locator(".storemap")).to_be_visible()
    total = sum(received)
    print(f"transfer of /app, through log-in, live cart and map: {total / 1000:.0f} kB")
    assert 100_000 < total < TRANSFER_MAX_BYTES


def test_everything_that_the_service_worker_keeps_is_less_than_300_kb_on_the_wire() -> None:
    total = sum(len(file.packed or file.content) for name, file in page_files().items() if name.startswith(SERVED))
    print(f"all files of /app: {total / 1000:.0f} kB")
    assert total < TRANSFER_MAX_BYTES


def test_the_first_view_is_timed(phone: ShopperPage) -> None:
    phone.open()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()
    painted = phone.page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        " ?? performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    )
    print(f"first view of /app: {painted:.0f} ms")
    assert painted > 0


def count_bytes(page: Page) -> list[int]:
    """Bytes of each answer as they came over the wire, headers included; grows by itself."""
    received: list[int] = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    return received
