"""axe-core, fetched by npm when tests run: its licence (MPL-2.0) keeps it out of our tree."""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

VERSION = "4.14.1"
WITHIN_S = 60
COUNTED = ("serious", "critical")
_SCRIPT = "package/axe.min.js"


def fetch_axe(folder: Path) -> str:
    """The script's text; skips the tests when npm or its registry is not there."""
    kept = folder / f"axe-{VERSION}.js"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm for axe-core: apt-get install npm")
        done = subprocess.run(
            [npm, "pack", "--silent", f"axe-core@{VERSION}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        if done.returncode != 0:
            pytest.skip("needs the npm registry for axe-core")
        with tarfile.open(folder / done.stdout.split()[-1]) as package:
            script = package.extractfile(_SCRIPT)
            assert script is not None
            kept.write_bytes(script.read())
    return kept.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """Serious and critical ones: rule, and where."""
    page.evaluate(f"{axe}\nundefined")
    found: dict[str, Any] = json.loads(page.evaluate("axe.run(document, {}).then(JSON.stringify)"))
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in COUNTED
        for node in one["nodes"]
    ]
