"""The arithmetic of the benchmark: what a median, a percentile and a ratio of rounds mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import Run, median_cpu, median_per_s, median_ratio, percentile

VALUES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=50)


@given(VALUES, st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_one_of_the_values_and_at_least_its_share_does_not_exceed_it(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_half_of_four_is_the_second_and_99_of_100_is_the_99th() -> None:
    assert percentile([4, 1, 3, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_the_median_rate_ignores_one_disturbed_round() -> None:
    assert median_per_s([Run(1_000, 1.0), Run(10, 1.0), Run(1_100, 1.0)]) == 1_000


def test_a_ratio_is_taken_within_each_round_since_a_slow_machine_slows_both() -> None:
    ours = [Run(1_000, 1.0), Run(100, 1.0), Run(1_000, 1.0)]
    theirs = [Run(500, 1.0), Run(50, 1.0), Run(250, 1.0)]
    assert median_ratio(ours, theirs) == 2


def test_rounds_that_do_not_belong_together_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([Run(1, 1.0)], [])


def test_processor_time_counts_for_a_thousand_events_and_only_for_parts_that_took_part() -> None:
    runs = [Run(2_000, 1.0, {"worker": 0.5, "PostgreSQL": 0.2}), Run(4_000, 1.0, {"worker": 1.0, "PostgreSQL": 1.2})]
    assert median_cpu(runs) == {"worker": 0.25, "PostgreSQL": pytest.approx(0.2)}
    assert Run(0, 1.0, {"worker": 1.0}).cpu_s_per_thousand("worker") is None
