"""The whole benchmark with tiny numbers: every row has a figure, and nothing is left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.bench import report
from tests.eventually import eventually
from tests.house.source import ROOT
from tests.mosquitto import needs_mosquitto

TINY = [
    "--seconds",
    "0.5",
    "--rounds",
    "1",
    "--carts",
    "16",
    "--warm-up",
    "0.5",
    "--delay-seconds",
    "0.5",
    "--rate",
    "20",
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), needs_mosquitto]


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder with a short path that PostgreSQL's own user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="smartcart-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def bench(disk: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "services.cli", "bench", "--disk", str(disk), *TINY, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left_behind(disk: Path) -> list[str]:
    """What still lies in the folder, and processes that name it or work in it."""
    found = [file.name for file in disk.iterdir()]
    for process in psutil.process_iter():
        try:
            if str(disk) in " ".join(process.cmdline()) or process.cwd().startswith(str(disk)):
                found.append(str(process))
        except psutil.Error:
            continue
    return found


def test_every_row_has_a_figure(disk: Path, tmp_path: Path) -> None:
    picture = tmp_path / "performance.svg"
    program = bench(disk, "--json", "--growth", "4000", "--open-carts", "20", "--chart", str(picture))
    printed, complaints = program.communicate()
    assert program.returncode == 0, complaints
    found = json.loads(printed)
    assert set(found["median_per_s"]) == {
        *(report.OURS.format(broker) for broker in ("mosquitto", "embedded")),
        report.NAIVE.format("mosquitto"),
        report.MEMORY,
        report.STATEMENTS,
        *(report.PGBENCH.format(clients) for clients in (1, 8)),
        *(report.BROKER.format(broker) for broker in ("mosquitto", "embedded")),
        report.LOAD,
    }
    assert all(rate > 0 for rate in found["median_per_s"].values()), found["median_per_s"]
    assert [one["per_s"] for one in found["delays"]["mosquitto"]] == [20.0]
    assert found["old_rows"] == 4_000
    assert found["old"][0]["events"] > 0
    assert found["start"]["carts"] == 20
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert left_behind(disk) == []


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_finds_nothing_left(disk: Path, told: signal.Signals) -> None:
    program = bench(disk, "--seconds", "60")
    eventually(lambda: any("carts_on_sockets" in line for line in child_commands(program.pid)), within_s=120)
    os.kill(program.pid, told)
    _, complaints = program.communicate(timeout=60)
    assert program.returncode == 130, complaints
    assert left_behind(disk) == []


def child_commands(pid: int) -> list[str]:
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            found.append(" ".join(child.cmdline()))
        except psutil.Error:
            continue
    return found
