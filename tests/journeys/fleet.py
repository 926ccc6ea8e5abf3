"""`smartcart sim` beside a test that does its worst to the stack meanwhile."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.eventually import eventually
from tests.journeys.stack import Stack, smartcart

BAD_RADIO = ("--loss", "0.05", "--duplicate", "0.05", "--reorder", "8", "--disconnect", "0.02")
BACK_WITHIN_S = 2.0
SHOWN_MAX = 10


class FleetRun:
    """A fleet that shops while the block runs; `report` is there after it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.report: dict[str, Any] = {}

    @property
    def is_shopping(self) -> bool:
        return self._process.poll() is None

    def finish(self, within_s: float) -> None:
        printed, _ = self._process.communicate(timeout=within_s)
        self.report = json.loads(printed)


@contextlib.contextmanager
def fleet(
    stack: Stack, baskets: Path, *, carts: int, trips: int, seed: int, options: Sequence[str] = (), within_s: float
) -> Iterator[FleetRun]:
    """Start the fleet; when the block is through, wait for it to end."""
    # fmt: off
    command = smartcart(
        stack.folder, "sim", "--carts", str(carts), "--baskets", str(baskets), "--trips", str(trips),
        "--seed", str(seed), "--json", *options,
    )
    # fmt: on
    with subprocess.Popen(command, env=stack.environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            run = FleetRun(process)
            yield run
            run.finish(within_s)
        finally:
            process.kill()


def kill_in_turn(
    stack: Stack, run: FleetRun, parts: Sequence[str], random: Random, apart_s: tuple[float, float]
) -> int:
    """SIGKILL these parts one after the other while the fleet shops; each must be back within two seconds.

    Gives how many were killed: fewer when the fleet was done first.
    """
    killed = 0
    for part in parts:
        due_s = time.monotonic() + random.uniform(*apart_s)
        eventually(lambda due_s=due_s: time.monotonic() >= due_s or not run.is_shopping, within_s=60)  # type: ignore[misc]
        if not run.is_shopping:
            break
        before = stack.signal(part, signal.SIGKILL)
        eventually(
            lambda part=part, before=before: stack.pid(part) not in (None, before),  # type: ignore[misc]
            within_s=BACK_WITHIN_S,
            message=f"{part} is not started again",
        )
        killed += 1
    return killed


def assert_every_line_is_equal(report: dict[str, Any], trips: int) -> None:
    """No trip is different or unfinished, and no event is unsettled."""
    found = [*report["differences"][:SHOWN_MAX], *list(report["unfinished"].items())[:SHOWN_MAX]]
    assert found == [], f"seed {report['seed']}: {found}"
    assert report["clean"]
    assert report["equal_trips"] == trips
    assert report["lines"] >= trips
    assert report["settled"] == report["events"]


def assert_log_equals_tables(stack: Stack) -> None:
    """`replay --verify` finds no difference, and every delivery is accounted for."""
    verified = json.loads(stack.must("replay", "--verify", "--json", within_s=120))
    assert verified["differences"] == []
    assert verified["conservation_holds"]
