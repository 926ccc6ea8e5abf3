"""A storm from its seed to its findings: carts shop on a stage while a timeline of faults runs."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from shared.db.catalogue import list_sim_products
from tests.eventually import eventually
from tests.storms.brokers import BrokerKind
from tests.storms.conductor import TICK_S, Conductor
from tests.storms.crew import POISON_CODE, Crew
from tests.storms.disk import REFUSALS
from tests.storms.findings import find_broken_promises, stale_states
from tests.storms.recovery import CommitWatch
from tests.storms.report import CONVERGE_WITHIN_S, StormReport, keep_evidence
from tests.storms.stage import Stage, open_stage
from tests.storms.timeline import Due, Severity, plan_storm

ENOUGH_WITHIN_S = 120.0  # for the events that are still wanted when the last fault is over


def run_storm(
    seed: int,
    severity: Severity,
    evidence: Path,
    broker: BrokerKind = "embedded",
    *,
    plan: tuple[Due, ...] | None = None,
    sabotage: str = "",
    alone: bool = False,
) -> StormReport:
    """Play it; the report tells everything, and what was found leaves its evidence in that folder.

    Without a `plan` the seed makes one. `alone`: no other test runs beside it, so that times count.
    Raises AssertionError, with the report as a note, when the stage itself does not come up again.
    """
    report = StormReport(seed, broker, plan_storm(seed, severity) if plan is None else plan)
    with open_stage(
        broker,
        carts=severity.carts,
        workers=severity.workers,
        preparation=REFUSALS.format(poison=POISON_CODE),
        sabotage=sabotage,
    ) as stage:
        crew = _gather(seed, severity, stage)
        try:
            crew.start()
            with CommitWatch(stage.address.database_url) as commits:
                conductor = Conductor(stage, crew, report, commits)
                conductor.play()
                _finish_shopping(severity, stage, crew, report, conductor.watch_recovery)
            _settle(stage, crew, report)
            report.findings += report.slow_recoveries(alone)
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
        products = list_sim_products(connection)
    return Crew(seed, stage.credentials, products, stage.carts_url, stage.address.http_url, severity)


def _finish_shopping(
    severity: Severity, stage: Stage, crew: Crew, report: StormReport, watch: Callable[[], None]
) -> None:
    """Until enough was scanned and everybody is home; what does not get there is a finding."""

    def has_enough() -> bool:
        stage.tend()
        watch()
        return crew.recorded >= severity.events

    try:
        eventually(has_enough, within_s=ENOUGH_WITHIN_S)
    except AssertionError:
        report.findings.append(f"slow: only {crew.recorded} of {severity.events} events")
    crew.close_doors()
    began_s = time.monotonic()

    def is_drained() -> bool:
        stage.tend()
        watch()
        return crew.is_home and crew.unsettled == 0 and stage.is_ready()

    try:
        eventually(is_drained, within_s=severity.patience_s, every_s=0.1)
    except AssertionError:
        report.findings.append(f"not drained: home {crew.is_home}, unsettled {crew.unsettled}")
    report.drained_s = time.monotonic() - began_s


def _settle(stage: Stage, crew: Crew, report: StormReport) -> None:
    """States converge; then everything is compared."""
    began_s = time.monotonic()
    report.events = crew.recorded
    report.cart_restarts = crew.restarts
    report.trips = sum(len(hand.results) for hand in crew.hands)
    with psycopg.connect(stage.address.database_url, autocommit=True) as connection:
        crew.ask_for_states()
        while stale_states(crew, connection) and time.monotonic() - began_s < CONVERGE_WITHIN_S:
            time.sleep(TICK_S)
        report.converged_s = time.monotonic() - began_s
        report.findings += find_broken_promises(crew, stage, connection)
    report.findings += [f"unexpected: {one}" for one in stage.unexpected]
