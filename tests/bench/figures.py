"""The arithmetic of the table: percentiles, medians, ratios within a round. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PARTS = ("worker", "PostgreSQL", "broker", "load")


@dataclass(frozen=True)
class Run:
    """One measurement: `events` in `seconds`, and what each part used of the processors meanwhile."""

    events: int
    seconds: float
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    repeated: int = 0
    resident_mb: float = 0.0

    @property
    def per_s(self) -> float:
        return self.events / self.seconds

    def cpu_s_per_thousand(self, part: str) -> float | None:
        """Processor seconds of a part for 1,000 events; None when it took no part."""
        if part not in self.cpu_s or not self.events:
            return None
        return 1000 * self.cpu_s[part] / self.events


@dataclass(frozen=True)
class Latency:
    """Times in milliseconds from the moment an event was due to the state that acknowledges it, at the phone."""

    per_s: float
    events: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    load_late_p99_ms: float


def by_rate(runs: Sequence[Latency]) -> list[list[Latency]]:
    """The runs of each rate, in the order of their first."""
    found: dict[float, list[Latency]] = {}
    for run in runs:
        found.setdefault(run.per_s, []).append(run)
    return list(found.values())


def median_latency(runs: Sequence[Latency]) -> Latency:
    """Of runs at one rate: of each time the median, the worst of all, all events. Raises IndexError for none."""
    return Latency(
        runs[0].per_s,
        sum(run.events for run in runs),
        p50_ms=statistics.median(run.p50_ms for run in runs),
        p99_ms=statistics.median(run.p99_ms for run in runs),
        worst_ms=max(run.worst_ms for run in runs),
        load_late_p99_ms=statistics.median(run.load_late_p99_ms for run in runs),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank). Raises ValueError for none."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile needs values and a share above 0, at most 1")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def median_per_s(runs: Sequence[Run]) -> float:
    """The median rate."""
    return statistics.median(run.per_s for run in runs)


def median_cpu(runs: Sequence[Run]) -> dict[str, float]:
    """For each part that took part: median processor seconds for 1,000 events."""
    found: dict[str, float] = {}
    for part in PARTS:
        values = [value for run in runs if (value := run.cpu_s_per_thousand(part)) is not None]
        if values:
            found[part] = statistics.median(values)
    return found


def median_ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float:
    """The median of the ratios of one round each, since a noisy machine slows both sides of a round alike.

    Raises ValueError when the rounds differ in number.
    """
    return statistics.median(one.per_s / other.per_s for one, other in zip(ours, theirs, strict=True))
