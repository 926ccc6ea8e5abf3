"""`python -m tests.browser.scan_latency [CARTS] [SCANS]`: from a scan to its line on the page, while other carts shop.

The clock is this machine's: from the moment the cart publishes until the browser has drawn the new quantity.
"""

import itertools
import statistics
import sys
import threading
import time

from playwright.sync_api import Page

from tests.browser.chromium import find_chromium, new_context, running_chromium
from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import BANANA
from tests.journeys.carts import Cart, carts_on_thread
from tests.journeys.stack import running_stack

# Quick shoppers: 50 carts make 20 scans a second, more than a large store (docs/design.md, section 8).
OTHERS_SCAN_EVERY_S = 2.5
# Tells when the quantity is drawn: after the frame in which it changed.
_WATCH = """quantity => new Promise((resolve) => {
    const shown = () => document.querySelector('.line output')?.textContent === String(quantity);
    const told = () => requestAnimationFrame(() => setTimeout(() => resolve(Date.now())));
    if (shown()) return told();
    new MutationObserver((_, watch) => { if (shown()) { watch.disconnect(); told(); } })
        .observe(document.getElementById('main'), {subtree: true, childList: true, characterData: true});
})"""


def main(others: int, scans: int) -> int:
    """Print the median and the 95th percentile, milliseconds."""
    if find_chromium() is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    with running_chromium() as browser, running_stack() as stack:
        credentials = stack.add_carts(others + 1)
        codes = [product.codes[0] for product in stack.products()]
        with (
            carts_on_thread(stack.address.mqtt_url, credentials) as (mine, *rest),
            new_context(browser, stack.address.http_url) as context,
        ):
            phone = ShopperPage(context.new_page())
            phone.take_live(mine)
            stop = threading.Event()
            crowd = threading.Thread(target=_shop, args=(rest, codes, stop))
            crowd.start()
            try:
                took_ms = [_one_scan(phone.page, mine, quantity) for quantity in range(1, scans + 1)]
            finally:
                stop.set()
                crowd.join()
    ninety_fifth = statistics.quantiles(took_ms, n=20)[-1]
    median = statistics.median(took_ms)
    print(f"scan to page with {others} other carts, {scans} scans: median {median:.0f} ms, p95 {ninety_fifth:.0f} ms")
    return 0


def _one_scan(page: Page, cart: Cart, quantity: int) -> float:
    page.evaluate(f"window.seen = ({_WATCH})({quantity}); undefined")
    at_ms = time.time() * 1000
    cart.scan(BANANA)
    seen_ms: float = page.evaluate("window.seen")
    return seen_ms - at_ms


def _shop(carts: list[Cart], codes: list[str], stop: threading.Event) -> None:
    """Each cart scans now and then; the scans are spread evenly."""
    pause_s = OTHERS_SCAN_EVERY_S / max(1, len(carts))
    for cart, code in zip(itertools.cycle(carts), itertools.cycle(codes), strict=False):
        if stop.wait(pause_s):
            return
        cart.scan(code)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 40))
