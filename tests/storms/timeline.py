"""What happens to whom and when in a storm: a plan that the seed alone decides. Nothing is done here."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.fault_proxy import Cut

PartName = Literal["postgres", "broker", "ingest", "gateway"]
LineName = Literal["database", "ingest to broker", "carts to broker"]

BEGIN_S = 2.0  # the carts shop a little before the first fault
DOWN_S = (0.0, 1.0)  # how long a killed part stays down before it is started again
FROZEN_S = (1.0, 4.0)
SILENT_S = (0.5, 3.0)


@dataclass(frozen=True)
class Kill:
    """SIGKILL; for PostgreSQL its main process only: the others see it and end."""

    part: PartName
    down_s: float


@dataclass(frozen=True)
class PowerCut:
    """SIGKILL to every process of every part at the same moment."""

    down_s: float


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP, and SIGCONT after a while."""

    part: PartName
    for_s: float


@dataclass(frozen=True)
class UnknownCommit:
    """The next COMMIT that passes breaks its connection, before the server sees it or before the answer is heard."""

    cut: Cut


@dataclass(frozen=True)
class Break:
    """Every connection of this line is reset."""

    line: LineName


@dataclass(frozen=True)
class Silence:
    """Nothing passes on this line for a while, and nobody is told."""

    line: LineName
    for_s: float


Fault = Kill | PowerCut | Freeze | UnknownCommit | Break | Silence


@dataclass(frozen=True)
class Due:
    """A fault and its moment, seconds after the storm began."""

    at_s: float
    fault: Fault


@dataclass(frozen=True)
class Severity:
    """How much of what a storm has, and how long it lasts."""

    events: int
    over_s: float
    carts: int = 20
    worker_kills: int = 0
    broker_kills: int = 0
    postgres_kills: int = 0
    gateway_kills: int = 0
    power_cuts: int = 0
    freezes: int = 0
    unknown_commits: int = 0
    breaks: int = 0
    silences: int = 0


def plan_storm(seed: int, severity: Severity) -> tuple[Due, ...]:
    """The faults of a storm in their order; the same seed and severity give the same plan."""
    random = Random(f"{seed}/storm")
    faults = list(_faults(random, severity))
    random.shuffle(faults)
    moments = sorted(random.uniform(BEGIN_S, severity.over_s) for _ in faults)
    return tuple(Due(round(at_s, 2), fault) for at_s, fault in zip(moments, faults, strict=True))


def _faults(random: Random, severity: Severity) -> Iterable[Fault]:
    kills: dict[PartName, int] = {
        "ingest": severity.worker_kills,
        "broker": severity.broker_kills,
        "postgres": severity.postgres_kills,
        "gateway": severity.gateway_kills,
    }
    for part, times in kills.items():
        for _ in range(times):
            yield Kill(part, _within(random, DOWN_S))
    for _ in range(severity.power_cuts):
        yield PowerCut(_within(random, DOWN_S))
    freezable: list[PartName] = ["broker", "ingest", "gateway"]
    for _ in range(severity.freezes):
        yield Freeze(random.choice(freezable), _within(random, FROZEN_S))
    for number in range(severity.unknown_commits):
        yield UnknownCommit(Cut.BEFORE if number % 2 else Cut.AFTER_THE_ANSWER)
    lines: list[LineName] = ["database", "ingest to broker", "carts to broker"]
    for _ in range(severity.breaks):
        yield Break(random.choice(lines))
    for _ in range(severity.silences):
        yield Silence(random.choice(lines), _within(random, SILENT_S))


def _within(random: Random, bounds: tuple[float, float]) -> float:
    return round(random.uniform(*bounds), 2)
