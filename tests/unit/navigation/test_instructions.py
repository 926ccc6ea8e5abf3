"""The spoken route: replayed, mirrored, added up."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.navigation import Destination, Layout, Place, Route, Step, parse_layout
from shared.navigation.instructions import direction_of
from tests.unit.navigation.stores import at_spots, grid_layout, layout_of, on_shelves, planned, shelf_picks

OTHER_SIDE = {
    None: None,
    "straight": "straight",
    "around": "around",
    "left": "right",
    "right": "left",
    "slight_left": "slight_right",
    "slight_right": "slight_left",
    "sharp_left": "sharp_right",
    "sharp_right": "sharp_left",
    "ahead": "ahead",
    "behind": "behind",
}
routes = settings(max_examples=50, deadline=None)


def steps_of(layout: Layout, picks: list[tuple[int, float, bool]]) -> Route:
    return planned(layout, on_shelves(layout, picks), end="checkout")


@routes
@given(picks=shelf_picks)
def test_walking_the_steps_ends_at_every_stop(picks: list[tuple[int, float, bool]]) -> None:
    route = steps_of(grid_layout(5, 2), picks)
    x, y = route.start.place.x, route.start.place.y
    for leg in route.legs:
        for step in leg.steps:
            if step.heading is not None:
                x, y = x + step.heading[0] * step.distance_m, y + step.heading[1] * step.distance_m
        assert math.dist((x, y), (leg.stop.x, leg.stop.y)) <= 0.3
        assert leg.steps[-1].kind == "arrive"
        x, y = leg.stop.x, leg.stop.y


@routes
@given(picks=shelf_picks)
def test_turning_as_told_leads_along_the_headings(picks: list[tuple[int, float, bool]]) -> None:
    """The layout's y axis points down, so turning right is turning from x towards y."""
    route = steps_of(grid_layout(5, 2), picks)
    heading = None
    for leg in route.legs:
        path = [math.atan2(b.y - a.y, b.x - a.x) for a, b in pairwise(leg.path)]
        for step in leg.steps:
            if step.heading is None or step.kind == "arrive":
                continue
            angle = math.atan2(step.heading[1], step.heading[0])
            if heading is not None:
                told = heading + math.radians(step.turn_deg)
                # A step that bends a little is told by its straight line; headings inside differ by less than 15.
                assert abs(math.remainder(told - angle, 2 * math.pi)) < math.radians(15)
            heading = angle
        if path:
            heading = path[-1]


@routes
@given(picks=shelf_picks)
def test_the_distances_of_the_steps_add_up(picks: list[tuple[int, float, bool]]) -> None:
    route = steps_of(grid_layout(5, 2), picks)
    for leg in route.legs:
        assert sum(step.distance_m for step in leg.steps) == pytest.approx(leg.distance_m, abs=1e-6)
    assert sum(step.distance_m for step in route.instructions) == pytest.approx(route.distance_m, abs=1e-6)


@routes
@given(picks=shelf_picks)
def test_nobody_is_told_to_go_straight_twice_or_to_turn_a_little(picks: list[tuple[int, float, bool]]) -> None:
    instructions = steps_of(grid_layout(5, 2), picks).instructions
    for before, after in pairwise(instructions):
        assert not (before.kind in ("depart", "continue") and after.kind == "continue")
    for step in instructions:
        if step.kind == "turn":
            assert abs(step.turn_deg) >= 15
            assert step.direction != "straight"
        if step.kind in ("depart", "turn", "continue"):
            assert step.distance_m > 0
    assert [step.kind for step in instructions].count("depart") <= 1


@routes
@given(picks=shelf_picks, y_axis=st.sampled_from(["up", "down"]))
def test_a_mirrored_store_swaps_every_left_and_right(picks: list[tuple[int, float, bool]], y_axis: str) -> None:
    layout = grid_layout(5, 2, y_axis=y_axis)
    document = layout.model_dump(mode="json", by_alias=True)
    width = document["floors"][0]["bounds"][2]
    mirrored = mirror(document, width)
    destinations = on_shelves(layout, picks)
    there = planned(layout, destinations, end="checkout")
    flipped = [
        Destination(d.product_id, tuple(Place(p.floor, width - p.x, p.y) for p in d.places)) for d in destinations
    ]
    # Equally long orders may be broken differently in the mirror: walk the stops in the same order.
    here = planned(parse_layout(mirrored), flipped, end="checkout", previous_order=there.order)
    assert here.distance_m == pytest.approx(there.distance_m)
    if here.order != there.order or [len(leg.path) for leg in here.legs] != [len(leg.path) for leg in there.legs]:
        return
    if not all(
        math.isclose(a.x, width - b.x, abs_tol=1e-6) and math.isclose(a.y, b.y, abs_tol=1e-6)
        for leg, other in zip(here.legs, there.legs, strict=True)
        for a, b in zip(leg.path, other.path, strict=True)
    ):
        # An equally long line around the other side of a shelf.
        return
    told = [(s.kind, s.direction, s.side) for s in there.instructions]
    seen = [(s.kind, OTHER_SIDE[s.direction], OTHER_SIDE[s.side]) for s in here.instructions]
    assert seen == told


def mirror(document: dict[str, Any], width: float) -> dict[str, Any]:
    floor = document["floors"][0]
    floor["shelves"] = [[width - x2, y1, width - x1, y2] for x1, y1, x2, y2 in floor["shelves"]]
    document["entrances"] = [[f, width - x, y] for f, x, y in document["entrances"]]
    for checkout in document["checkouts"]:
        f, x, y = checkout["at"]
        checkout["at"] = [f, width - x, y]
    return document


@pytest.mark.parametrize(("y_axis", "turn", "side"), [("down", "right", "right"), ("up", "left", "left")])
def test_left_and_right_follow_the_y_axis(y_axis: str, turn: str, side: str) -> None:
    """East, then towards larger y around a shelf, to a product whose shelf is towards smaller x of the aisle."""
    layout = layout_of([(4, 0, 6, 8)], (0, 0, 20, 20), y_axis=y_axis)
    route = planned(layout, at_spots((5.9, 3)), position=Place(0, 1, 9))
    assert [step.kind for step in route.instructions] == ["depart", "turn", "arrive"]
    around = route.instructions[1].direction
    assert around is not None
    opposite = {"right": "left", "left": "right"}
    assert around.endswith(opposite[turn])
    assert route.instructions[-1].side == opposite[side]


def two_floors() -> Layout:
    sections = [{"name": "Dairy", "x1": 10, "y1": 0, "x2": 20, "y2": 10}]
    return parse_layout(
        {
            "store": "two",
            "y_axis": "down",
            "clearance_m": 0.3,
            "floors": [
                {"floor": 0, "bounds": [0, 0, 20, 10]},
                {"floor": 1, "bounds": [0, 0, 20, 10], "shelves": [[12, 2, 13, 8]], "sections": sections},
            ],
            "connectors": [{"kind": "lift", "from": [0, 5, 5], "to": [1, 5, 5], "cost_m": 20}],
            "entrances": [[0, 1, 5]],
        }
    )


def told(steps: tuple[Step, ...]) -> list[str]:
    return [step.text for step in steps]


def test_a_ride_and_the_section_and_the_side_are_told() -> None:
    route = planned(two_floors(), [Destination("milk", (Place(1, 12.1, 5),))])
    assert told(route.instructions) == [
        "Walk 4 m",
        "Take the lift to floor 1",
        "Leave the lift and walk 7 m to Dairy",
        "Your product is ahead, in Dairy",
    ]
    assert [step.kind for step in route.instructions] == ["depart", "floor_change", "continue", "arrive"]


def test_a_way_from_one_section_into_another_names_both() -> None:
    sections = [{"name": name, "x1": x, "y1": 0, "x2": x + 10, "y2": 10} for name, x in (("Bread", 0), ("Milk", 10))]
    layout = layout_of([], (0, 0, 20, 10), floor={"sections": sections})
    far = planned(layout, at_spots((14, 5)), position=Place(0, 1, 5))
    assert told(far.instructions)[0] == "Walk 13 m through Bread to Milk"
    near = planned(layout, at_spots((2, 5)), position=Place(0, 1, 5))
    assert told(near.instructions)[0] == "Walk 1 m through Bread"


def test_a_product_where_the_cart_stands_is_simply_here() -> None:
    route = planned(two_floors(), at_spots((1, 5)))
    assert told(route.instructions) == ["Your product is here"]


@pytest.mark.parametrize(
    ("turn_deg", "direction"),
    [
        (14.9, "straight"),
        (-15.0, "slight_left"),
        (44.9, "slight_right"),
        (90.0, "right"),
        (-119.0, "left"),
        (121.0, "sharp_right"),
        (-180.0, "around"),
    ],
)
def test_turns_have_names(turn_deg: float, direction: str) -> None:
    assert direction_of(turn_deg) == direction


def test_a_product_on_a_shelf_between_sections_is_in_the_section_where_the_cart_stands() -> None:
    sections = [{"name": "Tea", "x1": 0, "y1": 0, "x2": 4, "y2": 10}]
    layout = layout_of([(4, 2, 5, 8)], (0, 0, 20, 10), floor={"sections": sections})
    route = planned(layout, at_spots((4.2, 5)), position=Place(0, 1, 9))
    assert route.legs[0].section == "Tea"
    assert told(route.instructions)[-1].endswith("in Tea")
