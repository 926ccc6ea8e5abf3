"""`python -m tests.browser.screenshots [FOLDER]`: every screen of the running page, phone and desk, light and dark."""

import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize

from tests.browser.chromium import DESK, PHONE, find_chromium, new_context, running_chromium
from tests.browser.picture import take_picture
from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import visit_every_screen
from tests.journeys.carts import Cart, carts_on_thread
from tests.journeys.stack import Stack, running_stack

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LOOKS: tuple[tuple[str, ViewportSize, bool], ...] = (
    ("phone-light", PHONE, False),
    ("phone-dark", PHONE, True),
    ("desk-light", DESK, False),
    ("desk-dark", DESK, True),
)


def main(folder: Path) -> int:
    """Take the pictures on a stack of their own; 1 when there is no browser."""
    if find_chromium() is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with running_chromium() as browser, running_stack() as stack:
        credentials = stack.add_carts(len(LOOKS))
        with carts_on_thread(stack.address.mqtt_url, credentials) as carts:
            for (look, viewport, dark), cart in zip(LOOKS, carts, strict=True):
                _take(browser, stack, cart, folder, look, viewport, dark=dark)
    (folder / "README.md").write_text(_overview(folder), encoding="utf-8")
    return 0


def _overview(folder: Path) -> str:
    """A page with every picture: a row for each screen, a column for each look."""
    looks = [look for look, _, _ in LOOKS]
    screens = sorted({path.stem.removeprefix(f"{look}-") for look in looks for path in folder.glob(f"{look}-*.webp")})
    rows = [
        "| " + " | ".join([screen[3:], *(f"![{screen[3:]}, {look}]({look}-{screen}.webp)" for look in looks)]) + " |"
        for screen in screens
    ]
    head = ["| screen | " + " | ".join(looks) + " |", "|---" * (len(looks) + 1) + "|"]
    intro = "# The shopper's page\n\nTaken from the running stack by `python -m tests.browser.screenshots`.\n"
    return "\n".join([intro, *head, *rows, ""])


def _take(
    browser: Browser, stack: Stack, cart: Cart, folder: Path, look: str, viewport: ViewportSize, *, dark: bool
) -> None:
    with new_context(browser, stack.address.http_url, viewport, dark=dark, sharpness=1) as context:
        # As on a phone whose browser reads codes; Chromium on Linux does not.
        context.add_init_script("window.BarcodeDetector ??= class {}")
        phone = ShopperPage(context.new_page())
        phone.page.emulate_media(reduced_motion="reduce")  # nothing is caught in mid-movement
        for number, screen in enumerate(visit_every_screen(phone, cart, stack), 1):
            phone.page.wait_for_load_state("networkidle") if not _polls(screen) else None
            take_picture(phone.page, folder / f"{look}-{number:02}-{re.sub(r'[^a-z-]', '', screen)}.webp")


def _polls(screen: str) -> bool:
    """Screens that ask on and on are never idle."""
    return screen.startswith("map") or screen == "cart-offline"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
