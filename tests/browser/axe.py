"""axe-core in a page: what it finds serious.

The script is the one in the wheel of axe-playwright-python (MIT). axe-core itself is under MPL-2.0: it runs in tests
only, and no file of it is in our tree or our package.
"""

import importlib.resources
import json
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page

COUNTED = ("serious", "critical")


@cache
def axe_script() -> str:
    """The script's text; skips the test when the package is not there."""
    package = pytest.importorskip("axe_playwright_python", reason="needs axe: pip install --group test")
    return (importlib.resources.files(package) / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Serious and critical ones: rule, and where."""
    page.evaluate(f"{axe_script()}\nundefined")
    found: dict[str, Any] = json.loads(page.evaluate("axe.run(document, {}).then(JSON.stringify)"))
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in COUNTED
        for node in one["nodes"]
    ]
