"""Orders of more stops than can be solved exactly: near the optimum, the same whatever the machine does meanwhile."""

import threading
from random import Random

import numpy as np
import pytest

from shared.navigation.closed_tour import ClosedTour
from shared.navigation.search import good_order
from shared.navigation.walk import Walk
from tests.unit.navigation.oracle import best_walk_m


def random_walk(stops: int, seed: int, *, one_way: bool = False, places: int = 1) -> Walk:
    draw = np.random.default_rng(seed)
    spots = draw.random((stops * places + 1, 2)) * (60, 40)
    metres = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    if one_way:
        metres = metres * (1 + 0.5 * draw.random(metres.shape))
    return Walk(metres[0, 1:], metres[1:, 1:], np.zeros(stops * places), np.arange(stops * places) % stops)


def best_length(walk: Walk) -> float:
    count = len(walk.first) + 1
    metres = np.zeros((count, count))
    metres[0, 1:], metres[1:, 0], metres[1:, 1:] = walk.first, walk.first, walk.between
    return best_walk_m(metres)


@pytest.mark.parametrize("one_way", [False, True], ids=["both ways", "one way"])
@pytest.mark.parametrize("seed", range(4))
def test_twenty_stops_are_walked_at_the_optimum_of_cp_sat(seed: int, one_way: bool) -> None:
    walk = random_walk(20, seed, one_way=one_way)
    order, bound = good_order(walk)
    best = best_length(walk)
    assert sorted(order) == list(range(20))
    assert walk.length(order) == pytest.approx(best, rel=1e-3)
    assert bound <= best + 1e-4, "more than the rounding of CP-SAT"


@pytest.mark.parametrize("stops", [4, 5, 15, 33, 60])
def test_every_stop_is_visited_once_at_one_of_its_places(stops: int) -> None:
    for walk in (random_walk(stops, 1), random_walk(stops, 2, one_way=True), random_walk(stops, 3, places=2)):
        order, bound = good_order(walk)
        assert sorted(walk.stop[order]) == list(range(stops))
        assert walk.length(order) >= bound - 1e-6


def test_the_order_is_the_same_on_an_idle_and_on_a_busy_machine() -> None:
    walk = random_walk(45, 7)
    idle, bound = good_order(walk)
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    burners = [threading.Thread(target=spin) for _ in range(4)]
    for burner in burners:
        burner.start()
    try:
        busy, busy_bound = good_order(walk)
    finally:
        stop.set()
        for burner in burners:
            burner.join()
    assert busy.tolist() == idle.tolist()
    assert busy_bound == bound


@pytest.mark.parametrize("count", [5, 6, 7, 8, 24, 62])
@pytest.mark.parametrize("paired", [False, True])
def test_a_tour_says_its_own_length_and_never_grows(paired: bool, count: int) -> None:
    if paired:
        count += count % 2
    rng = Random(count)
    costs = np.array([[rng.uniform(1, 9) for _ in range(count)] for _ in range(count)])
    costs = (costs + costs.T) / 2
    nodes = np.arange(count)
    costs[nodes, nodes] = 0
    if paired:
        half = count // 2
        costs += 1_000.0
        costs[nodes, (nodes + half) % count] = 0
    tour = ClosedTour(costs, paired=paired)
    before = tour.length
    tour.kick(60, slack_m=0.5)
    assert sorted(tour.order) == list(range(count))
    assert tour.length == pytest.approx(
        sum(costs[a, b] for a, b in zip(tour.order, np.roll(tour.order, -1), strict=True))
    )
    assert tour.length <= before
    if paired:
        again = tour.order[-1:] + tour.order[:-1] if tour.order[0] % half != tour.order[1] % half else tour.order
        assert all(a % half == b % half for a, b in zip(again[::2], again[1::2], strict=True))
