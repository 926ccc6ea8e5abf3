"""How fast: cart-ingest beside a naive worker and beside what database, brokers and load generator could do at most, in
one run and one table.

Starts its own PostgreSQL, Mosquitto (where installed) and embedded broker, and removes them again. docs/performance.md
says what each row means. `smartcart bench` starts it with its options as JSON.
"""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, NoReturn, assert_never

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tests.bench import report
from tests.bench.ceilings import HOW_TO_GET_PGBENCH, find_pgbench, measure_from_memory, measure_pgbench
from tests.bench.chart import chart
from tests.bench.delay import measure_delay
from tests.bench.figures import Run
from tests.bench.growth import compare_old_and_empty, measure_start
from tests.bench.rig import IN_MEMORY, Rig, filesystem_of, mosquitto_is_installed, open_rig
from tests.bench.table import as_json, markdown, show
from tests.bench.throughput import Plan, measure_broker, measure_load, measure_worker

YARDSTICK_S = 3.0  # the rows beside ours need no minute: they have nothing that fills up
SWEEP_CARTS = (10, 1_000, 10_000)
SWEEP_BATCHES = (50, 200, 1_000, 5_000)
SWEEP_S = 4.0


@dataclass(frozen=True)
class Options:
    """What to measure; services/operations/bench.py says what each means."""

    seconds: float
    rounds: int
    carts: int
    warm_up_s: float
    delay_s: float
    rates: tuple[float, ...]
    sweep: bool
    growth: int
    open_carts: int
    gateway: bool
    chart: str | None
    output: Literal["table", "markdown", "json"]
    disk: str | None


Measure = Callable[[Rig, Plan], dict[str, Run]]


def main() -> None:
    """Measure and print."""
    options = Options(**json.loads(sys.argv[1]))
    _end_cleanly_when_told_to()
    console = Console(stderr=True)
    ours = "mosquitto" if mosquitto_is_installed() else "embedded"
    try:
        with open_rig(Path(options.disk) if options.disk else None) as rig, _progress(console) as progress:
            found = report.Findings(_conditions(rig, options), ours, options.seconds)
            _measure_all(rig, found, options, progress)
    except KeyboardInterrupt:
        console.print("stopped; everything that was started is gone")
        sys.exit(130)
    rows = report.table_rows(found)
    if options.chart is not None:
        Path(options.chart).write_text(chart(found), encoding="utf-8")
    match options.output:
        case "json":
            print(as_json(found))
        case "markdown":
            print(markdown(found, rows))
        case "table":
            show(found, rows, Console())
        case _ as never:
            assert_never(never)
    if options.gateway:
        subprocess.run([sys.executable, "-m", "tests.bench.gateway"], check=True)
    if found.failed:
        sys.exit(1)


def _measure_all(rig: Rig, found: report.Findings, options: Options, progress: Progress) -> None:
    brokers = ["mosquitto", "embedded"] if found.ours == "mosquitto" else ["embedded"]
    if found.ours != "mosquitto":
        found.absent[report.OURS.format("mosquitto")] = "not installed (Debian: apt-get install mosquitto)"
    measures = _measures(rig, brokers, found)
    sweeps = [("carts", one) for one in SWEEP_CARTS] + [("BATCH_MAX", one) for one in SWEEP_BATCHES]
    steps = options.rounds * (len(measures) + len(brokers) * len(options.rates))
    bar = progress.add_task("preparing", total=steps + len(sweeps) * options.sweep + 2 * bool(options.growth))
    for number in range(options.rounds):
        # Each round begins with another row, so that what the machine does every few minutes hits none of them always.
        names = list(measures)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            _say(progress, bar, f"round {number + 1} of {options.rounds}: {name}")
            seconds = options.seconds if name.startswith("ours") else min(options.seconds, YARDSTICK_S)
            for what, run in measures[name](rig, Plan(options.carts, seconds, options.warm_up_s)).items():
                found.rates.setdefault(what, []).append(run)
            progress.advance(bar)
    found.rates = {what: found.rates[what] for what in sorted(found.rates, key=_order)}
    for number, broker, per_s in product(range(options.rounds), brokers, options.rates):
        _say(progress, bar, f"round {number + 1} of {options.rounds}: scan to phone over {broker}, {per_s:g} events/s")
        found.delays.setdefault(broker, []).append(measure_delay(rig, broker, per_s, options.delay_s))
        progress.advance(bar)
    for kind, value in sweeps if options.sweep else ():
        what = f"{value:,} carts" if kind == "carts" else f"{options.carts:,} carts, batches of at most {value:,}"
        _say(progress, bar, what)
        plan = Plan(value if kind == "carts" else options.carts, min(options.seconds, SWEEP_S), options.warm_up_s)
        settings = {} if kind == "carts" else {kind: str(value)}
        try:
            found.sweep[what] = measure_worker(rig, found.ours, "ours", plan, **settings)
        except RuntimeError as problem:
            found.failed[what] = str(problem).strip().rpartition("\n")[2]
        progress.advance(bar)
    if options.growth:
        _measure_growth(rig, found, options, progress)


def _measure_growth(rig: Rig, found: report.Findings, options: Options, progress: Progress) -> None:
    rows = progress.add_task(f"a log of {options.growth:,} rows", total=1.0)
    plan = Plan(options.carts, options.seconds, options.warm_up_s)
    found.empty, found.old = compare_old_and_empty(
        rig, found.ours, plan, options.growth, options.rounds, lambda share: progress.update(rows, completed=share)
    )
    found.old_rows = options.growth
    _say(progress, rows, "start with many open carts")
    found.start = measure_start(rig, found.ours, options.open_carts)


def _measures(rig: Rig, brokers: list[str], found: report.Findings) -> dict[str, Measure]:
    """What a round consists of, by the name that the progress bar shows."""
    first = brokers[0]
    measures: dict[str, Measure] = {}
    for broker in brokers:
        measures[f"ours over {broker}"] = lambda rig, plan, broker=broker: {  # type: ignore[misc]
            report.OURS.format(broker): measure_worker(rig, broker, "ours", plan)
        }
    measures["naive worker"] = lambda rig, plan: {report.NAIVE.format(first): measure_worker(rig, first, "naive", plan)}
    measures["from memory"] = lambda rig, plan: dict(
        zip((report.MEMORY, report.STATEMENTS), measure_from_memory(rig, plan), strict=True)
    )
    program = find_pgbench(rig)
    if program is None:
        found.absent[report.PGBENCH.format(1)] = HOW_TO_GET_PGBENCH
    else:
        for clients in (1, 8):
            measures[f"pgbench {clients}"] = lambda rig, plan, clients=clients: {  # type: ignore[misc]
                report.PGBENCH.format(clients): measure_pgbench(rig, program, plan, clients)
            }
    for broker in brokers:
        measures[f"{broker} alone"] = lambda rig, plan, broker=broker: {  # type: ignore[misc]
            report.BROKER.format(broker): measure_broker(rig, broker, plan)
        }
    measures["load alone"] = lambda rig, plan: {report.LOAD: measure_load(rig, plan)}
    return measures


def _order(what: str) -> int:
    """Ours, naive, ceilings, pgbench, brokers, load: however the rounds were turned."""
    beginnings = ("cart-ingest over mosq", "cart-ingest", "naive", "apply_events", "the same", "pgbench", "the broker")
    return next((at for at, beginning in enumerate(beginnings) if what.startswith(beginning)), len(beginnings))


def _conditions(rig: Rig, options: Options) -> list[str]:
    """What a reader must know to compare."""
    kind = filesystem_of(rig.folder)
    disk = f"data on {kind}" + (
        ": IN MEMORY, so commits cost nothing and no figure counts" if kind in IN_MEMORY else ""
    )
    return [
        f"{os.cpu_count()} cores ({platform.machine()}), load average {os.getloadavg()[0]:.1f} at the beginning, Python"
        f" {platform.python_version()}; PostgreSQL 18 with fsync and synchronous_commit on, {disk}.",
        f"{options.carts:,} carts with 10 products each, {options.rounds} rounds; ours for {options.seconds:g} s a"
        f" round, the others for at most {YARDSTICK_S:g} s.",
        f"Scan to phone: {options.delay_s:g} s a round at each rate, 200 carts and phones, due times drawn beforehand.",
    ]


def _say(progress: Progress, bar: TaskID, doing: str) -> None:
    """Beside the bar; where nobody sees a bar, a line."""
    progress.update(bar, description=doing)
    if progress.disable:
        print(doing, file=sys.stderr, flush=True)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _end_cleanly_when_told_to() -> None:
    """SIGTERM and a closed terminal unwind like Ctrl-C, so that nothing stays behind."""

    def stop(number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


if __name__ == "__main__":
    main()
