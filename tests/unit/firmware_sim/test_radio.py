"""The bad radio: what it may do to messages, and that the seed decides it."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.radio import HOLD_MAX_S, Link, Weather


def carried(weather: Weather, seed: int, count: int) -> list[int]:
    link: Link[int] = Link(weather, Random(seed))
    arrived = [message for number in range(count) for message in link.carry(number, 0.0)]
    return arrived + link.release(HOLD_MAX_S)


def test_in_good_weather_everything_arrives_at_once_in_order() -> None:
    link: Link[int] = Link(Weather(), Random(1))
    assert [link.carry(number, 0.0) for number in range(5)] == [[0], [1], [2], [3], [4]]
    assert link.wake_at_s is None


@given(seed=st.integers(), reorder=st.integers(1, 20))
def test_no_message_is_overtaken_by_more_than_the_weather_says(seed: int, reorder: int) -> None:
    arrived = carried(Weather(reorder=reorder), seed, 60)
    assert sorted(arrived) == list(range(60))
    for position, number in enumerate(arrived):
        assert sum(later > number for later in arrived[:position]) <= reorder


@given(seed=st.integers())
def test_the_same_seed_gives_the_same_fate(seed: int) -> None:
    weather = Weather(loss=0.2, duplicate=0.2, reorder=5)
    assert carried(weather, seed, 50) == carried(weather, seed, 50)


def test_shares_of_loss_and_duplicates_are_as_asked() -> None:
    arrived = Counter(carried(Weather(loss=0.1, duplicate=0.2), 1, 10_000))
    assert 0.08 < (10_000 - len(arrived)) / 10_000 < 0.12
    assert 0.16 < sum(count == 2 for count in arrived.values()) / 10_000 < 0.2


def test_a_held_message_is_released_when_nothing_comes_to_overtake_it() -> None:
    link: Link[int] = Link(Weather(reorder=1000), Random(1))
    assert link.carry(1, 10.0) == []
    assert link.wake_at_s == 10.0 + HOLD_MAX_S
    assert link.release(10.0) == []
    assert link.release(10.0 + HOLD_MAX_S) == [1]


def test_a_power_cut_empties_the_air() -> None:
    link: Link[int] = Link(Weather(reorder=1000), Random(1))
    link.carry(1, 0.0)
    link.clear()
    assert link.release(99.0) == []


@pytest.mark.parametrize(
    "bad", [{"loss": 1.0}, {"loss": -0.1}, {"duplicate": 1.5}, {"disconnect": 1.0}, {"reorder": -1}]
)
def test_impossible_weather_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Weather(**bad)  # type: ignore[arg-type]
