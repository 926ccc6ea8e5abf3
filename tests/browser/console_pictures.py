"""`python -m tests.browser.console_pictures [FOLDER]`: every screen of the running console, light and dark."""

import json
import sys
from pathlib import Path

from tests.browser.chromium import DESK, find_chromium, new_context, running_chromium
from tests.browser.console_page import ConsolePage
from tests.browser.console_tour import SPOTS, fill_store, visit_every_screen_of_the_console
from tests.browser.picture import take_picture
from tests.journeys.carts import carts_on_thread
from tests.journeys.stack import running_stack

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots" / "console"
LOOKS = (("light", False), ("dark", True))


def main(folder: Path) -> int:
    """Take the pictures on a stack of their own; 1 when there is no browser."""
    if find_chromium() is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    screens: list[str] = []
    with running_chromium() as browser, running_stack() as stack:
        account = json.loads(stack.must("operators", "add", "mia", "--role", "manager", "--json"))
        with carts_on_thread(stack.address.mqtt_url, stack.add_carts(len(SPOTS))) as carts:
            fill_store(stack, carts)
            for look, dark in LOOKS:
                with new_context(browser, stack.address.http_url, DESK, dark=dark, sharpness=1) as context:
                    console = ConsolePage(context.new_page())
                    console.page.emulate_media(reduced_motion="reduce")  # nothing is caught in mid-movement
                    tour = visit_every_screen_of_the_console(console, carts[0], "mia", account["password"])
                    screens = []
                    for number, screen in enumerate(tour, 1):
                        screens.append(f"{number:02}-{screen}")
                        take_picture(console.page, folder / f"{look}-{screens[-1]}.webp")
    (folder / "README.md").write_text(_overview(screens), encoding="utf-8")
    return 0


def _overview(screens: list[str]) -> str:
    looks = [look for look, _ in LOOKS]
    rows = [
        "| " + " | ".join([one[3:], *(f"![{one[3:]}, {look}]({look}-{one}.webp)" for look in looks)]) + " |"
        for one in screens
    ]
    intro = "# The console\n\nTaken from the running stack by `python -m tests.browser.console_pictures`.\n"
    return "\n".join([intro, "| screen | light | dark |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
