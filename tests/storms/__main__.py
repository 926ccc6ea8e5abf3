"""`python -m tests.storms [--full] [--seed N]`: runs what shows the promises and prints them as one table.

Exits non-zero when something was missed or not shown. What mostly waits runs three at a time; the storms, which
measure, run alone after that.
"""

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from tests.storms.promises import PROMISES, Promise

BROKERS = ("embedded", "Mosquitto")
ALONE = "in_a_storm or postgresql_is_silent or beside_poison"  # -k: tests that need the machine for themselves
LONG = "in_a_long_storm"
WIDTHS = (6, 54, 38, 66)


@dataclass
class Table:
    """A pytest plugin that keeps what the tests tell."""

    full: bool
    outcomes: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed and not report.skipped:
            return
        if self.outcomes.get(report.nodeid) != "failed":
            self.outcomes[report.nodeid] = report.outcome
        if report.when == "call":
            for name, value in report.user_properties:
                self.told[name].append((report.nodeid, _broker_of(report.nodeid), str(value)))

    def rows(self, promise: Promise) -> list[tuple[str, str]]:
        """What was measured of it, and on which broker."""
        found = []
        for node, broker, measured in self.told[promise.name]:
            found.append((measured + ("" if self.outcomes[node] == "passed" else "  MISSED"), broker))
        if promise.proofs:
            on_both = any("mosquitto" in proof for proof in promise.proofs)
            shown = [self._outcome_of(proof) for proof in promise.proofs]
            names = ", ".join(sorted({proof.partition("::")[0].rpartition("/")[2] for proof in promise.proofs}))
            missed = "" if set(shown) == {"passed"} else "  MISSED"
            found.append(
                (
                    f"{shown.count('passed')} of {len(shown)} tests pass ({names}){missed}",
                    "both" if on_both else "embedded",
                )
            )
        return found or [("not shown  MISSED", "-")]

    def skipped(self) -> int:
        return list(self.outcomes.values()).count("skipped")

    def print(self) -> bool:
        """The table; False when something in it was missed."""
        kept = True
        _print_line("", "promise", "target", "measured", "broker")
        for promise in PROMISES:
            target = promise.full_target if self.full and promise.full_target else promise.target
            for number, (measured, broker) in enumerate(self.rows(promise)):
                kept = kept and "MISSED" not in measured
                said = ("", "", "") if number else (promise.name, promise.says, target)
                _print_line(*said, measured, broker)
        if self.skipped():
            print(f"{self.skipped()} tests were skipped: apt-get install mosquitto, for the rows of that broker")
        return kept

    def _outcome_of(self, proof: str) -> str:
        found = {outcome for node, outcome in self.outcomes.items() if node == proof or node.startswith(f"{proof}[")}
        if len(found) > 1:
            found.discard("skipped")  # one broker's, where that broker is not installed
        return found.pop() if len(found) == 1 else "failed" if found else "missing"


def _broker_of(node: str) -> str:
    return next((broker for broker in BROKERS if broker in node.rpartition("[")[2]), "embedded")


def _print_line(*cells: str) -> None:
    *padded, last = cells
    print(" ".join(f"{cell:<{width}}" for cell, width in zip(padded, WIDTHS, strict=True)), last)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.storms", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long targets: 100,000 events, 20,000 seeds; an hour")
    parser.add_argument("--seed", type=int, default=1, help="of the storms")
    asked = parser.parse_args()
    table = Table(asked.full)
    proofs = [proof for promise in PROMISES for proof in promise.proofs]
    common = ["tests/storms", "--timeout=3600", "-q", "--no-header", f"--storm-seed={asked.seed}"]
    common += ["--storm-full"] if asked.full else []
    codes = [
        pytest.main([*common, *proofs, "-k", f"not ({ALONE} or {LONG})", "-n3", "--dist=worksteal"], plugins=[table]),
        pytest.main([*common, "-k", f"{ALONE} or {LONG}" if asked.full else ALONE, "-s"], plugins=[table]),
    ]
    kept = table.print()
    return 0 if kept and codes == [pytest.ExitCode.OK] * 2 else 1


if __name__ == "__main__":
    sys.exit(main())
