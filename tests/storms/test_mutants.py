"""The harness sees bugs: each of these, put into cart-ingest on purpose, is found by a squall that without it finds
nothing. The squalls are short and made so that what a bug needs to show itself happens for certain."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.storms import mutants
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.storm import run_storm
from tests.storms.timeline import (
    Due,
    Severity,
    plan_busy_hands,
    plan_crashes_at_commit,
    plan_equal_batches,
    plan_forgetful_broker,
    plan_storm,
)

SEED = 1  # another seed is another squall, in which a mutant may have luck


@dataclass(frozen=True)
class Squall:
    """`plan` None is what the seed makes of the severity."""

    severity: Severity
    plan: tuple[Due, ...]


def _from_seed(severity: Severity) -> Squall:
    return Squall(severity, plan_storm(SEED, severity))


TRUSTING = Severity(events=0, over_s=0, carts=8, carts_trust_the_broker=True, patience_s=25.0)
SQUALLS = {
    "plain": _from_seed(Severity(events=150, over_s=8, carts=8, worker_kills=2, unknown_commits=4, patience_s=30.0)),
    "at commit": Squall(Severity(events=0, over_s=0, carts=8, patience_s=30.0), plan_crashes_at_commit(turns=3)),
    "poisoned": _from_seed(Severity(events=0, over_s=6, carts=8, poisons=8, patience_s=20.0)),
    "three workers": Squall(
        Severity(events=0, over_s=0, carts=24, workers=3, patience_s=30.0), plan_equal_batches(turns=3)
    ),
    "busy hands": Squall(TRUSTING, plan_busy_hands(SEED)),
    "forgetful broker": Squall(TRUSTING, plan_forgetful_broker(SEED)),
}

# Mutant, the squall that catches it, and what it is seen as.
NINE = {
    "auto-ack": (mutants.AUTO_ACK, "busy hands", {"lost"}),
    "ack before commit": (mutants.ACK_BEFORE_COMMIT, "busy hands", {"lost"}),
    "no epoch guard": (mutants.NO_EPOCH_GUARD, "busy hands", {"stale acknowledgement"}),
    "no dedup key": (mutants.NO_DEDUP_KEY, "plain", {"different", "replay"}),
    "drop on stale": (mutants.DROP_ON_STALE, "forgetful broker", {"lost"}),
    "unsorted keys": (mutants.UNSORTED_KEYS, "three workers", {"deadlocks"}),
    "publish before commit": (mutants.PUBLISH_BEFORE_COMMIT, "at commit", {"lost", "backwards"}),
    "stale state publish": (mutants.STALE_STATE_PUBLISH, "plain", {"backwards"}),
    "swallow DataError": (mutants.SWALLOW_DATA_ERROR, "poisoned", {"lost"}),
}
MORE = {
    "acknowledge past a gap": (mutants.ACKNOWLEDGE_PAST_A_GAP, "plain", {"lost", "different"}),
    "order of arrival": (mutants.APPLY_IN_ORDER_OF_ARRIVAL, "plain", {"replay", "refused", "different"}),
}


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("squall", SQUALLS.values(), ids=SQUALLS)
def test_without_a_mutant_nothing_is_found(squall: Squall, tmp_path: Path) -> None:
    report = run_storm(SEED, squall.severity, tmp_path, plan=squall.plan)
    print(report.table())
    assert report.findings == [], report.in_full()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [*NINE, *MORE])
def test_a_mutant_is_caught(name: str, tmp_path: Path, tell: Tell) -> None:
    mutant, squall, seen_as = {**NINE, **MORE}[name]
    severity, plan = SQUALLS[squall].severity, SQUALLS[squall].plan
    report = run_storm(SEED, severity, tmp_path, plan=plan, sabotage=mutant)
    caught = report.kinds().keys() & seen_as
    seen = ", ".join(f"{report.kinds()[kind]} {kind}" for kind in sorted(caught))
    print(f"{name}: {dict(report.kinds())}")
    if name in NINE:
        tell(Row("R20", f"{name}: caught as {seen}" if caught else f"{name}: not caught"))
    assert caught, report.in_full()
