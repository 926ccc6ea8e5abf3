"""What no committed file may hold, and what the README must show."""

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.house.source import ROOT, tracked_files

# Written in pieces, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(
    r"(?<![\w.}$])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers")) + r")/\w"
)
TEMPORARY_PATH = re.compile(r"(?<![\w.}$/])/t" + r"mp/\w")
PACKAGE_INDEX = re.compile(
    r"(?:py" + r"pi\.|pythonho" + r"sted\.|(?:extra-)?index-" + r"url|https?://[^\s/]+/sim" + r"ple\b)"
)
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----|\bghp_\w{30,}|\bAKIA[0-9A-Z]{16}\b")


@pytest.mark.parametrize(
    "forbidden", [MACHINE_PATH, TEMPORARY_PATH, PACKAGE_INDEX, SECRET], ids=["path", "tmp", "index", "secret"]
)
def test_no_committed_file_names_this_machine_or_an_index_or_a_secret(forbidden: re.Pattern[str]) -> None:
    assert find(forbidden) == []


def test_no_committed_file_names_the_package_index_of_this_machine() -> None:
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    hosts = {urlsplit(word.strip("'\"")).hostname for word in re.findall(r"https?://\S+", listed)}
    ours = re.compile("|".join(re.escape(host) for host in hosts if host) or r"(?!)")
    assert find(ours) == []


def test_every_top_level_folder_is_on_the_readmes_map() -> None:
    folders = {name.split("/")[0] for name in tracked_files() if "/" in name and not name.startswith(".")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(folders) >= 5
    assert [folder for folder in sorted(folders) if f"{folder}/" not in readme] == []


def find(forbidden: re.Pattern[str]) -> list[str]:
    found = []
    assert len(tracked_files()) > 50
    for name in tracked_files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{name}:{number} {line.strip()[:100]}")
    return found
