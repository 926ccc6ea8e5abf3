"""Lets each fault of a plan happen at its moment, or as soon as its victim is there, and ends those that last."""

import contextlib
import time
from collections.abc import Callable
from typing import assert_never

from tests.eventually import eventually
from tests.fault_proxy import Cut
from tests.storms.crew import Crew
from tests.storms.disk import Disk
from tests.storms.recovery import CommitWatch, Recovery
from tests.storms.report import StormReport
from tests.storms.stage import Stage
from tests.storms.timeline import (
    Break,
    CrashAtCommit,
    Fault,
    Freeze,
    FullDisk,
    Kill,
    Poison,
    PowerCut,
    Silence,
    Slow,
    UnknownCommit,
)

TICK_S = 0.02
TRAPPED_WITHIN_S = 20.0
CRASHED_WITHIN_S = 8.0
AT_COMMIT_S = 0.2  # the server does not see the COMMIT yet; what was said too early gets around
OF_THE_WORKER = b"ingest-0 worker"  # its application_name, which a connection to PostgreSQL begins with


class Conductor:
    """One storm's faults, from the main thread."""

    def __init__(self, stage: Stage, crew: Crew, report: StormReport, commits: CommitWatch) -> None:
        self._stage = stage
        self._crew = crew
        self._report = report
        self._commits = commits
        self._recovery = Recovery()
        self._began_s = time.monotonic()
        self._undo: list[tuple[float, Callable[[], None]]] = []
        self._database = stage.lines["database"]
        self._disk = Disk(stage.address.database_url)
        self._armed = 0

    def play(self) -> None:
        """The whole plan; comes back when every fault is over."""
        for due in self._report.plan:
            while self._now_s() < due.at_s:
                self._pass_time()
            self._do(due.fault)
            self._report.done.append((round(self._now_s(), 2), due.fault))
        last_s = self._now_s()
        while (
            self._undo
            or self._disk.is_busy
            or (self._database.sprung < self._armed and self._now_s() < last_s + TRAPPED_WITHIN_S)
        ):
            self._pass_time()
        self._disk.close()
        for line in self._stage.lines.values():
            line.silent = False
            line.slow_down(0)
            line.heal()
        self._report.unknown_commits = self._database.sprung
        self._report.recoveries_s = self._recovery.took_s

    def watch_recovery(self) -> None:
        """Go on measuring what the last fault took; call it often."""
        self._recovery.look(self._stage.started_s, self._commits.last_s)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _pass_time(self) -> None:
        self._stage.tend()
        self.watch_recovery()
        now_s = self._now_s()
        for at_s, undo in [one for one in self._undo if one[0] <= now_s]:
            self._undo.remove((at_s, undo))
            undo()
        time.sleep(TICK_S)

    def _later(self, for_s: float, undo: Callable[[], None]) -> None:
        self._undo.append((self._now_s() + for_s, undo))

    def _do(self, fault: Fault) -> None:
        stage = self._stage
        match fault:
            case Kill(part=part, down_s=down_s):
                stage.kill(part, down_s)
                self._fell(part, part)
            case PowerCut(down_s=down_s):
                self._cut_power(down_s)
            case CrashAtCommit(down_s=down_s):
                self._crash_at_commit(down_s)
            case Freeze(part=part, for_s=for_s):
                self._recovery.disturb()
                frozen = stage.freeze(part)
                self._later(for_s, lambda: stage.thaw(frozen))
            case UnknownCommit(cut=cut):
                self._database.trap(b"COMMIT", cut)
                self._armed += 1
            case Poison():
                self._crew.scan_poison()
            case Break(line=name):
                self._recovery.disturb()
                stage.lines[name].reset()
            case Silence(line=name, for_s=for_s):
                self._recovery.disturb()
                line = stage.lines[name]
                line.silent = True
                self._later(for_s, lambda: setattr(line, "silent", False))
            case Slow(line=name, latency_s=latency_s, for_s=for_s):
                self._recovery.disturb()
                line = stage.lines[name]
                line.slow_down(latency_s)
                self._later(for_s, lambda: line.slow_down(0))
            case FullDisk(for_s=for_s):
                self._recovery.disturb()
                self._disk.fill()
                self._later(for_s, self._disk.clear)
            case _ as never:
                assert_never(never)

    def _cut_power(self, down_s: float) -> None:
        self._stage.cut_power(down_s)
        self._fell("power", "gateway")

    def _fell(self, what: str, part: str) -> None:
        """Measure from now on, unless something else is wrong already."""
        if self._undo or self._disk.is_busy:
            self._recovery.disturb()
        else:
            self._recovery.fell(what, part)

    def _crash_at_commit(self, down_s: float) -> None:
        """When no COMMIT comes in time the power fails without."""
        sprung = self._database.sprung
        self._database.trap(b"COMMIT", Cut.BEFORE, of=OF_THE_WORKER, hold_s=2 * AT_COMMIT_S)
        self._armed += 1

        def has_sprung() -> bool:
            self._stage.tend()
            return self._database.sprung > sprung

        with contextlib.suppress(AssertionError):
            eventually(has_sprung, within_s=CRASHED_WITHIN_S, every_s=0.005)
        dies_s = self._now_s() + AT_COMMIT_S
        while self._now_s() < dies_s:
            self._pass_time()
        self._cut_power(down_s)
