"""One browser and one stack for all tests of the pages; each test has carts and phones of its own.

The fixtures end with this package: playwright's event loop must not outlive it.
"""

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest

from firmware_sim.cart import CartCredential
from tests.journeys.carts import Cart, carts_on_thread
from tests.journeys.stack import Stack, running_stack

pytest.importorskip("playwright", reason="needs playwright: pip install --group test")

from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.chromium import new_context, running_chromium
from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import BANANA, EVIL

CARTS = 60  # more than there are tests
NewPhone = Callable[[], ShopperPage]

# A busy machine draws late. Still less than the 20 s after which the page asks even though it believes to be live:
# no state that a broker lost is taken for one that came.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Stack]:
    """Asked for after the browser, so that nothing is started for tests that are skipped."""
    # A code that is older than its life changes in the moment that a test switches its cart on, under the typing hand.
    with running_stack(OTP_SENDS_PER_ADDRESS_PER_HOUR="1000", PAIRING_ROTATE_S="86400") as stack:
        yield stack


@pytest.fixture(scope="package")
def credentials(stack: Stack) -> Iterator[CartCredential]:
    """Carts that nobody used before, made all at once."""
    return iter(stack.add_carts(CARTS))


@pytest.fixture
def cart(stack: Stack, credentials: Iterator[CartCredential]) -> Iterator[Cart]:
    """A cart of its own, switched on and free."""
    with carts_on_thread(stack.address.mqtt_url, [next(credentials)]) as (cart,):
        yield cart


@pytest.fixture
def new_phone(stack: Stack, browser: Browser) -> Iterator[NewPhone]:
    """Phones that share nothing. At the end none of their pages may have complained."""
    with contextlib.ExitStack() as contexts:
        phones: list[ShopperPage] = []

        def unpack() -> ShopperPage:
            context: BrowserContext = new_context(browser, stack.address.http_url)
            contexts.callback(context.close)
            phones.append(ShopperPage(context.new_page()))
            return phones[-1]

        yield unpack
        assert [complaint for phone in phones for complaint in phone.complaints] == []


@pytest.fixture
def phone(new_phone: NewPhone) -> ShopperPage:
    return new_phone()


@pytest.fixture
def evil_banana(stack: Stack) -> Iterator[str]:
    """The banana has a name that is markup, as long as the test runs."""

    def rename(name: str) -> None:
        with psycopg.connect(stack.address.database_url) as connection:
            connection.execute(
                "UPDATE product SET name = %s WHERE product_id = (SELECT product_id FROM product_code WHERE code = %s)",
                (name, BANANA.zfill(14)),
            )

    rename(EVIL)
    yield EVIL
    rename("Banana")
