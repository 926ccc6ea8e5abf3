"""What happens to whom and when in a storm: a plan that the seed alone decides. Nothing is done here."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.fault_proxy import Cut

PartName = Literal["postgres", "broker", "ingest", "ingest-1", "ingest-2", "ingest-3", "gateway"]
LineName = Literal["database", "ingest to broker", "carts to broker"]

BEGIN_S = 2.0  # the carts shop a little before the first fault
DOWN_S = (0.0, 1.0)  # how long a killed part stays down before it is started again
FROZEN_S = (1.0, 4.0)
SILENT_S = (0.5, 3.0)
LATENCY_S = (0.01, 0.05)
SLOW_FOR_S = (1.0, 4.0)
SLICE_BYTES = 64  # while a line is slow
HELD_FOR_S = 4.0  # longer than a killed broker and the worker's way back to it take


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
    """SIGSTOP, and SIGCONT after a while; for PostgreSQL to all its processes."""

    part: PartName
    for_s: float


@dataclass(frozen=True)
class UnknownCommit:
    """The next COMMIT that passes breaks its connection, before the server sees it or before the answer is heard."""

    cut: Cut


@dataclass(frozen=True)
class CrashAtCommit:
    """The power fails at the moment when the worker says COMMIT, and the server never sees that."""

    down_s: float


@dataclass(frozen=True)
class Poison:
    """One cart scans what PostgreSQL refuses to store."""


@dataclass(frozen=True)
class Break:
    """Every connection of this line is reset."""

    line: LineName


@dataclass(frozen=True)
class Silence:
    """Nothing passes on this line for a while, and nobody is told."""

    line: LineName
    for_s: float


@dataclass(frozen=True)
class Slow:
    """What passes on this line comes in small pieces, each late by so much, for a while."""

    line: LineName
    latency_s: float
    for_s: float


@dataclass(frozen=True)
class FullDisk:
    """PostgreSQL has no room for events for a while (SQLSTATE 53100)."""

    for_s: float


Fault = Kill | PowerCut | Freeze | UnknownCommit | CrashAtCommit | Poison | Break | Silence | Slow | FullDisk


@dataclass(frozen=True)
class Due:
    """A fault and its moment, seconds after the storm began."""

    at_s: float
    fault: Fault


@dataclass(frozen=True)
class Severity:
    """How much of what a storm has, and how long it lasts.

    Carts that trust the broker forget an event as soon as it is confirmed, which is what firmware must not do: with
    them a storm shows what the worker alone promises. `patience_s`: how long shoppers wait for anything, and the store
    for everything to be settled at the end. `cart_restarts`: the share of a shopper's steps after which the cart loses
    its power, and with it all that is not in its flash.
    """

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
    crashes_at_commit: int = 0
    poisons: int = 0
    slows: int = 0
    full_disks: int = 0
    workers: int = 1
    carts_trust_the_broker: bool = False
    cart_restarts: float = 0.005
    patience_s: float = 60.0


def plan_storm(seed: int, severity: Severity) -> tuple[Due, ...]:
    """The faults of a storm in their order; the same seed and severity give the same plan."""
    random = Random(f"{seed}/storm")
    faults = list(_faults(random, severity))
    random.shuffle(faults)
    moments = sorted(random.uniform(BEGIN_S, severity.over_s) for _ in faults)
    return tuple(Due(round(at_s, 2), fault) for at_s, fault in zip(moments, faults, strict=True))


def plan_busy_hands(seed: int, *, kills: int = 3) -> tuple[Due, ...]:
    """PostgreSQL falls silent, so that the worker has its hands full of what is not committed; then its connection to
    the broker breaks, which it survives, and later it is killed in the same way."""
    random = Random(f"{seed}/busy hands")
    plan: list[Due] = [Due(BEGIN_S, Silence("database", HELD_FOR_S)), Due(BEGIN_S + 1.0, Break("ingest to broker"))]
    for turn in range(kills):
        at_s = BEGIN_S + HELD_FOR_S + 2.0 + turn * 3.5 + random.uniform(0.0, 0.5)
        plan += [Due(round(at_s, 2), Silence("database", 1.5)), Due(round(at_s + 1.2, 2), Kill("ingest", 0.0))]
    return tuple(plan)


def plan_equal_batches(*, turns: int) -> tuple[Due, ...]:
    """The line to the broker falls silent for a while: then all workers take the same many carts at the same moment,
    and a slow database makes them hold on to them."""
    plan: list[Due] = [Due(BEGIN_S, Slow("database", 0.03, turns * 3.0))]
    return (*plan, *(Due(BEGIN_S + 3.0 * turn, Silence("ingest to broker", 1.5)) for turn in range(turns)))


def plan_crashes_at_commit(*, turns: int) -> tuple[Due, ...]:
    """Far enough apart that carts scan again: the first that a new worker commits is who is online."""
    return tuple(Due(BEGIN_S + 1.0 + 5.0 * turn, CrashAtCommit(0.2)) for turn in range(turns))


def plan_forgetful_broker(seed: int, *, turns: int = 1) -> tuple[Due, ...]:
    """PostgreSQL falls silent, so that the worker holds what the carts go on to say; then the broker dies and comes
    back without its memory, while no cart can speak before the worker listens again. What the worker holds is the only
    copy."""
    random = Random(f"{seed}/forgetful broker")
    plan: list[Due] = []
    for turn in range(turns):
        at_s = BEGIN_S + turn * (HELD_FOR_S + 5.0) + random.uniform(0.0, 1.0)
        plan += [
            Due(round(at_s, 2), Silence("database", HELD_FOR_S)),
            Due(round(at_s + 1.2, 2), Silence("carts to broker", HELD_FOR_S + 1.0)),
            Due(round(at_s + 1.7, 2), Kill("broker", 0.0)),
        ]
    return tuple(plan)


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
    freezable: list[PartName] = ["postgres", "broker", "ingest", "gateway"]
    for _ in range(severity.freezes):
        yield Freeze(random.choice(freezable), _within(random, FROZEN_S))
    for number in range(severity.unknown_commits):
        yield UnknownCommit(Cut.BEFORE if number % 2 else Cut.AFTER_THE_ANSWER)
    lines: list[LineName] = ["database", "ingest to broker", "carts to broker"]
    for _ in range(severity.breaks):
        yield Break(random.choice(lines))
    for _ in range(severity.silences):
        yield Silence(random.choice(lines), _within(random, SILENT_S))
    for _ in range(severity.crashes_at_commit):
        yield CrashAtCommit(_within(random, DOWN_S))
    for _ in range(severity.poisons):
        yield Poison()
    for _ in range(severity.slows):
        yield Slow(random.choice(lines), _within(random, LATENCY_S), _within(random, SLOW_FOR_S))
    for _ in range(severity.full_disks):
        yield FullDisk(_within(random, FROZEN_S))


def _within(random: Random, bounds: tuple[float, float]) -> float:
    return round(random.uniform(*bounds), 2)
