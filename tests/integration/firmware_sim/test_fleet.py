"""A fleet against a stub store, over real TCP: whole trips, a bad radio, a backend that goes away and comes back."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from firmware_sim.cart import CartCredential, SimCart
from firmware_sim.catalogue import map_items
from firmware_sim.connection import Broker
from firmware_sim.fleet import Fleet, Report, play
from firmware_sim.journal import Journal
from firmware_sim.phone import FixedCode
from firmware_sim.plan import plan_trips
from firmware_sim.radio import Weather
from tests.integration.firmware_sim.stub_store import CODE, STORE, StubStore, stub_catalogue

BASKETS = [tuple(f"product {number}" for number in range(first, first + 4)) for first in range(1, 40)]
MAPPING = map_items(BASKETS, stub_catalogue())


@pytest.fixture
def store() -> Iterator[StubStore]:
    with StubStore() as running:
        yield running


def credential(cart_id: int) -> CartCredential:
    return CartCredential(cart_id, STORE, f"cart-{cart_id}", "secret")


def play_in(
    store: StubStore,
    *,
    carts: int = 8,
    trips: int = 24,
    weather: Weather | None = None,
    speed: float = 300,
    seed: int = 7,
) -> Report:
    weather = weather or Weather()
    fleet = Fleet(
        [credential(number) for number in range(1, carts + 1)],
        store.mqtt_url,
        store.http_url,
        FixedCode(CODE),
        run=1,
        seed=seed,
        speed=speed,
        weather=weather,
        telemetry_every_s=0.5,
        patience_s=30,
        device_patience_s=0.3,
    )
    return play(fleet, plan_trips(seed, trips, BASKETS, MAPPING, weather), MAPPING)


def test_every_trip_ends_with_an_order_equal_to_the_ledger(store: StubStore) -> None:
    report = play_in(store)
    assert report.unfinished == {}
    assert report.differences == []
    assert report.equal_trips == 24
    assert report.orders == sum(len(orders) for orders in store.orders.values())
    assert report.events == report.settled > 24 * 4
    assert report.resent == 0
    assert sum(store.wills.values()) == 0


def test_a_wrong_order_is_found_and_named(store: StubStore) -> None:
    store.sabotage = True
    report = play_in(store, carts=2, trips=3)
    assert report.different_trips == report.orders > 0
    assert not report.is_clean
    assert "pieces" in report.differences[0].what


def test_bad_radio_and_power_cuts_change_no_order(store: StubStore) -> None:
    weather = Weather(loss=0.05, duplicate=0.1, reorder=6, disconnect=0.05, power_cut=0.1, erase=0.4)
    report = play_in(store, trips=30, weather=weather)
    assert report.unfinished == {}
    assert report.differences == []
    assert report.power_cuts > 0
    assert report.reconnects > 0
    assert report.radio_lost > 0
    assert sum(store.wills.values()) > 0


def test_the_same_seed_scans_the_same_goods_whatever_the_radio_does() -> None:
    def bought(weather: Weather) -> list[list[tuple[int, int]]]:
        with StubStore() as store:
            assert play_in(store, carts=4, trips=8, weather=weather).is_clean
            orders = [order for orders in store.orders.values() for order in orders]
            return sorted(sorted((item["product_id"], item["quantity"]) for item in order["items"]) for order in orders)

    assert bought(Weather()) == bought(Weather(loss=0.1, duplicate=0.1, reorder=4))


def test_a_fleet_survives_a_backend_that_goes_away_and_comes_back(store: StubStore) -> None:
    stop = threading.Event()

    def trouble() -> None:
        for away in (True, False, True, False):
            stop.wait(0.3)
            store.away = away
            store.break_all_connections()

    thread = threading.Thread(target=trouble)
    thread.start()
    try:
        report = play_in(store, trips=16)
    finally:
        stop.set()
        thread.join()
    assert report.unfinished == {}
    assert report.differences == []
    assert report.http_retries > 0
    assert report.reconnects > 0


def test_a_single_cart_can_be_driven_step_by_step(store: StubStore) -> None:
    async def drive() -> None:
        cart = SimCart(credential(1), Broker.from_url(store.mqtt_url), journal=Journal(epoch=5))
        cart.start()
        cart.scan(stub_catalogue()[0].codes[0], quantity=3)
        assert await cart.until_settled(10)
        assert cart.state is not None
        assert cart.state.lines[0].quantity == 3
        assert (cart.state.ack.epoch, cart.state.ack.seq) == (5, 1)
        cart.power_cut(keep_journal=False)
        cart.remove(stub_catalogue()[0].codes[0])
        assert await cart.until_settled(10)
        assert (cart.state.ack.epoch, cart.state.ack.seq) == (6, 1)
        assert cart.state.lines[0].quantity == 2
        await cart.close()

    asyncio.run(drive())
    assert store.births[1] == 2
    assert store.wills[1] == 1


def test_a_store_that_closes_sends_everybody_home(store: StubStore) -> None:
    fleet = Fleet([credential(1)], store.mqtt_url, store.http_url, FixedCode(CODE), run=1, speed=50, patience_s=5)
    told: list[str] = []
    report = play(fleet, plan_trips(1, 1000, BASKETS, MAPPING, Weather()), MAPPING, tell=told.append, for_s=1.5)
    assert report.trips < 1000
    assert any(sentence.startswith("cart 1 scanned Product") for sentence in told)
    assert store.carts[1].holder is None
