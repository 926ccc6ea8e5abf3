"""The order found among those that a bound leaves is the shortest, whatever the prices; and the bound tells no lie."""

import numpy as np
import pytest

from shared.navigation.bounded_order import priced_costs, shortest_order_within
from shared.navigation.search import good_order
from shared.navigation.tour import exact_order
from shared.navigation.walk import Walk

SEEDS = range(30)
WIDE = 1 << 20


def random_walk(stops: int, seed: int, *, one_way: bool, ends: bool) -> Walk:
    draw = np.random.default_rng(seed)
    spots = draw.integers(0, 12, (stops + 1, 2)).astype(float)
    metres = np.abs(spots[:, None] - spots[None]).sum(axis=2)
    if one_way:
        metres = metres + draw.integers(0, 5, metres.shape)
        np.fill_diagonal(metres, 0.0)
    last = draw.integers(0, 20, stops).astype(float) if ends else np.zeros(stops)
    return Walk(metres[0, 1:], metres[1:, 1:], last, np.arange(stops))


@pytest.mark.parametrize("one_way", [False, True], ids=["both ways", "one way"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_shortest_order_is_found_under_any_prices(seed: int, one_way: bool) -> None:
    walk = random_walk(4 + seed % 5, seed, one_way=one_way, ends=seed % 2 == 0)
    best_m = walk.length(exact_order(walk))
    prices = np.random.default_rng(seed).normal(0.0, 3.0, walk.stops + 1)
    costs = priced_costs(walk.first, walk.between, walk.last, prices)
    found = shortest_order_within(costs, best_m + seed % 3, WIDE)
    assert found.order is not None
    assert sorted(found.order) == list(range(walk.stops))
    assert walk.length(found.order) == pytest.approx(best_m, abs=1e-9)
    assert found.bound_m == pytest.approx(best_m, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_every_order_is_longer_none_is_found_and_the_bound_says_so(seed: int) -> None:
    walk = random_walk(6, seed, one_way=seed % 2 == 0, ends=False)
    best_m = walk.length(exact_order(walk))
    costs = priced_costs(walk.first, walk.between, walk.last, np.zeros(7))
    found = shortest_order_within(costs, best_m - 0.5, WIDE)
    assert found.order is None
    assert best_m - 0.5 <= found.bound_m <= best_m


@pytest.mark.parametrize("width", [1, 3, 20])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_narrow_search_never_claims_more_than_is_true(seed: int, width: int) -> None:
    walk = random_walk(8, seed, one_way=seed % 2 == 0, ends=seed % 3 == 0)
    best_m = walk.length(exact_order(walk))
    costs = priced_costs(walk.first, walk.between, walk.last, np.zeros(9))
    found = shortest_order_within(costs, best_m * 1.3, width)
    assert found.bound_m <= best_m + 1e-9
    if found.order is not None:
        assert sorted(found.order) == list(range(8))
        assert walk.length(found.order) >= found.bound_m - 1e-9


@pytest.mark.parametrize("one_way", [False, True], ids=["both ways", "one way"])
@pytest.mark.parametrize("seed", SEEDS)
def test_up_to_fourteen_stops_are_walked_as_a_look_at_all_orders_would(seed: int, one_way: bool) -> None:
    walk = random_walk(4 + seed % 8, seed, one_way=one_way, ends=seed % 2 == 0)
    best_m = walk.length(exact_order(walk))
    order, bound_m = good_order(walk)
    assert bound_m <= best_m + 1e-9
    assert walk.length(order) == pytest.approx(best_m, abs=1e-9)
