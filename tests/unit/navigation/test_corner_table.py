"""Walks read off the table of corners are those that a search of the graph finds."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from shared.navigation import Layout, Overlay, Place, StoreMap, build_store_map, parse_layout
from shared.navigation import corner_table as table_module
from shared.navigation.distances import overlaid_floors, walking_distances
from shared.navigation.places import NOTHING_CLOSED, BlockedRect
from shared.navigation.polyline import length
from tests.unit.navigation.stores import grid_layout, grid_shelves


def two_floors() -> Layout:
    """Shelves with a one-way aisle below and a lift and a one-way escalator between the floors."""
    bounds = [0, 0, 16, 16]
    one_way = [{"rect": [6, 2, 8, 10], "direction": [0, 1]}]
    return parse_layout(
        {
            "store": "two-floors",
            "y_axis": "down",
            "clearance_m": 0.3,
            "floors": [
                {"floor": 0, "bounds": bounds, "shelves": grid_shelves(4, 1), "one_way": one_way},
                {"floor": 1, "bounds": bounds, "shelves": grid_shelves(3, 1)},
            ],
            "connectors": [
                {"kind": "lift", "from": [0, 1, 1], "to": [1, 1, 1], "cost_m": 20, "one_way": False},
                {"kind": "escalator", "from": [1, 14, 14], "to": [0, 14, 14], "cost_m": 5, "one_way": True},
            ],
            "entrances": [[0, 8, 15]],
            "checkouts": [{"name": "1", "at": [0, 2, 15]}],
        }
    )


@pytest.mark.parametrize("layout", [grid_layout(4, 2), two_floors()], ids=["one floor", "two floors"])
@pytest.mark.parametrize("seed", range(5))
def test_table_and_search_agree_on_metres_and_lines(layout: Layout, seed: int) -> None:
    rng = Random(seed)
    store_map = build_store_map(layout)
    assert store_map.corner_table is not None
    corners = [
        Place(floor, *point) for floor in store_map.floors for point in rng.choices(_nodes(store_map, floor), k=3)
    ]
    aisles = [Place(rng.choice(layout.floors).floor, x, rng.uniform(2, 10)) for x in (1.0, 4.0, 4.0, 7.0, 10.0)]
    places = [*aisles, *aisles[:1], *corners]
    read = walking_distances(store_map, store_map.floors, NOTHING_CLOSED, places, len(places))
    without = replace(store_map, corner_table=None)
    searched = walking_distances(without, without.floors, NOTHING_CLOSED, places, len(places))
    np.testing.assert_allclose(read.metres, searched.metres, rtol=0, atol=1e-9)
    for start in range(len(places)):
        for end in np.nonzero(np.isfinite(read.metres[start]))[0].tolist():
            line = read.line(start, end)
            assert (line.spots[0], line.spots[-1]) == (places[start], places[end])
            assert length(line, layout.connectors) == pytest.approx(read.metres[start, end], abs=1e-9)


def test_who_stands_in_the_lift_rides_without_a_step() -> None:
    layout = two_floors()
    lift = [Place(0, 1.0, 1.0), Place(1, 1.0, 1.0)]
    store_map = build_store_map(layout)
    walks = walking_distances(store_map, store_map.floors, NOTHING_CLOSED, lift, 2)
    assert walks.metres.tolist() == [[0.0, 20.0], [20.0, 0.0]]


ELSEWHERE = Overlay((BlockedRect(0, (0.0, 15.5, 0.5, 16.0)),))


@pytest.mark.parametrize("overlay", [NOTHING_CLOSED, ELSEWHERE], ids=["nothing closed", "a corner closed"])
@pytest.mark.parametrize("has_table", [True, False], ids=["table", "search"])
def test_who_stands_at_a_lift_a_door_or_a_checkout_makes_no_detour_first(has_table: bool, overlay: Overlay) -> None:
    """The graph has nodes there already; a search that added the places as further nodes went round by a third one."""
    store_map = build_store_map(two_floors())
    store_map = store_map if has_table else replace(store_map, corner_table=None)
    entrance, checkout, lift, upstairs = Place(0, 8, 15), Place(0, 2, 15), Place(0, 1, 1), Place(1, 1, 1)
    places = [entrance, checkout, lift, upstairs, entrance]
    floors = overlaid_floors(store_map, overlay)
    metres = walking_distances(store_map, floors, overlay, places, len(places)).metres
    assert metres[0, 1] == metres[1, 0] == 6.0
    assert metres[0, 4] == 0.0
    assert metres[2, 3] == metres[3, 2] == 20.0
    assert metres[0, 3] == pytest.approx(metres[0, 2] + 20.0, abs=1e-9)


def test_the_table_is_not_asked_while_a_connector_is_closed() -> None:
    store_map = build_store_map(two_floors())
    places = [Place(0, 8.0, 15.0), Place(1, 8.0, 15.0)]
    closed = Overlay(closed_connectors=frozenset({0, 1}))
    assert np.isfinite(walking_distances(store_map, store_map.floors, NOTHING_CLOSED, places, 1).metres).all()
    assert np.isinf(walking_distances(store_map, store_map.floors, closed, places, 1).metres[0, 1])


def test_a_large_store_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MAX_NODES", 10)
    assert build_store_map(grid_layout(4, 2)).corner_table is None


def _nodes(store_map: StoreMap, floor: int) -> list[tuple[float, float]]:
    """Corners of shelves, ends of connectors, entrances and checkouts."""
    return [(x, y) for x, y in store_map.floors[floor].nodes.points.tolist()]
