"""What a storm did and what it found: a table of promises, and on a finding everything that it takes to look again."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import psycopg

from tests.storms.brokers import BrokerKind
from tests.storms.promises import Row
from tests.storms.recovery import NOISE, WITHIN_S, percentile_95
from tests.storms.stage import Stage
from tests.storms.timeline import Due, Fault, Kill

CONVERGE_WITHIN_S = 2.0  # docs/reliability.md R8
FINDINGS_SHOWN = 40
KEPT_TABLES = ("cart", "cart_session", "cart_line", "cart_event", "dead_letter", "delivery_count", "purchase_order")


@dataclass
class StormReport:
    """One storm. A finding is a broken promise in one line, its kind before the colon."""

    seed: int
    broker: BrokerKind
    plan: tuple[Due, ...]
    done: list[tuple[float, Fault]] = field(default_factory=list)
    events: int = 0
    trips: int = 0
    cart_restarts: int = 0
    unknown_commits: int = 0
    drained_s: float = 0.0
    converged_s: float = 0.0
    recoveries_s: Mapping[str, list[float]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def recovery_rows(self) -> list[Row]:
        """How soon work went on after what was killed came back; one row for each kind."""
        rows = []
        for what, took_s in sorted(self.recoveries_s.items()):
            late = " (a busy machine?)" if percentile_95(took_s) > WITHIN_S[what] else ""
            times = f"median {median(took_s):.1f} s, p95 {percentile_95(took_s):.1f} s of {len(took_s)}"
            rows.append(Row("R10", f"{what}: {times}{late}"))
        return rows

    def slow_recoveries(self, alone: bool) -> list[str]:
        """Findings about recoveries that took longer than promised; `alone`: no other test ran beside it.

        A storm leaves a handful of recoveries of each kind undisturbed, whose 95th percentile is the slowest: what held
        up one of them is forgiven up to twice the target, what held up half of them is not.
        """
        return [
            f"slow: {what} took {median(took_s):.1f} s (median), {percentile_95(took_s):.1f} s (p95)"
            for what, took_s in self.recoveries_s.items()
            if percentile_95(took_s) > NOISE * WITHIN_S[what] or (alone and median(took_s) > WITHIN_S[what])
        ]

    @property
    def poisons(self) -> int:
        return self.faults()["Poison"]

    def kinds(self) -> Counter[str]:
        """How many findings there are of each kind."""
        return Counter(finding.partition(":")[0] for finding in self.findings)

    def faults(self) -> Counter[str]:
        """How often each fault happened; kills by the part that was killed."""
        return Counter(f"Kill {one.part}" if isinstance(one, Kill) else type(one).__name__ for _, one in self.done)

    def rows(self) -> list[Row]:
        """Each promise that a storm can judge, as it was kept in this one."""
        kinds, faults = self.kinds(), self.faults()
        lost, doubled = kinds["lost"] + kinds["unsettled"], kinds["phantom"] + kinds["altered"] + kinds["conservation"]
        kept = f"{lost} lost, {doubled} doubled"
        crashes = faults["PowerCut"] + faults["CrashAtCommit"]
        carts = kinds["different"] + kinds["replay"] + kinds["orders"] + kinds["refused"] + kinds["late"]
        rows = [
            Row("R1", f"{kept}: {self.events} events, {faults['Kill ingest']} worker kills"),
            Row("R2", f"{kept}: {faults['Kill postgres']} PostgreSQL kills"),
            Row("R3", f"{kept}: {faults['Kill broker']} broker kills"),
            Row("R4", f"{kept}: {crashes} power cuts, {faults['CrashAtCommit']} of them at a COMMIT"),
            Row("R5", f"{kept}: {self.unknown_commits} unknown commits"),
            Row("R6", f"{carts} of {self.trips} trips differ from what the shopper did"),
            Row("R7", f"{self.poisons} poisonous events kept to the byte, {kinds['dead letters']} other dead letters"),
            Row("R8", f"{kinds['stale']} stale after {self.converged_s:.2f} s, {kinds['backwards']} backwards"),
        ]
        if faults["FullDisk"]:
            restarts = kinds["unexpected"]
            rows.append(Row("R13", f"{kept}: disk full {faults['FullDisk']} times, {restarts} restarts"))
        rows += self.recovery_rows()
        rows.append(Row("R10", f"everything settled {self.drained_s:.1f} s after closing time"))
        return rows

    def table(self) -> str:
        """What happened, and the rows."""
        return "\n".join(
            [
                f"storm of seed {self.seed} on {self.broker}: {self.events} events, {self.trips} trips, "
                f"{self.cart_restarts} carts restarted, {dict(self.faults())}, {self.unknown_commits} unknown commits, "
                f"{len(self.findings)} findings",
                *(f"  {row.promise:<4} {row.measured}" for row in self.rows()),
            ]
        )

    def in_full(self) -> str:
        """With findings and timeline: what it takes to understand a failure, and to play it again."""
        return "\n".join(
            [
                self.table(),
                f"play it again: pytest tests/storms --storm-seed {self.seed}",
                *(f"  {finding}" for finding in self.findings[:FINDINGS_SHOWN]),
                "as planned:",
                *(f"  {due.at_s:7.2f} {due.fault}" for due in self.plan),
                "as done:",
                *(f"  {at_s:7.2f} {fault}" for at_s, fault in self.done),
            ]
        )


def keep_evidence(report: StormReport, stage: Stage, folder: Path) -> None:
    """Write timeline, findings, logs and tables where they outlive the stage."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"at_s": at_s, "fault": type(fault).__name__, **asdict(fault)} for at_s, fault in report.done]
    (folder / "timeline.jsonl").write_text("".join(json.dumps(line, default=str) + "\n" for line in lines))
    (folder / "findings.txt").write_text("\n".join(report.findings) + "\n")
    shutil.copytree(stage.folder.logs, folder / "logs", dirs_exist_ok=True)
    with psycopg.connect(stage.address.database_url) as connection:
        for table in KEPT_TABLES:
            query = psycopg.sql.SQL("COPY {} TO STDOUT (FORMAT csv, HEADER)").format(psycopg.sql.Identifier(table))
            with (folder / f"{table}.csv").open("wb") as file, connection.cursor().copy(query) as rows:
                file.writelines(rows)
