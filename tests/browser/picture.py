"""Pictures for the documents: WebP as the browser itself writes it, a quarter of a PNG's size."""

import base64
from pathlib import Path

from playwright.sync_api import Page

QUALITY = 75


def take_picture(page: Page, path: Path) -> None:
    """What the window shows now."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(taken["data"]))
    session.detach()
