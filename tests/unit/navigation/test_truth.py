"""Exactness on published maps and tours: ../shared/data/layouts beside the checkout (its README names the sources)."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.navigation import Place, StoreMap, build_store_map
from shared.navigation.distances import walking_distances
from shared.navigation.places import NOTHING_CLOSED
from shared.navigation.tour import best_tour
from shared.navigation.walk import Walk
from tests.unit.navigation.stores import assert_legal, at_spots, layout_of, planned

FOLDER = Path(__file__).parents[3].parent / "shared" / "data" / "layouts"
WAREHOUSE = "warehouse-10-20-10-2-1"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared/data/layouts beside the checkout"),
]


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


@pytest.fixture(scope="module")
def warehouse() -> StoreMap:
    document = read(f"{WAREHOUSE}.layout.json")
    return build_store_map(layout_of(document["shelves"], document["bounds"], clearance_m=0))


def test_a_hundred_of_a_hundred_walks_are_the_published_any_angle_optimum(warehouse: StoreMap) -> None:
    rows = read(f"{WAREHOUSE}.anyangle.json")["rows"]
    assert len(rows) == 100
    for start_x, start_y, end_x, end_y, _, exact in rows:
        route = planned(warehouse, at_spots((end_x, end_y)), position=Place(0, start_x, start_y))
        assert route.distance_m == pytest.approx(exact, rel=1e-4)
        assert route.distance_m >= exact * (1 - 1e-9), "shorter than the optimum: an illegal line"
        assert_legal(warehouse.layout, route)


def test_the_distance_matrix_of_the_warehouse_is_exact(warehouse: StoreMap) -> None:
    truth = read(f"{WAREHOUSE}.multistop.json")
    places = [Place(0, *truth["start"]), *(Place(0, *spot) for spot in truth["products"])]
    found = walking_distances(warehouse, warehouse.floors, NOTHING_CLOSED, places, sources=len(places)).metres
    assert np.allclose(found, truth["distance_matrix"], rtol=1e-4, atol=1e-6)


def test_the_warehouse_walks_through_12_and_20_stops_are_optimal(warehouse: StoreMap) -> None:
    truth = read(f"{WAREHOUSE}.multistop.json")
    for case in truth["cases"]:
        spots = [tuple(spot) for spot in truth["products"][: case["stops"]]]
        route = planned(warehouse, at_spots(*spots), position=Place(0, *truth["start"]))
        assert route.distance_m == pytest.approx(case["optimum"], rel=1e-6)
        assert_legal(warehouse.layout, route)


def cities(name: str) -> list[tuple[float, float]]:
    lines = (FOLDER / name).read_text().split("NODE_COORD_SECTION")[1].split("EOF")[0].strip().splitlines()
    return [(float(x), float(y)) for _, x, y in (line.split() for line in lines)]


def open_path_cases() -> list[Any]:
    if not FOLDER.is_dir():
        return []
    return [case for case in read("open-path-optima.json")["cases"] if case["mode"] != "closed"]


@pytest.mark.parametrize("case", open_path_cases(), ids=lambda case: f"{case['file']}-{case['stops']}-{case['mode']}")
def test_open_paths_are_at_the_proven_optimum(case: Any) -> None:
    points = cities(case["file"])[: int(case["nodes"].split()[1])]
    metres = np.array([[math.dist(a, b) for b in points] for a in points])
    last = slice(1, -1) if case["mode"] == "end_at_last" else slice(1, None)
    between = metres[last, last]
    to_end = metres[last, -1] if case["mode"] == "end_at_last" else np.zeros(len(between))
    tour = best_tour(Walk(metres[0, last], between, to_end, np.arange(len(between))))
    assert tour.length == pytest.approx(case["optimum"], rel=1e-6)
    assert tour.gap is not None
    assert tour.length / (1 + tour.gap) <= case["optimum"] * (1 + 1e-6), "the bound claims too much"
