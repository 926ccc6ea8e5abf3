"""Store maps in a running gateway: built once per layout version, off the request path, for many shoppers at once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from services.gateway import store_maps
from services.gateway.store_maps import StillBuilding, StoreMaps
from shared.navigation import Layout, StoreMap, build_store_map
from tests.eventually import eventually
from tests.integration.gateway.shop import Shop
from tests.integration.gateway.walking import Visit, enter, grid, order, room


class SlowBuilder:
    """Builds maps when told to, and counts them by store."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.begun: list[str] = []

    def __call__(self, layout: Layout) -> StoreMap:
        self.begun.append(layout.store)
        assert self.go_on.wait(20)
        return build_store_map(layout)


@pytest.fixture
def slow_builder(monkeypatch: pytest.MonkeyPatch) -> SlowBuilder:
    builder = SlowBuilder()
    monkeypatch.setattr(store_maps, "build_store_map", builder)
    return builder


def test_a_map_is_built_once_per_layout_version(shared_shop: Shop, slow_builder: SlowBuilder) -> None:
    slow_builder.go_on.set()
    visit = enter(shared_shop, room())
    product = visit.put((5, 5))
    for _ in range(5):
        visit.walk(product)
    shared_shop.gateway.store_maps.look()
    assert slow_builder.begun.count(visit.store) == 1
    visit.import_layout(room((8, 8, 9, 9)))
    visit.walk(product)
    assert slow_builder.begun.count(visit.store) == 2


def test_while_a_map_is_built_everybody_else_is_answered(
    shop: Shop, slow_builder: SlowBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_maps, "WAIT_FOR_BUILD_S", 30.0)
    slow_builder.go_on.set()
    visit = enter(shop, room())
    product = visit.put((19, 10))
    old = visit.walk(product, start=(1, 10))
    slow_builder.go_on.clear()
    visit.import_layout(room((9, 0, 11, 19)))

    with ThreadPoolExecutor(30) as phones:
        walks = [phones.submit(visit.walk, product, start=(1, 10)) for _ in range(30)]
        eventually(lambda: slow_builder.begun.count(visit.store) == 2)
        began = monotonic()
        assert shop.client.get("/products/offers").status_code == 200
        assert visit.phone.get("/cart/view").status_code == 200
        assert monotonic() - began < store_maps.WAIT_FOR_BUILD_S / 2
        # Those for whom no seat to wait in is left walk by the plan of before.
        eventually(lambda: sum(walk.done() for walk in walks) == 30 - store_maps.MAX_WAITING)
        assert all(walk.result() == old for walk in walks if walk.done())
        waiting = [walk for walk in walks if not walk.done()]
        slow_builder.go_on.set()
        assert all(walk.result()["total_distance"] > 20 for walk in waiting)


def test_before_the_first_map_is_ready_a_phone_is_told_to_come_back(
    shop: Shop, slow_builder: SlowBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_maps, "WAIT_FOR_BUILD_S", 0.05)
    visit = enter(shop, room())
    product = visit.put((5, 5))
    answer = visit.ask(product)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["Retry-After"]) >= 1
    slow_builder.go_on.set()
    eventually(lambda: visit.ask(product).status_code == 200)


def test_a_plan_that_breaks_the_builder_hurts_its_own_store_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = enter(shop, None)

    def build(layout: Layout) -> StoreMap:
        if layout.store == broken.store:
            raise ArithmeticError
        return build_store_map(layout)

    monkeypatch.setattr(store_maps, "build_store_map", build)
    broken.import_layout(room())
    assert broken.ask(broken.put((5, 5))).json()["code"] == "no_layout"
    well = enter(shop, room())
    assert well.walk(well.put((5, 5)))["total_distance"] > 0


def test_a_map_nobody_started_to_build_is_still_building(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_maps, "WAIT_FOR_BUILD_S", 0.01)
    assert StoreMaps(shop.gateway.pool).find(1, 1) == StillBuilding()


def test_eight_phones_in_two_stores_get_the_answers_that_one_phone_gets(shared_shop: Shop) -> None:
    visits = [enter(shared_shop, grid(8, 2)), enter(shared_shop, grid(5, 3, y_axis="up"))]
    draw = random.Random(8)
    asked: list[tuple[Visit, dict[str, Any]]] = []
    for visit in visits:
        places = [(3 + 3 * draw.randrange(5), 2 + 10 * draw.randrange(2) + 8 * draw.random()) for _ in range(30)]
        products = [visit.put(spot) for spot in places]
        for size in (1, 3, 8, 12, 14, 16, 20, 30):
            wanted = [{"product_id": one} for one in draw.sample(products, size)]
            asked.append((visit, {"destinations": wanted, "end": draw.choice(["none", "checkout"])}))
    draw.shuffle(asked)

    def answer(question: tuple[Visit, dict[str, Any]]) -> dict[str, Any]:
        visit, body = question
        reply = visit.phone.post("/cart/shortest_path", json=body)
        assert reply.status_code == 200, reply.text
        walk: dict[str, Any] = reply.json()
        return walk

    serial = [answer(question) for question in asked]
    assert all(order(walk) for walk in serial)
    with ThreadPoolExecutor(8) as phones:
        for _ in range(2):
            assert list(phones.map(answer, asked)) == serial
