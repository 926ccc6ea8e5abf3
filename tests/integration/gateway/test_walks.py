"""Every behaviour that a shopper may count on when asking for a walk, through the endpoint."""

import math
from typing import Any

import pytest

from services.gateway import store_maps
from tests.integration.gateway.shop import Shop
from tests.integration.gateway.walking import Visit, enter, grid, order, place, reasons, room, smartcart


@pytest.fixture
def empty_room(shared_shop: Shop) -> Visit:
    """20 m x 20 m, entrance in a corner."""
    return enter(shared_shop, room(checkouts=[{"name": "1", "at": [0, 19, 19]}]))


def code_of(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["code"], str(body["detail"]).partition(":")[0]


def test_what_cannot_be_walked_to_is_skipped_with_its_reason_and_the_rest_is_routed(shared_shop: Shop) -> None:
    visit = enter(shared_shop, room((10, 10, 20, 11), (10, 11, 11, 20)))
    good, nowhere, far, other_floor = visit.put((5, 5)), visit.put(), visit.put((50, 5)), visit.put((5, 5, 7))
    behind_the_shelves = visit.put((15, 15))

    walk = visit.walk(good, nowhere, far, other_floor, behind_the_shelves, 987_654_321)

    assert order(walk) == [good]
    assert reasons(walk) == {
        nowhere: "no_place",
        far: "off_map",
        other_floor: "unknown_floor",
        behind_the_shelves: "unreachable",
        987_654_321: "unknown_product",
    }


def test_when_nothing_is_left_the_refusal_names_every_reason(empty_room: Visit) -> None:
    nowhere, far = empty_room.put(), empty_room.put((50, 5))
    for end in ("none", "checkout"):
        answer = empty_room.ask(nowhere, far, 987_654_321, end=end)
        assert code_of(answer) == (422, "no_route", "nothing_left")
        for reason in (f"{nowhere} no_place", f"{far} off_map", "987654321 unknown_product"):
            assert reason in answer.json()["detail"]
    assert code_of(empty_room.ask(987_654_321, end="checkout")) == (422, "no_route", "nothing_left")


def test_a_product_inside_a_shelf_is_fetched_at_its_nearest_walkable_face(shared_shop: Shop) -> None:
    visit = enter(shared_shop, room((5, 5, 7, 15)))
    [segment] = visit.walk(visit.put((6.8, 10)), start=(1, 10))["segments"]
    assert place(segment["destination"]) == pytest.approx((7.3, 10, 0))
    assert segment["last_instruction"].startswith("Your product is on the")


@pytest.mark.parametrize(
    ("start", "stands_at", "metres"),
    [((6, 10), (4.7, 10), 1.3), ((-1, 10), (0.3, 10), 1.3), ((10, 10), (10, 10), 0)],
    ids=["inside a shelf", "off the map", "on the floor"],
)
def test_a_cart_is_snapped_to_where_it_can_stand_and_told_so(
    shared_shop: Shop, start: tuple[float, float], stands_at: tuple[float, float], metres: float
) -> None:
    visit = enter(shared_shop, room((5, 5, 7.5, 15)))
    begins = visit.walk(visit.put((15, 2)), start=start)["start"]
    assert place(begins) == pytest.approx((*stands_at, 0))
    assert (begins["origin"], begins["snapped"]) == ("position", pytest.approx(metres))


@pytest.mark.parametrize(
    ("start", "code"),
    [((-1.8, 10), "start_off_map"), ((10, 22), "start_off_map"), ((10, 10, 3), "unknown_floor")],
)
def test_a_cart_too_far_off_the_map_gets_no_walk(empty_room: Visit, start: Any, code: str) -> None:
    assert code_of(empty_room.ask(empty_room.put((5, 5)), start=start)) == (422, "no_route", code)


def test_without_a_position_the_walk_begins_at_the_entrance_then_at_the_last_scan_then_where_the_cart_says(
    empty_room: Visit,
) -> None:
    wanted, scanned = empty_room.put((5, 5)), empty_room.put((12, 3))
    begins = empty_room.walk(wanted)["start"]
    assert (begins["origin"], *place(begins)) == ("entrance", 1, 19, 0)
    empty_room.scan(scanned)
    empty_room.scan(empty_room.put())
    begins = empty_room.walk(wanted)["start"]
    assert (begins["origin"], *place(begins)) == ("last_scanned", 12, 3, 0)
    empty_room.stand_at(4, 7)
    begins = empty_room.walk(wanted)["start"]
    assert (begins["origin"], *place(begins)) == ("position", 4, 7, 0)


def test_a_shopper_without_a_cart_starts_at_the_entrance_of_the_first_store(shop: Shop) -> None:
    visit = enter(shop, None, holding_a_cart=False)
    assert visit.ask(shop.milk).json()["code"] == "no_layout"
    first = Visit(shop, visit.phone, "main", visit.cart)
    first.import_layout(room())
    assert first.walk(first.put((5, 5)))["start"]["origin"] == "entrance"


def test_a_product_asked_for_twice_is_one_stop(empty_room: Visit) -> None:
    one, other = empty_room.put((5, 5)), empty_room.put((15, 5))
    assert order(empty_room.walk(one, other, one, one, start=(1, 1))) == [one, other]


def test_sixty_stops_are_planned_and_more_refused(shared_shop: Shop) -> None:
    visit = enter(shared_shop, grid(8, 2))
    products = [visit.put((3 + 3 * (n % 8), 2.5 + 10 * (n // 32) + 0.9 * (n % 9))) for n in range(61)]
    walk = visit.walk(*products[:60], end="checkout")
    assert sorted(order(walk)) == sorted(products[:60])
    assert sorted(order(visit.walk(*products[:60], *products[:60]))) == sorted(products[:60])
    assert code_of(visit.ask(*products)) == (422, "no_route", "too_many_stops")
    assert visit.ask(*products * 4).status_code == 422


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e300", "-1e7", "1e999", '"5"', "null", "[1]"])
@pytest.mark.parametrize("field", ["x", "floor"])
def test_a_number_that_is_no_place_is_refused(empty_room: Visit, field: str, value: str) -> None:
    start = {"x": "1", "y": "1", "floor": "0"} | {field: value}
    numbers = ", ".join(f'"{name}": {number}' for name, number in start.items())
    body = f'{{"destinations": [{{"product_id": 1}}], "start": {{{numbers}}}}}'
    answer = empty_room.phone.post(
        "/cart/shortest_path", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, "code" in answer.json()) == (422, True)


@pytest.mark.parametrize("product_id", [0, -1, 2**31, 2**63, 1e300, "1", None])
def test_an_id_that_is_no_product_id_is_refused(empty_room: Visit, product_id: Any) -> None:
    asked = {"destinations": [{"product_id": product_id}]}
    assert empty_room.phone.post("/cart/shortest_path", json=asked).status_code == 422


@pytest.mark.parametrize(("gap", "is_open"), [(0.59, False), (0.61, True)])
def test_a_gap_narrower_than_twice_the_clearance_is_closed(shared_shop: Shop, gap: float, is_open: bool) -> None:
    visit = enter(shared_shop, room((0, 9, 9, 11), (9 + gap, 9, 16, 11)))
    walk = visit.walk(visit.put((9.3, 15)), start=(9.3, 5))
    straight = walk["total_distance"] == pytest.approx(10)
    assert straight == is_open
    assert is_open or walk["total_distance"] > 18


def test_a_one_way_aisle_is_walked_in_its_direction_only(shared_shop: Shop) -> None:
    aisle = {"rect": [5, 5, 7, 15], "direction": [0, 1]}
    visit = enter(shared_shop, room((4, 5, 5, 15), (7, 5, 8, 15), floor={"one_way": [aisle]}))
    up, down = visit.put((6, 4)), visit.put((6, 16))
    assert visit.walk(down, start=(6, 4))["total_distance"] == pytest.approx(12)
    assert visit.walk(up, start=(6, 16))["total_distance"] > 15


def test_of_several_places_the_one_that_makes_the_walk_shortest_is_chosen(empty_room: Visit) -> None:
    many, far = empty_room.put((2, 3), (18, 10), (10, 19)), empty_room.put((18, 1))
    walk = empty_room.walk(many, far, start=(18, 18))
    assert order(walk) == [many, far]
    assert place(walk["segments"][0]["destination"]) == (18, 10, 0)


def test_the_walk_ends_at_the_checkout_that_makes_it_shortest(shared_shop: Shop) -> None:
    tills = [{"name": name, "at": [0, x, 19]} for name, x in (("left", 2), ("middle", 10), ("right", 18))]
    visit = enter(shared_shop, room(checkouts=tills))
    one, other = visit.put((2, 5)), visit.put((17, 5))
    assert visit.walk(one, start=(1, 1))["way_out"] is None
    assert visit.walk(one, end="checkout", start=(1, 1))["way_out"]["checkout"] == "left"
    walk = visit.walk(one, other, end="checkout", start=(1, 1))
    assert (order(walk), walk["way_out"]["checkout"]) == ([one, other], "right")
    metres = sum(segment["path_length"] for segment in walk["segments"]) + walk["way_out"]["path_length"]
    assert walk["total_distance"] == pytest.approx(metres)
    assert walk["instructions"][-1]["text"] == "You are at checkout right"


def two_floors() -> dict[str, Any]:
    floors = [{"floor": number, "bounds": [0, 0, 20, 20], "shelves": []} for number in (0, 1)]
    lift = {"kind": "lift", "from": [0, 19, 10], "to": [1, 19, 10], "cost_m": 20}
    down = {"kind": "travelator", "from": [1, 1, 10], "to": [0, 1, 10], "cost_m": 5, "one_way": True}
    return {"y_axis": "down", "clearance_m": 0.3, "floors": floors, "connectors": [lift, down]} | {
        "entrances": [[0, 1, 19]]
    }


def test_floors_are_joined_by_connectors_that_may_be_one_way(shared_shop: Shop) -> None:
    visit = enter(shared_shop, two_floors())
    upstairs, downstairs = visit.put((18, 10, 1)), visit.put((2, 10))
    up = visit.walk(upstairs, start=(2, 10))
    assert up["total_distance"] == pytest.approx(17 + 20 + 1)
    assert [point["floor"] for point in up["segments"][0]["path"]] == [0, 0, 1, 1]
    [ride] = [step for step in up["instructions"] if step["kind"] == "floor_change"]
    assert (ride["text"], ride["distance"]) == ("Take the lift to floor 1", 20)
    down = visit.walk(downstairs, start=(18, 10, 1))
    assert down["total_distance"] == pytest.approx(17 + 5 + 1)
    assert "travelator" in " ".join(step["text"] for step in down["instructions"])


@pytest.mark.parametrize(("y_axis", "hand"), [("down", "left"), ("up", "right")])
def test_left_and_right_follow_the_y_axis(shared_shop: Shop, y_axis: str, hand: str) -> None:
    visit = enter(shared_shop, room((0, 8, 10, 9), y_axis=y_axis))
    around_the_end = visit.walk(visit.put((9, 4)), start=(1, 9.3))["instructions"]
    turns = [step["direction"] for step in around_the_end if step["kind"] == "turn"]
    assert turns == [hand, f"slight_{hand}"]
    [*_, arrival] = visit.walk(visit.put((5, 8.9)), start=(1, 9.3))["instructions"]
    assert (arrival["kind"], arrival["side"]) == ("arrive", hand)
    assert arrival["text"] == f"Your product is on the {hand}"


def test_no_destinations_mean_what_is_on_my_list_and_not_in_the_cart(empty_room: Visit) -> None:
    wanted, ticked, other = empty_room.put((5, 5)), empty_room.put((9, 9)), empty_room.put((2, 2))
    assert code_of(empty_room.ask()) == (422, "no_route", "nothing_left")
    for product_id in (wanted, ticked):
        empty_room.phone.post("/user/checklist/add", json={"product_id": product_id, "quantity": 1})
    assert sorted(order(empty_room.walk())) == sorted([wanted, ticked])
    empty_room.scan(ticked)
    assert order(empty_room.walk()) == [wanted]
    assert order(empty_room.walk(other)) == [other]
    empty_room.scan(wanted)
    to_the_till = empty_room.walk(end="checkout")
    assert (to_the_till["segments"], to_the_till["way_out"]["checkout"]) == ([], "1")


def test_a_blocked_aisle_counts_from_the_next_request_on(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = enter(shared_shop, room((4, 2, 5, 18), (8, 2, 9, 18)))
    product = visit.put((6.5, 19))

    def metres() -> float:
        length: float = visit.walk(product, start=(6.5, 1))["total_distance"]
        return length

    assert metres() == pytest.approx(18)
    printed = smartcart(shared_shop, monkeypatch, "aisles", "block", "--store", visit.store, "--rect", "5,9,8,11")
    assert metres() > 19
    smartcart(shared_shop, monkeypatch, "aisles", "unblock", "--store", visit.store, printed.strip()[len("block=") :])
    assert metres() == pytest.approx(18)


def test_a_product_in_a_blocked_aisle_is_skipped(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = enter(shared_shop, room((4, 2, 5, 18), (8, 2, 9, 18)))
    inside, outside = visit.put((6.5, 10)), visit.put((2, 10))
    smartcart(shared_shop, monkeypatch, "aisles", "block", "--store", visit.store, "--rect", "5,5,8,15")
    walk = visit.walk(inside, outside)
    assert (order(walk), reasons(walk)) == ([outside], {inside: "unreachable"})


def test_a_closed_connector_counts_from_the_next_request_on(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = enter(shared_shop, two_floors())
    upstairs, downstairs = visit.put((18, 10, 1)), visit.put((2, 10))
    assert len(order(visit.walk(upstairs, downstairs))) == 2
    smartcart(shared_shop, monkeypatch, "aisles", "block", "--store", visit.store, "--connector", "0")
    assert reasons(visit.walk(upstairs, downstairs)) == {upstairs: "unreachable"}
    assert order(visit.walk(downstairs, start=(18, 10, 1))) == [downstairs]


def test_the_order_is_kept_until_another_is_two_percent_shorter(shared_shop: Shop) -> None:
    visit = enter(shared_shop, room(bounds=(0, 0, 100, 100)))
    near, far, last = visit.put((50, 40)), visit.put((50, 61)), visit.put((90, 50))
    assert order(visit.walk(near, far, last, start=(49, 50)))[0] == near
    kept = visit.walk(near, far, last, start=(49, 50), previous_order=[far, near, last])
    assert order(kept) == [far, near, last]
    assert kept["proof"].startswith("gap<=")
    for moved in ((49, 50.2), (49, 49.9)):
        assert order(visit.walk(near, far, last, start=moved, previous_order=[far, near, last])) == [far, near, last]
    assert order(visit.walk(near, far, last, start=(49, 44), previous_order=[far, near, last]))[0] == near
    ticked = visit.walk(near, last, start=(50, 61), previous_order=[far, near, last])
    assert order(ticked) == [near, last]


def test_the_same_request_gives_the_same_answer_however_it_is_written(shared_shop: Shop) -> None:
    visit = enter(shared_shop, grid(8, 2))
    products = [visit.put((3 + 3 * (n % 8), 3 + 10 * (n // 12) + 0.7 * (n % 7))) for n in range(24)]
    first = visit.walk(*products, end="checkout")
    for asked in (products, products[::-1], products[5:] + products[:5]):
        assert visit.walk(*asked, end="checkout") == first


def test_a_new_layout_is_used_as_soon_as_it_is_in_force(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_maps, "LOOK_EVERY_S", 3600.0)
    visit = enter(shared_shop, room())
    product = visit.put((19, 10))
    assert visit.walk(product, start=(1, 10))["total_distance"] == pytest.approx(18)
    visit.import_layout(room((9, 0, 11, 19)))
    assert visit.walk(product, start=(1, 10))["total_distance"] > 2 * math.hypot(8, 9)
    visit.import_layout(room())
    assert visit.walk(product, start=(1, 10))["total_distance"] == pytest.approx(18)


def test_the_line_keeps_its_distance_and_turns_only_where_it_must(shared_shop: Shop) -> None:
    visit = enter(shared_shop, room((4, 5, 10, 15)))
    [segment] = visit.walk(visit.put((15, 10)), start=(1, 10))["segments"]
    corners = [place(point)[:2] for point in segment["path"]]
    assert corners in (
        [pytest.approx(corner) for corner in ((1, 10), (3.7, 4.7), (10.3, 4.7), (15, 10))],
        [pytest.approx(corner) for corner in ((1, 10), (3.7, 15.3), (10.3, 15.3), (15, 10))],
    )


def test_a_store_without_a_plan_says_so(shared_shop: Shop) -> None:
    visit = enter(shared_shop, None)
    answer = visit.ask(visit.put((1, 1)))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_layout")
