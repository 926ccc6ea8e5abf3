"""`smartcart bench`: the options of the measurements, which are part of a checkout, `tests/bench`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.operations.terminal import fail

ROOT = Path(__file__).parents[2]
PROGRAM = "tests.bench.ingest"


def bench(
    seconds: Annotated[
        float, typer.Option(min=0.5, help="How long ours runs in a round; the targets mean a minute.")
    ] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds; medians are shown.")] = 3,
    carts: Annotated[int, typer.Option(min=8, max=9_000, help="Carts that publish.")] = 1_000,
    warm_up_s: Annotated[float, typer.Option("--warm-up", min=0, help="Seconds before each measurement.")] = 2.0,
    delay_s: Annotated[
        float, typer.Option("--delay-seconds", min=0.5, help="How long scan to phone is measured at each rate.")
    ] = 6.0,
    rate: Annotated[
        list[float] | None, typer.Option(min=1, help="Events/s of scan to phone; again for more. [10, 200, 2000]")
    ] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="Also other numbers of carts, and sizes of batches.")] = False,
    growth: Annotated[
        int, typer.Option(min=0, max=100_000_000, help="Also beside a log of this many rows; 0: not.")
    ] = 0,
    open_carts: Annotated[int, typer.Option(min=1, help="Open carts of the start that --growth measures.")] = 10_000,
    gateway: Annotated[bool, typer.Option("--gateway", help="Also the REST calls, in a table of their own.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Write the figures to this file as an SVG picture.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown, to paste.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every run as JSON.")] = False,
    disk: Annotated[Path | None, typer.Option(help="A folder on the disk that is to be measured.")] = None,
) -> None:
    """Measure ingest beside a naive worker and the ceilings of database, brokers and load, in one table.

    Starts its own PostgreSQL and brokers on free ports and removes them again. docs/performance.md explains each row.
    """
    if not (ROOT / "tests" / "bench").is_dir():
        fail("the measurements are part of a checkout of the source, and this is an installation without them")
    options = {
        "seconds": seconds,
        "rounds": rounds,
        "carts": carts,
        "warm_up_s": warm_up_s,
        "delay_s": delay_s,
        "rates": rate or [10.0, 200.0, 2_000.0],
        "sweep": sweep,
        "growth": growth,
        "open_carts": open_carts,
        "gateway": gateway,
        "chart": str(chart.resolve()) if chart else None,
        "output": "json" if as_json else "markdown" if markdown else "table",
        "disk": str(disk.resolve()) if disk else None,
    }
    os.chdir(ROOT)
    sys.stdout.flush()
    # Not a child: Ctrl-C must reach the program that has parts to end, and nobody may kill it while it ends them.
    os.execv(sys.executable, [sys.executable, "-m", PROGRAM, json.dumps(options)])
