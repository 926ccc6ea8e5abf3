"""An import is refused by name when a cart cannot reach what the layout promises."""

from typing import Any

from shared.navigation import check_walkable
from tests.unit.navigation.stores import grid_layout, layout_of

ROOM = (0.0, 0.0, 20.0, 10.0)
WALL = (10.0, 0.0, 10.5, 10.0)


def codes(*args: Any, **fields: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in check_walkable(layout_of(*args, **fields))]


def test_a_good_store_has_no_problems() -> None:
    assert check_walkable(grid_layout(5, 2)) == ()


def test_what_lies_behind_a_wall_of_shelves_is_named() -> None:
    found = codes(
        [WALL, (15, 4, 16, 6)],
        ROOM,
        entrances=[[0, 1, 1]],
        checkouts=[{"name": "1", "at": [0, 19, 9]}],
    )
    assert found == [
        ("unreachable_checkout", "/checkouts/0/at"),
        ("unreachable_shelf", "/floors/0/shelves/1"),
    ]


def test_an_entrance_that_no_way_leads_to_from_the_first_is_named() -> None:
    assert codes([WALL], ROOM, entrances=[[0, 1, 1], [0, 19, 1]]) == [("unreachable_entrance", "/entrances/1")]


def test_a_shelf_enclosed_by_others_is_named_with_its_place() -> None:
    ring = [(4, 2, 9, 3), (4, 6, 9, 7), (4, 3, 5, 6), (8, 3, 9, 6), (6.2, 4.2, 6.8, 4.8)]
    problems = check_walkable(layout_of(ring, ROOM, entrances=[[0, 1, 1]]))
    assert [problem.coordinates for problem in problems] == [(6.2, 4.2, 6.8, 4.8)]
    assert "/floors/0/shelves/4 [6.2, 4.2, 6.8, 4.8]: no side of the shelf" in str(problems[0])


def test_a_checkout_deep_inside_a_shelf_and_a_missing_entrance_are_named() -> None:
    block = (5, 0, 15, 8)
    assert codes([block], ROOM, entrances=[[0, 1, 9]], checkouts=[{"name": "1", "at": [0, 10, 3]}]) == [
        ("unreachable_checkout", "/checkouts/0/at")
    ]
    assert ("no_entrance", "/entrances") in codes([], ROOM)
