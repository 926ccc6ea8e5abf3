import copy
import json
import math
from typing import Any

import pytest

from shared.navigation.layout import LayoutError, parse_layout

GOOD: dict[str, Any] = {
    "store": "main",
    "y_axis": "down",
    "clearance_m": 0.3,
    "floors": [
        {
            "floor": 0,
            "bounds": [0, 0, 20, 10],
            "shelves": [[2, 2, 3, 8], [5, 2, 6, 8]],
            "sections": [{"name": "Dairy", "x1": 1, "y1": 1, "x2": 4, "y2": 9}],
            "one_way": [{"rect": [3, 2, 5, 8], "direction": [0, 1]}],
        },
        {"floor": 1, "bounds": [0, 0, 20, 10]},
    ],
    "connectors": [{"kind": "lift", "from": [0, 19, 9], "to": [1, 19, 9], "cost_m": 20, "one_way": False}],
    "entrances": [[0, 1, 9]],
    "checkouts": [{"name": "1", "at": [0, 18, 1]}],
}


def put(path: str, value: object) -> dict[str, Any]:
    """The good layout with one place changed; the path is a JSON pointer."""
    document = copy.deepcopy(GOOD)
    *parents, last = path.strip("/").split("/")
    node: Any = document
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return document


def problem_of(document: object) -> tuple[str, str]:
    with pytest.raises(LayoutError) as caught:
        parse_layout(document)
    assert caught.value.code == caught.value.problems[0].code
    return caught.value.code, caught.value.problems[0].pointer


def test_a_good_layout_is_read_and_printed_back_unchanged() -> None:
    layout = parse_layout(GOOD)
    printed = json.loads(layout.model_dump_json(by_alias=True, exclude_unset=True))
    assert printed == GOOD


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("/floors/0/shelves/1/2", math.nan, "not_a_number"),
        ("/floors/0/shelves/1/2", math.inf, "not_a_number"),
        ("/floors/0/shelves/1/2", 1e30, "out_of_range"),
        ("/floors/0/shelves/1/2", "6", "wrong_type"),
        ("/floors/0/shelves/1/2", True, "wrong_type"),
        ("/floors/0/shelves/1", [5, 2, 5, 8], "empty_rect"),
        ("/floors/0/shelves/1", [6, 2, 5, 8], "empty_rect"),
        ("/floors/0/shelves/1", [5, 2, 21, 8], "outside_bounds"),
        ("/floors/0/shelves/1", [5, 2, 6], "missing_field"),
        ("/floors/0/shelves/1", [5, 2, 6, 8, 9], "wrong_length"),
        ("/floors/0/bounds", [0, 0, 0, 10], "empty_rect"),
        ("/floors/0/sections/0/x2", 40, "outside_bounds"),
        ("/floors/0/one_way/0/direction", [0, 0], "zero_direction"),
        ("/floors/1/floor", 0, "duplicate_floor"),
        ("/floors/0/colour", "red", "unknown_field"),
        ("/floors", [], "wrong_length"),
        ("/wifi", True, "unknown_field"),
        ("/store", "Main Store", "wrong_name"),
        ("/store", "a" * 37, "wrong_name"),
        ("/y_axis", "sideways", "wrong_value"),
        ("/clearance_m", -0.1, "out_of_range"),
        ("/clearance_m", math.nan, "not_a_number"),
        ("/connectors/0/to", [7, 1, 1], "unknown_floor"),
        ("/connectors/0/cost_m", -1, "out_of_range"),
        ("/entrances/0", [3, 1, 1], "unknown_floor"),
        ("/entrances/0", [0, 1, 99], "outside_bounds"),
        ("/checkouts/0/at", [0, -5, 1], "outside_bounds"),
    ],
)
def test_a_wrong_place_is_refused_and_named(path: str, value: object, code: str) -> None:
    found, pointer = problem_of(put(path, value))
    assert found == code
    assert pointer.startswith(path) or path.startswith(pointer)


@pytest.mark.parametrize("document", [None, [], "layout", 3])
def test_what_is_no_object_is_refused(document: object) -> None:
    assert problem_of(document) == ("wrong_type", "")


def test_two_checkouts_of_one_name_are_refused() -> None:
    document = put("/checkouts", [{"name": "1", "at": [0, 1, 1]}, {"name": "1", "at": [0, 2, 1]}])
    assert problem_of(document) == ("duplicate_checkout", "/checkouts/1/name")


def test_the_message_names_the_coordinates() -> None:
    with pytest.raises(LayoutError, match=r"/floors/0/shelves/1 \[5, 2, 21, 8\]: the shelf reaches outside"):
        parse_layout(put("/floors/0/shelves/1", [5, 2, 21, 8]))


def test_every_problem_is_listed_not_only_the_first() -> None:
    document = put("/floors/0/shelves", [[5, 2, 21, 8], [1, 1, 1, 1]])
    with pytest.raises(LayoutError) as caught:
        parse_layout(document)
    assert [problem.code for problem in caught.value.problems] == ["outside_bounds", "empty_rect"]


def test_overlapping_and_touching_shelves_are_fine() -> None:
    parse_layout(put("/floors/0/shelves", [[2, 2, 5, 8], [4, 2, 6, 8], [6, 2, 7, 8]]))
