"""Agreement with planners that none of us wrote, on random stores with touching and overlapping shelves."""

import itertools
import warnings
from random import Random

import numpy as np
import pytest

from shared.navigation import Layout, Place, Route, build_store_map
from shared.navigation.distances import walking_distances
from shared.navigation.places import NOTHING_CLOSED
from tests.unit.navigation.oracle import best_walk_m, environment_around, proven_walk_m
from tests.unit.navigation.stores import SMALL_BOUNDS, asked, assert_legal, at_spots, clipped, layout_of, planned

# Shelves lie on a grid of quarter metres; no gap is exactly twice 5/16 m, which would be open by a hair.
CLEARANCES = (0.0, 5 / 16)
CELL_M = 1 / 16


def random_store(rng: Random) -> Layout:
    shelves = []
    for _ in range(rng.randint(1, 9)):
        x, y = rng.randrange(0, 46) / 4, rng.randrange(0, 38) / 4
        width, height = rng.choice([(rng.randint(1, 16), rng.randint(1, 4)), (rng.randint(1, 4), rng.randint(1, 16))])
        shelves.append((x, y, min(x + width / 4, 12.0), min(y + height / 4, 10.0)))
    if rng.random() < 0.5:
        x1, y1, x2, y2 = rng.choice(shelves)
        beside = [(x2, y1, x2 + 1, y2), (x1, y2, x2, y2 + 1), (x2, y2, x2 + 0.5, y2 + 0.5)]
        shelves += [rect for rect in beside if rect[2] <= 12 and rect[3] <= 10]
    return layout_of(shelves, SMALL_BOUNDS, clearance_m=rng.choice(CLEARANCES))


def random_spots(rng: Random, count: int) -> list[tuple[float, float]]:
    return [(rng.uniform(0.4, 11.6), rng.uniform(0.4, 9.6)) for _ in range(count)]


def crosses_a_shelf(layout: Layout, line: list[tuple[float, float]]) -> bool:
    spots = [Place(0, float(x), float(y)) for x, y in line]
    pieces = itertools.pairwise(spots)
    return any(clipped(a, b, shelf) > 1e-3 for a, b in pieces for shelf in layout.floors[0].shelves)


@pytest.mark.parametrize("seed", range(20))
def test_lines_are_as_short_as_those_of_extremitypathfinder(seed: int) -> None:
    compared = 0
    for store in itertools.count():
        rng = Random(seed * 1000 + store)
        layout = random_store(rng)
        start, *ends = random_spots(rng, 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            environment = environment_around(layout, start, CELL_M)
        if environment is None:
            continue
        store_map = build_store_map(layout)
        for end in ends:
            answer = asked(store_map, at_spots(end), position=Place(0, *start))
            if not environment.within_map(end):
                # Inside a shelf (then moved) or cut off from the start (then skipped).
                continue
            line, expected = environment.find_shortest_path(start, end)
            if crosses_a_shelf(layout, line):
                # extremitypathfinder 2.7 now and then walks along the line of a side into the next shelf.
                continue
            assert isinstance(answer, Route), (seed, store, end)
            assert answer.distance_m == pytest.approx(expected, rel=1e-4, abs=1e-3), (seed, store, end)
            assert_legal(layout, answer)
        compared += 1
        if compared == 10:
            break


@pytest.mark.parametrize("seed", range(20))
def test_orders_are_as_short_as_those_of_cp_sat(seed: int) -> None:
    for store in range(10):
        rng = Random(seed * 1000 + store)
        layout = random_store(rng)
        store_map = build_store_map(layout)
        start, *spots = random_spots(rng, 8)
        answer = asked(store_map, at_spots(*spots), position=Place(0, *start))
        if not isinstance(answer, Route):
            continue
        places = [answer.start.place, *(leg.stop for leg in answer.legs)]
        metres = walking_distances(store_map, store_map.floors, NOTHING_CLOSED, places, sources=len(places)).metres
        assert answer.proof == "optimal"
        assert answer.distance_m == pytest.approx(best_walk_m(metres), abs=1e-4)


def thinned_grid(rng: Random) -> Layout:
    """Shelves of 1 x 8 m with aisles of 2 m, as many as a supermarket has or fewer, some of them missing."""
    columns, rows = rng.randint(6, 20), rng.randint(2, 5)
    shelves = [(2.0 + 3 * c, 2.0 + 10 * r, 3.0 + 3 * c, 10.0 + 10 * r) for c in range(columns) for r in range(rows)]
    kept = [shelf for shelf in shelves if rng.random() < 0.9]
    return layout_of(kept, (0, 0, 4.0 + 3 * columns, 6.0 + 10 * rows))


@pytest.mark.slow
@pytest.mark.parametrize(("stops", "stores"), [(20, 100), (40, 15), (60, 40)])
def test_longer_orders_stay_near_the_proven_optimum(stops: int, stores: int) -> None:
    gaps, proven = [], 0
    for seed in range(stores):
        rng = Random(seed)
        layout = thinned_grid(rng)
        _, _, width, depth = layout.floors[0].bounds
        spots = [(rng.uniform(1, width - 1), rng.uniform(1, depth - 1)) for _ in range(stops)]
        store_map = build_store_map(layout)
        route = planned(store_map, at_spots(*spots), position=Place(0, 1, depth - 1))
        places = [route.start.place, *(leg.stop for leg in route.legs)]
        metres = walking_distances(store_map, store_map.floors, NOTHING_CLOSED, places, sources=len(places)).metres
        best_m = proven_walk_m((metres + metres.T) / 2)
        gaps.append(route.distance_m / best_m - 1)
        proven += route.proof == "optimal"
        if route.proof == "optimal":
            assert gaps[-1] <= 1e-9, (seed, "claims more than is true")
    print(f"{stops} stops, {stores} stores: mean {np.mean(gaps):.5%}, worst {max(gaps):.5%}, {proven} proven")
    assert np.mean(gaps) <= 1e-3
    assert max(gaps) <= (1e-9 if stops == 20 else 1e-2)
    assert min(gaps) >= -1e-9
