"""A storm from its seed to its findings: carts shop on a stage while a timeline of faults runs."""

import time
from pathlib import Path
from typing import assert_never

import psycopg

from firmware_sim.cart import CartCredential
from shared.db.carts import add_carts
from shared.db.catalogue import list_sim_products
from tests.eventually import eventually
from tests.storms.crew import Crew
from tests.storms.findings import find_broken_promises, stale_states
from tests.storms.report import CONVERGE_WITHIN_S, DRAIN_WITHIN_S, StormReport, keep_evidence
from tests.storms.stage import Stage, open_stage
from tests.storms.timeline import (
    Break,
    Due,
    Freeze,
    Kill,
    PowerCut,
    Severity,
    Silence,
    UnknownCommit,
    plan_storm,
)

TICK_S = 0.02
ENOUGH_WITHIN_S = 60.0  # for the events that are still wanted when the last fault is over
TRAPPED_WITHIN_S = 20.0


def run_storm(seed: int, severity: Severity, evidence: Path, sabotage: str = "") -> StormReport:
    """Play it; the report tells everything, and what was found leaves its evidence in that folder.

    Raises AssertionError, with the report as a note, when the stage itself does not come up again.
    """
    report = StormReport(seed, plan_storm(seed, severity))
    with open_stage(sabotage) as stage:
        crew = _gather(seed, severity, stage)
        try:
            crew.start()
            _Conductor(stage, report).play()
            _finish_shopping(severity, stage, crew, report)
            _settle(stage, crew, report)
            if report.findings:
                keep_evidence(report, stage, evidence)
        except Exception as problem:
            problem.add_note(report.in_full())
            raise
        finally:
            crew.end()
    return report


def _gather(seed: int, severity: Severity, stage: Stage) -> Crew:
    with psycopg.connect(stage.address.database_url) as connection:
        added = add_carts(connection, "main", severity.carts)
        products = list_sim_products(connection)
    credentials = [CartCredential(one.cart_id, one.store, one.username, one.password) for one in added]
    return Crew(seed, credentials, products, stage.carts_url, stage.address.http_url)


class _Conductor:
    """Lets each fault of the plan happen at its moment, or as soon as its victim is there."""

    def __init__(self, stage: Stage, report: StormReport) -> None:
        self._stage = stage
        self._report = report
        self._began_s = time.monotonic()
        self._undo: list[tuple[float, Due]] = []
        self._frozen: dict[Due, int] = {}
        self._armed = sum(isinstance(due.fault, UnknownCommit) for due in report.plan)
        self._last_s = report.plan[-1].at_s if report.plan else 0.0

    def play(self) -> None:
        for due in self._report.plan:
            while self._now_s() < due.at_s:
                self._pass_time()
            self._do(due)
            self._report.done.append((round(self._now_s(), 2), due.fault))
        while self._undo or self._waits_for_commits():
            self._pass_time()
        for line in self._stage.lines.values():
            line.heal()
        self._report.unknown_commits = self._stage.lines["database"].sprung

    def _waits_for_commits(self) -> bool:
        """Whether some COMMIT is still to be hit; there is one a second at least, the housekeeper's."""
        return self._stage.lines["database"].sprung < self._armed and self._now_s() < self._last_s + TRAPPED_WITHIN_S

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _pass_time(self) -> None:
        self._stage.tend()
        now_s = self._now_s()
        for at_s, due in [one for one in self._undo if one[0] <= now_s]:
            self._undo.remove((at_s, due))
            if isinstance(due.fault, Freeze):
                self._stage.thaw(due.fault.part, self._frozen.pop(due))
            elif isinstance(due.fault, Silence):
                self._stage.lines[due.fault.line].silent = False
        time.sleep(TICK_S)

    def _do(self, due: Due) -> None:
        stage = self._stage
        match due.fault:
            case Kill(part=part, down_s=down_s):
                stage.kill(part, down_s)
            case PowerCut(down_s=down_s):
                stage.cut_power(down_s)
            case Freeze(part=part, for_s=for_s):
                self._frozen[due] = stage.freeze(part)
                self._undo.append((self._now_s() + for_s, due))
            case UnknownCommit(cut=cut):
                stage.lines["database"].trap(b"COMMIT", cut)
            case Break(line=line):
                stage.lines[line].reset()
            case Silence(line=line, for_s=for_s):
                stage.lines[line].silent = True
                self._undo.append((self._now_s() + for_s, due))
            case _ as never:
                assert_never(never)


def _finish_shopping(severity: Severity, stage: Stage, crew: Crew, report: StormReport) -> None:
    """Until enough was scanned and everybody is home; what does not get there is a finding."""
    began_s = time.monotonic()

    def has_enough() -> bool:
        stage.tend()
        return crew.recorded >= severity.events

    try:
        eventually(has_enough, within_s=ENOUGH_WITHIN_S)
    except AssertionError:
        report.findings.append(f"slow: only {crew.recorded} of {severity.events} events")
    crew.close_doors()

    def is_drained() -> bool:
        stage.tend()
        return crew.is_home and crew.unsettled == 0 and stage.is_ready()

    try:
        eventually(is_drained, within_s=DRAIN_WITHIN_S)
    except AssertionError:
        report.findings.append(f"not drained: home {crew.is_home}, unsettled {crew.unsettled}")
    report.drained_s = time.monotonic() - began_s


def _settle(stage: Stage, crew: Crew, report: StormReport) -> None:
    """States converge; then everything is compared."""
    began_s = time.monotonic()
    report.events = crew.recorded
    report.trips = sum(len(hand.results) for hand in crew.hands)
    with psycopg.connect(stage.address.database_url, autocommit=True) as connection:
        crew.ask_for_states()
        while stale_states(crew, connection) and time.monotonic() - began_s < CONVERGE_WITHIN_S:
            time.sleep(TICK_S)
        report.converged_s = time.monotonic() - began_s
        report.findings += find_broken_promises(crew, connection)
    report.findings += [f"unexpected: {one}" for one in stage.unexpected]
