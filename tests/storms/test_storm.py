"""No scan is lost, doubled or misplaced in a storm, and everything is shown as it is when it is over."""

from pathlib import Path

import pytest

from tests.storms.storm import run_storm
from tests.storms.timeline import Severity

SQUALL = Severity(events=200, over_s=12, carts=8, worker_kills=2, broker_kills=1, power_cuts=1, unknown_commits=6)
STORM = Severity(
    events=4_000,
    over_s=150,
    carts=20,
    worker_kills=15,
    broker_kills=3,
    postgres_kills=3,
    gateway_kills=2,
    power_cuts=5,
    freezes=4,
    unknown_commits=40,
    breaks=6,
    silences=4,
)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_nothing_is_lost_or_doubled_in_a_squall(storm_seed: int, tmp_path: Path) -> None:
    report = run_storm(storm_seed, SQUALL, tmp_path)
    print(report.table())
    assert report.findings == [], report.in_full()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_or_doubled_in_a_storm(storm_seed: int, tmp_path: Path) -> None:
    report = run_storm(storm_seed, STORM, tmp_path)
    print(report.table())
    assert report.findings == [], report.in_full()
    assert report.events >= STORM.events
    assert report.unknown_commits == STORM.unknown_commits
