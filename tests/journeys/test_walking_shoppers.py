"""The demo's shoppers walk as the gateway plans: along aisles and around what is closed; what they buy they pay."""

from collections.abc import Iterator

import numpy as np
import pytest

from firmware_sim.catalogue import map_items
from firmware_sim.device import Device, Publish
from firmware_sim.fleet import Fleet, Report, play
from firmware_sim.phone import FixedCode
from firmware_sim.plan import plan_trip
from firmware_sim.radio import Weather
from firmware_sim.shopper import Tell, keep_silent
from services.operations.demo_store import LAYOUT
from services.operations.layout import read_document
from shared.navigation.layout import parse_layout
from shared.navigation.walkable import build_floor_space, is_walkable
from tests.journeys.phone import Phone
from tests.journeys.stack import ONE_TIME_CODE, Stack

SPEED = 20.0  # 16 m/s: a walk through the store takes a few seconds
TOLD_EVERY_S = 0.05
ROUNDING_M = 0.01  # of a position on the wire
BASKETS = [
    ("Ciabatta", "Toilet paper", "Banana", "Whole milk", "Spaghetti", "Cola"),
    ("Butter", "Pears", "Ciabatta", "Goat cheese", "Black pepper"),
    ("Banana", "Apples, green, bag", "Popcorn, sweet"),
]
BAKERY = "5.5,2.5,9.5,9.5"

Where = tuple[float, float, int] | None


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Where]:
    """Every position that a cart tells, as it tells it."""
    places: list[Where] = []
    tell = Device.telemetry

    def listen(device: Device, where: Where, battery_pct: int, rssi_dbm: int) -> Publish:
        places.append(where)
        return tell(device, where, battery_pct, rssi_dbm)

    monkeypatch.setattr(Device, "telemetry", listen)
    return places


@pytest.fixture
def closed_bakery(stack: Stack) -> Iterator[None]:
    """The bakery's aisles are closed while the test runs."""
    number = stack.must("aisles", "block", "--rect", BAKERY).partition("=")[2].strip()
    yield
    stack.must("aisles", "unblock", number)


def walk(stack: Stack, run: int, trips: int, tell: Tell = keep_silent, carts: int = 3) -> Report:
    mapping = map_items(BASKETS, stack.products())
    fleet = Fleet(
        credentials=stack.add_carts(carts),
        mqtt_url=stack.address.mqtt_url,
        http_url=stack.address.http_url,
        codes=FixedCode(ONE_TIME_CODE),
        run=run,
        speed=SPEED,
        telemetry_every_s=TOLD_EVERY_S,
        patience_s=30,
        walks=True,
    )
    planned = (plan_trip(1, number, BASKETS[number % 3], mapping, Weather()) for number in range(1, trips + 1))
    return play(fleet, planned, mapping, tell=tell)


def assert_all_walkable(told: list[Where]) -> None:
    layout = parse_layout(read_document(LAYOUT))
    space = build_floor_space(layout.floors[0], layout.clearance_m - ROUNDING_M)
    places = [where for where in told if where is not None]
    assert len({where[:2] for where in places}) > 30, "they stand still"
    assert {floor for _, _, floor in places} == {0}
    walkable = is_walkable(space, np.array([where[:2] for where in places]))
    assert [where for where, free in zip(places, walkable, strict=True) if not free] == []


def test_carts_are_told_nowhere_but_where_a_cart_can_stand(stack: Stack, told: list[Where]) -> None:
    report = walk(stack, run=700_001, trips=6)
    assert report.unfinished == {}
    assert report.differences == []
    assert report.orders + report.equal_trips > 6
    assert_all_walkable(told)


def test_what_lies_in_a_closed_aisle_is_walked_around_and_not_bought(
    stack: Stack, told: list[Where], closed_bakery: None
) -> None:
    said: list[str] = []
    report = walk(stack, run=700_002, trips=3, tell=said.append)
    assert report.is_clean
    x1, y1, x2, y2 = map(float, BAKERY.split(","))
    inside = [where for where in told if where and x1 < where[0] < x2 and y1 < where[1] < y2]
    assert inside == []
    assert_all_walkable(told)
    assert any("finds no way" in sentence for sentence in said)
    assert not any("Ciabatta" in sentence for sentence in said)
    assert any("Toilet paper" in sentence for sentence in said)


def test_a_trip_that_its_shopper_ends_by_phone_is_left_and_the_next_one_begins(stack: Stack) -> None:
    paid: list[int] = []

    def pay_after_the_first_scan(sentence: str) -> None:
        if "scanned" in sentence and not paid:
            phone = Phone(stack.address.http_url, "+99970000300001")
            paid.append(phone.check_out().status_code)
            phone.close()

    report = walk(stack, run=700_003, trips=2, tell=pay_after_the_first_scan, carts=1)
    assert paid == [201]
    assert report.unfinished == {1: "the trip was ended by phone"}
    assert report.equal_trips == 1
