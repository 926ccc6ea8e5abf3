"""On amqtt the delivery promise holds too: what it drops or forgets, carts still have and send again."""

from pathlib import Path

import pytest

from tests.storms.storm import run_storm
from tests.storms.timeline import Severity

GUSTS = Severity(events=150, over_s=12, carts=6, worker_kills=2, broker_kills=1, postgres_kills=1, unknown_commits=3)
# It sends retained states to whoever connects (docs/brokers.md); ingest keeps what is no topic of a cart's.
FOREIGN_STATE = "dead letters: cart None event (None, None), poison False"


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_no_event_is_lost_or_doubled_on_amqtt(storm_seed: int, tmp_path: Path) -> None:
    report = run_storm(storm_seed, GUSTS, tmp_path, "amqtt")
    print(report.table())
    assert [found for found in report.findings if found != FOREIGN_STATE] == [], report.in_full()
    assert report.events >= GUSTS.events
