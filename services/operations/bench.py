"""`smartcart bench`: runs the measurements of a checkout, `tests/bench`."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.operations.terminal import fail

ROOT = Path(__file__).parents[2]


def bench(
    events: Annotated[int, typer.Option(min=1_000, help="Events for our worker; the naive one gets a tenth.")] = 20_000,
    carts: Annotated[int, typer.Option(min=1, max=2_000, help="Carts that publish them.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Rounds; the median counts.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Measure ingest against a naive worker, side by side, over Mosquitto when installed and the embedded broker.

    Starts its own PostgreSQL and brokers on free ports and removes them again.
    """
    if not (ROOT / "tests" / "bench").is_dir():
        fail("the measurements are part of a checkout of the source, and this is an installation without them")
    command = [sys.executable, "-m", "tests.bench.ingest", "--events", str(events), "--carts", str(carts)]
    command += ["--rounds", str(rounds), *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
