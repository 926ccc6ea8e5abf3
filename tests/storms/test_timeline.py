"""A storm can be played again: its timeline comes from the seed alone."""

from collections import Counter

from tests.storms.timeline import BEGIN_S, Kill, PowerCut, Severity, UnknownCommit, plan_storm

SEVERITY = Severity(
    events=1, over_s=60, worker_kills=15, broker_kills=3, postgres_kills=3, power_cuts=5, unknown_commits=40, freezes=2
)


def test_the_same_seed_gives_the_same_storm_and_another_seed_another() -> None:
    assert plan_storm(7, SEVERITY) == plan_storm(7, SEVERITY)
    assert plan_storm(7, SEVERITY) != plan_storm(8, SEVERITY)


def test_a_storm_has_as_many_faults_as_its_severity_says_in_the_order_of_time() -> None:
    plan = plan_storm(7, SEVERITY)
    kinds = Counter(type(due.fault) for due in plan)
    killed = Counter(due.fault.part for due in plan if isinstance(due.fault, Kill))
    assert killed == {"ingest": 15, "broker": 3, "postgres": 3}
    assert (kinds[PowerCut], kinds[UnknownCommit]) == (5, 40)
    assert [due.at_s for due in plan] == sorted(due.at_s for due in plan)
    assert plan[0].at_s >= BEGIN_S
    assert plan[-1].at_s <= SEVERITY.over_s
