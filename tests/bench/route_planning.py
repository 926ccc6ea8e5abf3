"""Route planning measured: `.venv/bin/python -m tests.bench.route_planning [--quick]`.

Building the graph of 100 and 800 shelves, planning 10 to 60 stops on both, and the old method on the same requests.
Store S100: 100 shelves of 1 x 8 m, aisles of 2 m, 64 x 56 m, clearance 0.3 m.
"""

import argparse
import math
import statistics
import time
from random import Random

from shared.navigation import (
    Destination,
    Layout,
    Overlay,
    Place,
    Route,
    RouteRequest,
    StoreMap,
    build_store_map,
    parse_layout,
    plan_route,
)
from shared.navigation.places import BlockedRect
from tests.bench.lattice_planner import plan_on_lattice

STOPS = (10, 20, 40, 60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions, 100 shelves only")
    quick = parser.parse_args().quick
    repetitions = 8 if quick else 40
    medians: dict[tuple[int, int], float] = {}
    for columns, rows in ((20, 5),) if quick else ((20, 5), (40, 20)):
        layout = grid_store(columns, rows)
        shelves = columns * rows
        began = time.perf_counter()
        store_map = build_store_map(layout)
        print(f"\n{shelves} shelves: graph built in {time.perf_counter() - began:.2f} s")
        print("stops     p50 ms   p99 ms   CPU ms   proofs")
        for stops in STOPS:
            wall, cpu, proofs = measure(store_map, stops, repetitions)
            medians[shelves, stops] = statistics.median(wall)
            share = sum(proof == "optimal" for proof in proofs)
            print(
                f"{stops:5} {1e3 * medians[shelves, stops]:10.1f} {1e3 * p99(wall):8.1f} "
                f"{1e3 * statistics.median(cpu):8.1f}   {share} of {repetitions} optimal, worst {max(proofs)}"
            )
        blocked = Overlay((BlockedRect(0, (18.2, 13.0, 19.8, 15.0)),))
        wall, _, _ = measure(store_map, 20, repetitions, blocked)
        print(f"   20 {1e3 * statistics.median(wall):10.1f} {1e3 * p99(wall):8.1f}            with a blocked aisle")
    print(f"\np50(60 stops) / p50(20), 100 shelves: {medians[100, 60] / medians[100, 20]:.1f} (goal <= 4)")
    if not quick:
        for stops in (20, 60):
            growth = medians[800, stops] / medians[100, stops]
            print(f"p50(800 shelves) / p50(100), {stops} stops: {growth:.1f} (goal <= 10)")
    compare(2 if quick else 5)


def grid_store(columns: int, rows: int) -> Layout:
    width, height = 4.0 + 3 * columns, 6.0 + 10 * rows
    shelves = [[2 + 3 * c, 2 + 10 * r, 3 + 3 * c, 10 + 10 * r] for c in range(columns) for r in range(rows)]
    return parse_layout(
        {
            "store": f"s{columns * rows}",
            "y_axis": "down",
            "clearance_m": 0.3,
            "floors": [{"floor": 0, "bounds": [0, 0, width, height], "shelves": shelves}],
            "entrances": [[0, 1, height - 1]],
            "checkouts": [{"name": str(n), "at": [0, width - 2 - 3 * n, height - 1]} for n in range(6)],
        }
    )


def request(layout: Layout, stops: int, rng: Random, overlay: Overlay | None = None) -> RouteRequest:
    destinations = []
    for number in range(stops):
        x1, y1, x2, y2 = rng.choice(layout.floors[0].shelves)
        place = Place(0, rng.choice([x1 + 0.1, x2 - 0.1]), rng.uniform(y1, y2))
        destinations.append(Destination(f"p{number:02}", (place,)))
    return RouteRequest(tuple(destinations), end="checkout", overlay=overlay or Overlay())


def measure(
    store_map: StoreMap, stops: int, repetitions: int, overlay: Overlay | None = None
) -> tuple[list[float], list[float], list[str]]:
    rng = Random(stops)
    wall, cpu, proofs = [], [], []
    for _ in range(repetitions):
        asked = request(store_map.layout, stops, rng, overlay)
        wall_began, cpu_began = time.perf_counter(), time.process_time()
        answer = plan_route(store_map, asked)
        wall.append(time.perf_counter() - wall_began)
        cpu.append(time.process_time() - cpu_began)
        assert isinstance(answer, Route)
        proofs.append(answer.proof)
    return wall, cpu, proofs


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[max(0, math.ceil(0.99 * len(seconds)) - 1)]


def compare(repetitions: int) -> None:
    print("\nside by side with the old method (lattice, nearest neighbour, 4-connected A*), no checkout")
    print("stops    old ms   new ms   times faster   old m   new m   old walks longer by")
    layout = grid_store(20, 5)
    store_map = build_store_map(layout)
    for stops in (10, 20):
        rng = Random(stops)
        for _ in range(repetitions):
            asked = RouteRequest(request(layout, stops, rng).destinations)
            began = time.perf_counter()
            answer = plan_route(store_map, asked)
            new_s = time.perf_counter() - began
            assert isinstance(answer, Route)
            # The old planner gets the spots where the cart stands, so that both walk between the same points.
            spots = [(leg.stop.x, leg.stop.y) for leg in answer.legs]
            began = time.perf_counter()
            old_m = plan_on_lattice(layout, (answer.start.place.x, answer.start.place.y), sorted(spots))
            old_s = time.perf_counter() - began
            print(
                f"{stops:5} {1e3 * old_s:9.0f} {1e3 * new_s:8.1f} {old_s / new_s:14.0f} "
                f"{old_m:7.0f} {answer.distance_m:7.0f} {100 * (old_m / answer.distance_m - 1):17.0f} %"
            )


if __name__ == "__main__":
    main()
