"""No scan is lost, doubled or misplaced in a storm, and everything is shown as it is when it is over."""

from pathlib import Path

import pytest

from tests.mosquitto import needs_mosquitto
from tests.storms.brokers import BrokerKind
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.storm import run_storm
from tests.storms.timeline import Severity

SQUALL = Severity(
    events=200,
    over_s=16,
    carts=8,
    worker_kills=2,
    broker_kills=1,
    postgres_kills=1,
    power_cuts=1,
    unknown_commits=6,
)
# Trip after trip, and a cart restarts after every third step: many in the second after Mosquitto was killed.
RESTARTS = Severity(events=300, over_s=24, carts=12, broker_kills=8, cart_restarts=0.3)
STORM = Severity(
    events=4_000,
    over_s=100,
    carts=24,
    worker_kills=15,
    broker_kills=3,
    postgres_kills=3,
    gateway_kills=2,
    power_cuts=4,
    crashes_at_commit=1,
    freezes=4,
    unknown_commits=40,
    breaks=6,
    silences=4,
    slows=4,
    full_disks=2,
    poisons=10,
)
LONG_STORM = Severity(
    events=100_000,
    over_s=900,
    carts=100,
    worker_kills=100,
    broker_kills=30,
    postgres_kills=20,
    gateway_kills=10,
    power_cuts=30,
    crashes_at_commit=20,
    freezes=20,
    unknown_commits=500,
    breaks=40,
    silences=20,
    slows=20,
    full_disks=5,
    poisons=100,
    patience_s=120.0,
)


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_nothing_is_lost_or_doubled_in_a_squall(
    storm_seed: int, broker: BrokerKind, tmp_path: Path, tell: Tell
) -> None:
    report = run_storm(storm_seed, SQUALL, tmp_path, broker)
    print(report.table())
    tell(*report.recovery_rows())
    assert report.findings == [], report.in_full()


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("broker", [pytest.param("Mosquitto", marks=needs_mosquitto)])
def test_a_cart_that_restarts_beside_a_killed_broker_scans_into_no_trip_that_is_over(
    storm_seed: int, broker: BrokerKind, tmp_path: Path, tell: Tell
) -> None:
    """Its retained states are a second old then; the cart's flash knows better (docs/decisions/0062)."""
    report = run_storm(storm_seed, RESTARTS, tmp_path, broker)
    print(report.table())
    tell(
        Row("R8", f"{report.kinds()['late']} late: {report.cart_restarts} cart restarts, {RESTARTS.broker_kills} kills")
    )
    assert report.findings == [], report.in_full()


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_nothing_is_lost_or_doubled_in_a_storm(storm_seed: int, broker: BrokerKind, tmp_path: Path, tell: Tell) -> None:
    report = run_storm(storm_seed, STORM, tmp_path, broker, alone=True)
    print(report.table())
    tell(*report.rows())
    assert report.findings == [], report.in_full()
    assert report.events >= STORM.events
    assert report.unknown_commits >= STORM.unknown_commits


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_or_doubled_in_a_long_storm(
    storm_seed: int, broker: BrokerKind, full: bool, tmp_path: Path, tell: Tell
) -> None:
    if not full:
        pytest.skip("a long storm is played with --storm-full")
    report = run_storm(storm_seed, LONG_STORM, tmp_path, broker, alone=True)
    print(report.table())
    tell(*report.rows())
    assert report.findings == [], report.in_full()
    assert report.events >= LONG_STORM.events
