"""A cart is pushed along the gateway's way in paces: none too long, no bend cut, the end reached."""

from itertools import pairwise
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.way import Leg, Spot, Way, paces, read_way

metres = st.floats(-50, 50)
spots = st.builds(Spot, metres, metres, st.integers(0, 1))
paths = st.lists(spots, min_size=2, max_size=6)


@given(path=paths, pace_m=st.floats(0.05, 3))
def test_no_pace_is_longer_than_asked_for_and_every_bend_is_passed(path: list[Spot], pace_m: float) -> None:
    walked = [path[0], *paces(path, pace_m)]
    for here, there in pairwise(walked):
        assert here.floor != there.floor or dist(here[:2], there[:2]) <= pace_m * (1 + 1e-6)
    later = iter(walked)
    assert all(bend in later for bend in path)


@given(path=paths, pace_m=st.floats(0.05, 3))
def test_paces_are_no_detour(path: list[Spot], pace_m: float) -> None:
    def length(way: list[Spot]) -> float:
        return sum(dist(here[:2], there[:2]) for here, there in pairwise(way) if here.floor == there.floor)

    assert length([path[0], *paces(path, pace_m)]) == pytest.approx(length(path))


def test_nothing_is_walked_on_an_empty_path() -> None:
    assert list(paces((), 1)) == list(paces((Spot(1, 2, 0),), 1)) == []


def test_a_way_is_read_from_the_gateways_answer() -> None:
    start = {"x": 1.5, "y": 23, "floor": 0, "origin": "entrance", "snapped": 0.0}
    path = [{"x": 1.5, "y": 23, "floor": 0}, {"x": 2, "y": 2, "floor": 1}]
    body = {"start": start, "segments": [{"product_id": 7, "path": path}], "way_out": {"checkout": "1", "path": path}}
    walked = (Spot(1.5, 23.0, 0), Spot(2.0, 2.0, 1))
    assert read_way(body) == Way(walked[0], (Leg(7, walked),), walked)
    assert read_way({**body, "way_out": None}).way_out == ()
