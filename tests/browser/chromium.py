"""Starts the system's Chromium for playwright, which drives it and downloads nothing."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

NEEDED = "needs Chromium: apt-get install chromium"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera that shows a test picture, and is allowed.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def find_chromium() -> str | None:
    """The browser's program: CHROMIUM names one, else the first that is installed."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser until the block ends; skips the tests when there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip(NEEDED)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def new_context(
    browser: Browser, origin: str, viewport: ViewportSize = PHONE, *, dark: bool = False, sharpness: float = 2
) -> BrowserContext:
    """A phone (or a desk) of its own: no cookie, storage or cache is shared with another."""
    context = browser.new_context(
        base_url=origin,
        viewport=viewport,
        device_scale_factor=sharpness,
        color_scheme="dark" if dark else "light",
        has_touch=viewport == PHONE,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(20_000)
    return context
