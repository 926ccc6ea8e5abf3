"""From measurements to the rows of the one table, each with what issue 7 asks for and whether it holds. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.figures import PARTS, Latency, Run, by_rate, median_cpu, median_latency, median_per_s, median_ratio
from tests.bench.growth import Start

OURS = "cart-ingest over {}"
NAIVE = "naive worker, a transaction a message, over {}"
MEMORY = "apply_events from memory, no MQTT: the database's ceiling for this schema"
STATEMENTS = "the same statements replayed: PostgreSQL and the driver alone"
PGBENCH = "pgbench, the naive transaction {} at a time"
BROKER = "the broker alone ({}), a subscriber that counts and acknowledges"
LOAD = "the load generator alone, against a sink that acknowledges"

LEAST_PER_S = {"mosquitto": 10_000.0, "embedded": 3_000.0}
LEAST_TIMES_NAIVE = 15.0
LEAST_SHARE_OF_CEILING = 0.4
SUSTAINED_S = 60.0
MOST_MS = {200.0: (5.0, 25.0), 2_000.0: (None, 100.0)}  # p50 and p99 over Mosquitto
LEAST_SHARE_WHEN_OLD = 0.8
OLD_ROWS = 10_000_000
MOST_START_S = 5.0


@dataclass(frozen=True)
class Row:
    """One line of the table, in words. `cpu` is processor seconds for 1,000 events by part."""

    section: str
    what: str
    figure: str
    ratio: str = ""
    cpu: Mapping[str, float] = field(default_factory=dict)
    target: str = ""
    verdict: str = ""


@dataclass
class Findings:
    """Everything that one call has measured. `ours` names the broker that is compared; `absent` tells why a row has no
    figure, `failed` what went wrong with one of the sweep; the others keep theirs."""

    conditions: list[str]
    ours: str
    seconds: float
    rates: dict[str, list[Run]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    # Of each broker, every run at every rate.
    delays: dict[str, list[Latency]] = field(default_factory=dict)
    sweep: dict[str, Run] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    old_rows: int = 0
    empty: list[Run] = field(default_factory=list)
    old: list[Run] = field(default_factory=list)
    start: Start | None = None


def table_rows(found: Findings) -> list[Row]:
    """The whole table, in order."""
    return [*_rate_rows(found), *_delay_rows(found), *_sweep_rows(found), *_growth_rows(found)]


def verdict(holds: bool, but: str = "") -> str:
    """In words; `but` says what the target asks for and this run is not."""
    return ("met" if holds else "missed") + (f" ({but})" if but else "")


def _rate_rows(found: Findings) -> Iterator[Row]:
    ours = found.rates.get(OURS.format(found.ours), [])
    for what, runs in found.rates.items():
        ratio = f"{_times(median_ratio(ours, runs))}" if ours and runs is not ours else ""
        target, holds = _rate_target(found, what, runs, ours)
        yield Row("events/s", what, _rate(runs), ratio, median_cpu(runs), target, holds)
    for what, why in found.absent.items():
        yield Row("events/s", what, why)


def _rate_target(found: Findings, what: str, runs: Sequence[Run], ours: Sequence[Run]) -> tuple[str, str]:
    for broker, least in LEAST_PER_S.items():
        if what == OURS.format(broker):
            short = "" if found.seconds >= SUSTAINED_S or broker != "mosquitto" else f"{found.seconds:g} s, not 60"
            return f"≥ {least:,.0f}", verdict(median_per_s(runs) >= least, short)
    if what == NAIVE.format(found.ours) and ours:
        return f"ours ≥ {LEAST_TIMES_NAIVE:g} ×", verdict(median_ratio(ours, runs) >= LEAST_TIMES_NAIVE)
    if what == MEMORY and ours:
        holds = median_ratio(ours, runs) >= LEAST_SHARE_OF_CEILING
        return f"ours ≥ {LEAST_SHARE_OF_CEILING:.0%}", verdict(holds)
    return "", ""


def _delay_rows(found: Findings) -> Iterator[Row]:
    for broker, runs in found.delays.items():
        for same in by_rate(runs):
            one, spread = median_latency(same), _spread([run.p50_ms for run in same], ".1f")
            most = MOST_MS.get(one.per_s) if broker == "mosquitto" else None
            figure = f"p50 {one.p50_ms:.1f} ms{spread}, p99 {one.p99_ms:.1f} ms of {one.events:,}"
            what = f"scan to phone over {broker}, {one.per_s:,.0f} events/s"
            if most is None:
                yield Row("scan to phone", what, figure)
                continue
            p50_ms, p99_ms = most
            holds = one.p99_ms <= p99_ms and (p50_ms is None or one.p50_ms <= p50_ms)
            target = f"p99 ≤ {p99_ms:g} ms" if p50_ms is None else f"p50 ≤ {p50_ms:g} ms, p99 ≤ {p99_ms:g} ms"
            yield Row("scan to phone", what, figure, target=target, verdict=verdict(holds))


def _sweep_rows(found: Findings) -> Iterator[Row]:
    for what, run in found.sweep.items():
        yield Row("sweep", what, _rate([run]), cpu=median_cpu([run]))
    for what, problem in found.failed.items():
        yield Row("sweep", what, problem, verdict="failed")


def _growth_rows(found: Findings) -> Iterator[Row]:
    if found.old:
        share = median_ratio(found.old, found.empty)
        short = "" if found.old_rows >= OLD_ROWS else f"{found.old_rows:,} rows, not {OLD_ROWS:,}"
        yield Row("growth", "cart-ingest, empty log", _rate(found.empty), cpu=median_cpu(found.empty))
        yield Row(
            "growth",
            f"cart-ingest, {found.old_rows:,} rows in the log",
            _rate(found.old),
            f"{share:.0%} of empty",
            median_cpu(found.old),
            f"≥ {LEAST_SHARE_WHEN_OLD:.0%} of empty",
            verdict(share >= LEAST_SHARE_WHEN_OLD, short),
        )
        yield Row("growth", "memory of the worker after the old log", f"{found.old[-1].resident_mb:,.0f} MB")
    if found.start is not None:
        start = found.start
        yield Row(
            "growth",
            f"start with {start.carts:,} open carts",
            f"ready after {start.ready_s:.1f} s, all states out after {start.all_published_s:.1f} s",
            target=f"ready < {MOST_START_S:g} s",
            verdict=verdict(start.ready_s < MOST_START_S),
        )
        yield Row("growth", "memory of the worker after that start", f"{start.resident_mb:,.0f} MB")


def _rate(runs: Sequence[Run]) -> str:
    spread = _spread([run.per_s for run in runs], ",.0f")
    repeated = sum(run.repeated for run in runs)
    return f"{median_per_s(runs):,.0f}/s{spread}" + (f", {repeated:,} sent again" if repeated else "")


def _spread(values: Sequence[float], form: str) -> str:
    """From the least to the greatest of several rounds."""
    return f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""


def _times(ratio: float) -> str:
    """Ours in proportion to the row's: a share below one, a multiple above."""
    if ratio >= 1:
        return f"ours {ratio:.1f} ×"
    return f"ours {ratio:.0%}" if ratio >= 0.01 else f"ours {ratio:.1%}"


def cpu_columns() -> tuple[str, ...]:
    """The parts whose processor time the table shows, in order."""
    return PARTS
