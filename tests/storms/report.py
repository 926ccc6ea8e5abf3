"""What a storm did and what it found: a table of promises, and on a finding everything that it takes to look again."""

import json
import shutil
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from tests.storms.stage import Stage
from tests.storms.timeline import Due, Fault

CONVERGE_WITHIN_S = 2.0  # RELIABILITY R8
DRAIN_WITHIN_S = 60.0
FINDINGS_SHOWN = 40
KEPT_TABLES = ("cart", "cart_session", "cart_line", "cart_event", "dead_letter", "delivery_count", "purchase_order")


@dataclass
class StormReport:
    """One storm. A finding is a broken promise in one line, its kind before the colon."""

    seed: int
    plan: tuple[Due, ...]
    done: list[tuple[float, Fault]] = field(default_factory=list)
    events: int = 0
    trips: int = 0
    unknown_commits: int = 0
    drained_s: float = 0.0
    converged_s: float = 0.0
    findings: list[str] = field(default_factory=list)

    def kinds(self) -> Counter[str]:
        """How many findings there are of each kind."""
        return Counter(finding.partition(":")[0] for finding in self.findings)

    def table(self) -> str:
        """Promise, target, measured."""
        kinds = self.kinds()
        faults = Counter(type(fault).__name__ for _, fault in self.done)
        rows = [
            ("R1-R5 events lost", "0", kinds["lost"] + kinds["unsettled"]),
            ("R1-R5 events doubled, phantom or altered", "0", kinds["phantom"] + kinds["altered"]),
            ("R6 lines and orders that differ", "0", kinds["different"] + kinds["replay"] + kinds["orders"]),
            ("R6 refused, late or dead letters", "0", kinds["refused"] + kinds["late"] + kinds["dead letters"]),
            ("R8 states that are not the database's", "0", kinds["stale"]),
            ("R8 versions that went backwards", "0", kinds["backwards"]),
            ("R8 states equal after", f"{CONVERGE_WITHIN_S:g} s", f"{self.converged_s:.2f} s"),
            ("R10 drained after the last fault", f"{DRAIN_WITHIN_S:g} s", f"{self.drained_s:.1f} s"),
            ("received = sum of the outcomes", "holds", "broken" if kinds["conservation"] else "holds"),
            ("all findings", "0", len(self.findings)),
        ]
        return "\n".join(
            [
                f"storm of seed {self.seed}: {self.events} events, {self.trips} trips, {dict(faults)}, "
                f"{self.unknown_commits} commits of unknown outcome",
                f"{'promise':<45}{'target':>10}{'measured':>12}",
                *(f"{promise:<45}{target:>10}{measured!s:>12}" for promise, target, measured in rows),
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
