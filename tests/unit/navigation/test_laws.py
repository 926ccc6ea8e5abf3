"""Metamorphic laws: what a change of the store must do to the length of a walk, on random stores."""

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.navigation import Layout, Place, Route
from tests.unit.navigation.stores import (
    SMALL_BOUNDS,
    Box,
    asked,
    assert_legal,
    at_spots,
    layout_of,
    shelf_lists,
    small_spots,
)

Spot = tuple[float, float]
spot_lists = st.lists(small_spots, min_size=2, max_size=7, unique=True)
clearances = st.sampled_from([0.0, 0.3])
laws = settings(max_examples=60, deadline=None)


def length(shelves: list[Box], spots: list[Spot], clearance: float, bounds: Box = SMALL_BOUNDS) -> float | None:
    """The whole walk from the first spot through the others; `None` unless each can be reached as it is."""
    layout = layout_of(shelves, bounds, clearance_m=clearance)
    answer = asked(layout, at_spots(*spots[1:]), position=Place(0, *spots[0]))
    if not isinstance(answer, Route) or answer.skipped or answer.start.snapped_m > 0:
        return None
    if any(leg.stop != leg.place for leg in answer.legs):
        return None
    return answer.distance_m


def changed(change: Callable[[float, float], Spot], shelves: list[Box]) -> list[Box]:
    boxes = []
    for x1, y1, x2, y2 in shelves:
        (a, b), (c, d) = change(x1, y1), change(x2, y2)
        boxes.append((min(a, c), min(b, d), max(a, c), max(b, d)))
    return boxes


CHANGES: dict[str, tuple[float, Callable[[float, float], Spot]]] = {
    "moved": (1, lambda x, y: (x + 1234.5678, y - 987.6543)),
    "turned": (1, lambda x, y: (-y, x)),
    "mirrored": (1, lambda x, y: (-x, y)),
    "scaled up": (100, lambda x, y: (100 * x, 100 * y)),
    "scaled down": (0.05, lambda x, y: (0.05 * x, 0.05 * y)),
}


@pytest.mark.parametrize("name", CHANGES)
@laws
@given(shelves=shelf_lists(), spots=spot_lists, clearance=st.sampled_from([0.0, 0.3125]))
def test_a_moved_turned_mirrored_or_scaled_store_is_walked_alike(
    name: str, shelves: list[Box], spots: list[Spot], clearance: float
) -> None:
    scale, change = CHANGES[name]
    before = length(shelves, spots, clearance)
    assume(before is not None)
    assert before is not None
    bounds = changed(change, [SMALL_BOUNDS])[0]
    after = length(changed(change, shelves), [change(*spot) for spot in spots], min(clearance * scale, 10), bounds)
    assume(clearance * scale <= 10)
    assert after == pytest.approx(before * scale, rel=1e-6)


@laws
@given(shelves=shelf_lists(), spots=spot_lists, clearance=clearances, at=st.floats(0.1, 0.9))
def test_a_shelf_split_into_touching_halves_changes_nothing(
    shelves: list[Box], spots: list[Spot], clearance: float, at: float
) -> None:
    x1, y1, x2, y2 = shelves[0]
    middle = x1 + at * (x2 - x1)
    halves = [(x1, y1, middle, y2), (middle, y1, x2, y2), *shelves[1:]]
    before = length(shelves, spots, clearance)
    after = length(halves, spots, clearance)
    assert (before is None) == (after is None)
    if before is not None:
        assert after == pytest.approx(before, rel=1e-6)


@laws
@given(shelves=shelf_lists(), spots=spot_lists, clearance=clearances)
def test_one_more_shelf_never_makes_the_walk_shorter(shelves: list[Box], spots: list[Spot], clearance: float) -> None:
    before = length(shelves[:-1], spots, clearance)
    after = length(shelves, spots, clearance)
    if after is not None:
        assert before is not None
        assert after >= before - 1e-6


@laws
@given(shelves=shelf_lists(), spots=spot_lists, clearance=clearances)
def test_one_product_less_never_makes_the_walk_longer(shelves: list[Box], spots: list[Spot], clearance: float) -> None:
    assume(len(spots) > 2)
    before = length(shelves, spots, clearance)
    after = length(shelves, spots[:-1], clearance)
    if before is not None:
        assert after is not None
        assert after <= before + 1e-6


@laws
@given(shelves=shelf_lists(), spots=spot_lists, clearance=clearances, y_axis=st.sampled_from(["up", "down"]))
def test_every_line_is_legal_and_no_shorter_than_straight(
    shelves: list[Box], spots: list[Spot], clearance: float, y_axis: str
) -> None:
    layout: Layout = layout_of(shelves, SMALL_BOUNDS, clearance_m=clearance, y_axis=y_axis)
    answer = asked(layout, at_spots(*spots[1:]), position=Place(0, *spots[0]))
    if isinstance(answer, Route):
        assert_legal(layout, answer)
        for leg in answer.legs:
            assert leg.distance_m >= math.dist(leg.path[0][1:], leg.path[-1][1:]) - 1e-9
