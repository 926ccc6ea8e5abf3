"""What a shopper, an operator and a broken request get: the behaviours promised for the route endpoint."""

import math
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from shared.navigation import (
    BlockedRect,
    Destination,
    NoRoute,
    Overlay,
    Place,
    Route,
    RouteRequest,
    Skipped,
    build_store_map,
    parse_layout,
    plan_route,
)
from tests.unit.navigation.stores import (
    asked,
    assert_legal,
    at_spots,
    grid_layout,
    layout_of,
    on_shelves,
    planned,
    walk_m,
)

ROOM = (0.0, 0.0, 20.0, 10.0)


def test_an_empty_room_is_crossed_straight() -> None:
    assert walk_m(layout_of([], ROOM), (1, 1), (7, 9)) == pytest.approx(10.0)


def test_a_shelf_is_walked_around_at_the_distance_the_cart_needs() -> None:
    layout = layout_of([(4, 0, 5, 8)], ROOM)
    expected = math.dist((1, 1), (3.7, 8.3)) + 1.6 + math.dist((5.3, 8.3), (8, 1))
    assert walk_m(layout, (1, 1), (8, 1)) == pytest.approx(expected)


@pytest.mark.parametrize("clearance", [0, 0.3])
def test_nobody_walks_between_touching_shelves_or_behind_a_shelf_at_the_wall(clearance: float) -> None:
    layout = layout_of([(4, 0, 5, 4), (4, 4, 5, 8)], ROOM, clearance_m=clearance)
    assert walk_m(layout, (3, 4), (6, 4)) > 7
    assert walk_m(layout, (3, 1), (6, 1)) > 12


def test_shelves_that_touch_in_a_corner_close_the_way_between_them() -> None:
    layout = layout_of([(4, 0, 5, 4), (5, 4, 6, 8)], ROOM, clearance_m=0)
    assert walk_m(layout, (4, 5), (6, 3)) > 6


@pytest.mark.parametrize(("gap", "is_open"), [(0.59, False), (0.6, True), (0.61, True)])
def test_a_gap_narrower_than_twice_the_clearance_is_closed(gap: float, is_open: bool) -> None:
    layout = layout_of([(4, 0, 5, 4), (4, 4 + gap, 5, 10)], ROOM)
    answer = asked(layout, at_spots((8, 5)), position=Place(0, 1, 5))
    assert isinstance(answer, Route) == is_open


def test_an_unknown_place_and_a_sealed_one_are_skipped_with_the_reason_and_the_rest_is_routed() -> None:
    layout = layout_of([(10, 0, 11, 10)], ROOM)
    destinations = [
        *at_spots((5, 5)),
        Destination("sealed", (Place(0, 15, 5),)),
        Destination("nowhere", ()),
        Destination("upstairs", (Place(7, 5, 5),)),
        Destination("outside", (Place(0, 50, 5),)),
        Destination("broken", (Place(0, math.nan, 5),)),
    ]
    route = planned(layout, destinations, position=Place(0, 1, 1))
    assert route.order == ("p00",)
    assert route.skipped == (
        Skipped("broken", "not_a_number"),
        Skipped("nowhere", "no_place"),
        Skipped("outside", "off_map"),
        Skipped("sealed", "unreachable"),
        Skipped("upstairs", "unknown_floor"),
    )


def test_when_nothing_is_left_there_is_no_route_but_the_reasons() -> None:
    layout = layout_of([(10, 0, 11, 10)], ROOM)
    answer = asked(layout, at_spots((15, 5)), position=Place(0, 1, 1))
    assert answer == NoRoute("nothing_left", "no destination can be reached", (Skipped("p00", "unreachable"),))


def test_a_product_inside_a_shelf_is_fetched_at_its_nearest_side() -> None:
    layout = layout_of([(4, 2, 5, 8)], ROOM)
    leg = planned(layout, at_spots((4.9, 5)), position=Place(0, 1, 5)).legs[0]
    assert leg.stop == Place(0, 5.3, 5)
    assert leg.place == Place(0, 4.9, 5)


def test_a_product_in_a_shelf_whose_near_side_is_closed_off_is_fetched_at_the_nearest_open_side() -> None:
    layout = layout_of([(4, 2, 5, 8), (5.2, 2, 7, 8)], ROOM, entrances=[[0, 1, 1]])
    leg = planned(layout, at_spots((4.9, 5)), position=Place(0, 1, 5)).legs[0]
    assert leg.stop == Place(0, 3.7, 5)


def test_a_cart_inside_a_shelf_is_moved_out_and_told_so() -> None:
    layout = layout_of([(4, 2, 5, 8)], ROOM)
    start = planned(layout, at_spots((1, 1)), position=Place(0, 4.2, 5)).start
    assert start.place == Place(0, 3.7, 5)
    assert (start.origin, round(start.snapped_m, 6)) == ("position", 0.5)


@pytest.mark.parametrize(
    ("x", "code"), [(-1.5, None), (-1.9, "start_off_map"), (math.nan, "not_a_number"), (1e12, "not_a_number")]
)
def test_a_cart_off_the_map_is_snapped_within_two_metres_only(x: float, code: str | None) -> None:
    answer = asked(layout_of([], ROOM), at_spots((5, 5)), position=Place(0, x, 5))
    assert (answer.code if isinstance(answer, NoRoute) else None) == code


def test_a_cart_on_an_unknown_floor_gets_no_route() -> None:
    answer = asked(layout_of([], ROOM), at_spots((5, 5)), position=Place(3, 1, 1))
    assert isinstance(answer, NoRoute)
    assert answer.code == "unknown_floor"


def test_without_a_position_the_walk_starts_at_the_last_product_then_at_the_entrance() -> None:
    layout = layout_of([(4, 2, 5, 8)], ROOM, entrances=[[0, 1, 9]])
    after_scan = planned(layout, at_spots((8, 5)), last_scanned=Place(0, 4.1, 5)).start
    assert (after_scan.place, after_scan.origin) == (Place(0, 3.7, 5), "last_scanned")
    at_door = planned(layout, at_spots((8, 5))).start
    assert (at_door.place, at_door.origin) == (Place(0, 1, 9), "entrance")
    answer = asked(layout_of([], ROOM), at_spots((8, 5)))
    assert isinstance(answer, NoRoute)
    assert answer.code == "no_start"


def test_a_product_asked_for_twice_is_one_stop() -> None:
    layout = layout_of([], ROOM)
    route = planned(layout, at_spots((5, 5)) * 3, position=Place(0, 1, 1))
    assert route.order == ("p00",)


def test_sixty_stops_are_planned_and_sixty_one_refused() -> None:
    store_map = build_store_map(grid_layout(8, 2))
    rng = Random(1)
    picks = [(rng.randrange(16), rng.random(), rng.random() < 0.5) for _ in range(61)]
    destinations = on_shelves(store_map.layout, picks)
    route = planned(store_map, destinations[:60])
    assert len(route.order) == 60
    assert_legal(store_map.layout, route)
    answer = asked(store_map, destinations)
    assert isinstance(answer, NoRoute)
    assert answer.code == "too_many_stops"


def test_of_several_places_the_one_that_makes_the_walk_shortest_is_chosen() -> None:
    layout = layout_of([], ROOM)
    either = Destination("either", (Place(0, 1, 9), Place(0, 12, 1)))
    route = planned(layout, [*at_spots((18, 1)), either], position=Place(0, 1, 1))
    assert [leg.place for leg in route.legs] == [Place(0, 12, 1), Place(0, 18, 1)]
    assert route.proof == "optimal"


def test_the_walk_ends_at_the_checkout_that_makes_it_shortest() -> None:
    checkouts = [{"name": "near", "at": [0, 1, 9]}, {"name": "far", "at": [0, 19, 9]}]
    layout = layout_of([], ROOM, checkouts=checkouts)
    route = planned(layout, at_spots((17, 1), (5, 1)), position=Place(0, 1, 1), end="checkout")
    assert route.checkout == "far"
    assert route.legs[-1].product_id is None
    assert route.distance_m == pytest.approx(16 + math.dist((17, 1), (19, 9)))
    assert planned(layout, at_spots((17, 1)), position=Place(0, 1, 1)).checkout is None


def test_with_no_products_left_the_walk_leads_to_the_checkout() -> None:
    layout = layout_of([], ROOM, checkouts=[{"name": "1", "at": [0, 5, 1]}])
    route = planned(layout, [], position=Place(0, 1, 1), end="checkout")
    assert (route.checkout, route.distance_m) == ("1", 4.0)


def test_when_no_checkout_can_be_reached_the_products_are_still_routed_and_that_is_said() -> None:
    layout = layout_of([(10, 0, 11, 10)], ROOM, checkouts=[{"name": "1", "at": [0, 15, 5]}])
    route = planned(layout, at_spots((5, 5)), position=Place(0, 1, 1), end="checkout")
    assert (route.order, route.checkout, route.checkout_missing) == (("p00",), None, True)


def one_way_aisle(dy: int, clearance: float = 0.3) -> list[float]:
    """Walks down and up an aisle between two long shelves that is one-way down (dy = 1) or up."""
    zone = {"rect": [5, 2, 7, 8], "direction": [0, dy]}
    layout = layout_of([(2, 2, 5, 8), (7, 2, 10, 8)], ROOM, clearance_m=clearance, floor={"one_way": [zone]})
    answers = []
    for start, end in (((6.0, 1.0), (6.0, 9.0)), ((6.0, 9.0), (6.0, 1.0))):
        route = planned(layout, at_spots(end), position=Place(0, *start))
        assert_legal(layout, route)
        answers.append(route.distance_m)
    return answers


@pytest.mark.parametrize("clearance", [0, 0.3])
def test_a_one_way_aisle_is_walked_in_its_direction_only(clearance: float) -> None:
    down, up = one_way_aisle(1, clearance)
    assert down == pytest.approx(8)
    assert up > 12
    assert one_way_aisle(-1, clearance) == pytest.approx([up, down])


def test_a_dead_end_behind_a_one_way_zone_is_visited_last_or_skipped_before_a_checkout() -> None:
    zone = {"rect": [9, 0, 11, 10], "direction": [1, 0]}
    layout = layout_of([], ROOM, floor={"one_way": [zone]}, checkouts=[{"name": "1", "at": [0, 1, 9]}])
    destinations = at_spots((15, 5), (8, 9), (3, 2))
    route = planned(layout, destinations, position=Place(0, 1, 1))
    assert route.order[-1] == "p00"
    assert_legal(layout, route)
    before_checkout = planned(layout, destinations, position=Place(0, 1, 1), end="checkout")
    assert before_checkout.skipped == (Skipped("p00", "unreachable"),)


def two_floors(**lift: object) -> dict[str, object]:
    floors = [{"floor": number, "bounds": [0, 0, 20, 10], "shelves": [[4, 2, 5, 8]]} for number in (0, 1)]
    connectors = [
        {"kind": "lift", "from": [0, 19, 9], "to": [1, 19, 9], "cost_m": 20} | lift,
        {"kind": "ramp", "from": [1, 19, 1], "to": [0, 19, 1], "cost_m": 30, "one_way": True},
    ]
    return {
        "store": "two-floors",
        "y_axis": "up",
        "clearance_m": 0.3,
        "floors": floors,
        "connectors": connectors,
        "entrances": [[0, 1, 5]],
    }


def test_floors_are_joined_by_rides_that_count_as_metres() -> None:
    layout = parse_layout(two_floors())
    route = planned(layout, [Destination("up", (Place(1, 18, 9),))], position=Place(0, 18, 9))
    assert route.distance_m == pytest.approx(22)
    assert route.legs[0].rides == (None, 0, None)
    assert_legal(layout, route)
    there_and_back = planned(
        layout,
        [Destination("up", (Place(1, 18, 1),)), Destination("down", (Place(0, 18, 1),))],
        position=Place(0, 18, 9),
    )
    assert there_and_back.order == ("down", "up")


def test_a_one_way_ride_and_a_closed_one_are_not_taken() -> None:
    store_map = build_store_map(parse_layout(two_floors()))
    down = [Destination("down", (Place(0, 18, 1),))]
    assert planned(store_map, down, position=Place(1, 18, 1)).legs[0].rides == (None, 1, None)
    no_lift = Overlay(closed_connectors=frozenset({0}))
    up = [Destination("up", (Place(1, 18, 1),))]
    answer = asked(store_map, up, position=Place(0, 18, 1), overlay=no_lift)
    assert isinstance(answer, NoRoute)
    no_ramp = Overlay(closed_connectors=frozenset({1}))
    assert planned(store_map, down, position=Place(1, 18, 1), overlay=no_ramp).legs[0].rides == (None, 0, None)


def test_a_blocked_aisle_is_walked_around_and_the_map_itself_stays_as_it_was() -> None:
    store_map = build_store_map(grid_layout(4, 1))
    destinations = at_spots((7, 11))
    before = planned(store_map, destinations, position=Place(0, 7, 1))
    overlay = Overlay(blocked=(BlockedRect(0, (6, 5, 8, 6)),))
    around = planned(store_map, destinations, position=Place(0, 7, 1), overlay=overlay)
    assert around.distance_m > before.distance_m + 3
    assert_legal(store_map.layout, around, overlay)
    assert planned(store_map, destinations, position=Place(0, 7, 1)) == before


def test_an_overlay_equals_the_layout_with_that_shelf_built_in() -> None:
    base = grid_layout(4, 2)
    pallet = (6.2, 5.0, 7.9, 6.5)
    built_in = layout_of([*base.floors[0].shelves, pallet], base.floors[0].bounds, entrances=base.entrances)
    destinations = on_shelves(base, [(n, 0.3 + n / 20, n % 2 == 0) for n in range(8) if n not in (2, 4)])
    overlaid = planned(base, destinations, overlay=Overlay((BlockedRect(0, pallet),)))
    assert overlaid.distance_m == pytest.approx(planned(built_in, destinations).distance_m, rel=1e-9)


def test_a_product_in_a_blocked_aisle_is_skipped_not_fetched_through_the_shelf() -> None:
    base = grid_layout(4, 1)
    overlay = Overlay(blocked=(BlockedRect(0, (6, 2, 8, 10)),))
    destinations = [*on_shelves(base, [(1, 0.5, True)]), Destination("free", (Place(0, 1, 1),))]
    route = planned(base, destinations, overlay=overlay)
    assert route.skipped == (Skipped("p00", "unreachable"),)


def test_a_cart_standing_in_an_aisle_when_it_is_blocked_finds_its_way_out() -> None:
    base = grid_layout(4, 1)
    overlay = Overlay(blocked=(BlockedRect(0, (6, 5, 8, 6)),))
    route = planned(base, at_spots((7, 11)), position=Place(0, 7, 5.9), overlay=overlay)
    assert route.start.place == Place(0, 7, pytest.approx(6.3))


def test_the_order_is_kept_until_another_is_two_percent_shorter() -> None:
    layout = layout_of([], (0, 0, 100, 100))
    destinations = at_spots((50, 40), (50, 61), (90, 50))
    best = planned(layout, destinations, position=Place(0, 49, 50))
    other = ("p01", "p00", "p02") if best.order[0] == "p00" else ("p00", "p01", "p02")
    kept = planned(layout, destinations, position=Place(0, 49, 50), previous_order=other)
    assert kept.order == other
    assert kept.proof.startswith("gap<=")
    nearer = planned(layout, destinations, position=Place(0, 49, 44), previous_order=("p01", "p00", "p02"))
    assert nearer.order[0] == "p00"


def test_a_new_product_is_slipped_into_the_order_that_is_kept() -> None:
    layout = layout_of([], (0, 0, 100, 100))
    destinations = at_spots((50, 40), (50, 61), (90, 50), (50, 50.1))
    route = planned(layout, destinations, position=Place(0, 49, 50), previous_order=("gone", "p01", "p00", "p02"))
    assert [stop for stop in route.order if stop != "p03"] == ["p01", "p00", "p02"]


def test_the_same_request_gives_the_same_answer_however_it_is_written() -> None:
    store_map = build_store_map(grid_layout(10, 3))
    rng = Random(3)
    picks = [(rng.randrange(30), rng.random(), rng.random() < 0.5) for _ in range(40)]
    destinations = list(on_shelves(store_map.layout, picks))
    first = planned(store_map, destinations, end="checkout")
    for _ in range(3):
        rng.shuffle(destinations)
        assert planned(store_map, destinations, end="checkout") == first
    assert planned(build_store_map(store_map.layout), destinations, end="checkout") == first


def test_eight_clients_on_two_stores_get_the_answers_that_one_client_gets() -> None:
    maps = [build_store_map(grid_layout(8, 2)), build_store_map(parse_layout(two_floors()))]
    rng = Random(8)
    requests = []
    for number in range(32):
        store_map = maps[number % 2]
        size = 15 if number % 8 == 0 else rng.randrange(1, 12)
        picks = [(rng.randrange(99), rng.random(), rng.random() < 0.5) for _ in range(size)]
        requests.append((store_map, RouteRequest(on_shelves(store_map.layout, picks))))
    serial = [plan_route(*request) for request in requests]
    with ThreadPoolExecutor(8) as clients:
        assert list(clients.map(lambda request: plan_route(*request), requests)) == serial


def test_the_line_has_no_middle_points_on_the_way() -> None:
    store_map = build_store_map(grid_layout(10, 3))
    rng = Random(5)
    picks = [(rng.randrange(30), rng.random(), rng.random() < 0.5) for _ in range(20)]
    for leg in planned(store_map, on_shelves(store_map.layout, picks)).legs:
        for a, b, c in zip(leg.path, leg.path[1:], leg.path[2:], strict=False):
            cross = (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)
            assert abs(cross) > 1e-9
