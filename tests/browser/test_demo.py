"""What `smartcart demo` prints is all that a newcomer needs: a cart that fills and walks, and the store from above."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from services.stack.folder import StackFolder
from tests.browser.chromium import DESK, new_context
from tests.browser.console_page import ConsolePage
from tests.browser.shopper_page import ShopperPage
from tests.conftest import folder_for_postgres
from tests.journeys.stack import own_environment, smartcart

CARTS = 3
WITHIN_MS = 60_000
TOLD = re.compile(
    r"(?P<url>http://\S+)/app/\n\s+log in as the shopper of cart (?P<cart>\d+)"
    r"\s+(?P<number>\+\d+), code (?P<code>\d+)\n"
    r"[\s\S]*log in as\s+(?P<name>\w+), password (?P<password>\S+)\n"
)


@pytest.fixture(scope="module")
def told(browser: Browser) -> Iterator[dict[str, str]]:
    """A demo that runs, and what it printed first."""
    with contextlib.ExitStack() as until_the_end:
        folder = StackFolder.at(until_the_end.enter_context(folder_for_postgres()))
        command = smartcart(folder, "demo", "--carts", str(CARTS), "--for", "180")
        demo = until_the_end.enter_context(
            subprocess.Popen(command, env=own_environment(), stdout=subprocess.PIPE, text=True)
        )
        try:
            assert demo.stdout is not None
            printed = ""
            for line in demo.stdout:
                printed += line
                if "Ctrl-C" in line:
                    break
            found = TOLD.search(printed)
            assert found, printed
            yield found.groupdict()
        finally:
            demo.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                demo.communicate(timeout=20)
            demo.kill()


@pytest.fixture
def page(told: dict[str, str], browser: Browser) -> Iterator[ShopperPage]:
    with new_context(browser, told["url"]) as context:
        yield ShopperPage(context.new_page())


def test_a_newcomer_sees_the_printed_cart_fill_and_walk_within_a_minute(
    told: dict[str, str], page: ShopperPage
) -> None:
    page.open()
    page.log_in(told["number"], code=told["code"])
    expect(page.title).to_have_text(f"Cart {told['cart']}")
    expect(page.lines.first).to_be_visible(timeout=WITHIN_MS)
    page.tab("Map").click()
    me = page.page.locator(".storemap .me[visibility=visible]")
    expect(me).to_be_visible()
    expect(page.page.locator(".nextstop .big")).not_to_be_empty()
    here = me.get_attribute("style") or ""
    expect(me).not_to_have_attribute("style", here, timeout=WITHIN_MS)
    assert page.complaints == []


def test_a_newcomer_sees_every_cart_move_and_one_call_for_help_on_the_stores_screen(
    told: dict[str, str], browser: Browser
) -> None:
    with new_context(browser, told["url"], DESK, sharpness=1) as context:
        console = ConsolePage(context.new_page())
        console.log_in(told["name"], told["password"])
        expect(console.button("Close an aisle")).to_be_visible()
        marks = console.plan.locator(".cart[data-key]")
        expect(marks).to_have_count(CARTS, timeout=WITHIN_MS)
        for mark in marks.all():
            here = mark.get_attribute("style") or ""
            expect(mark).not_to_have_attribute("style", here, timeout=WITHIN_MS)
        expect(console.page.get_by_role("list", name="Calls")).to_contain_text("Help wanted", timeout=WITHIN_MS)
        assert console.complaints == []
