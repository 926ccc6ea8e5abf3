"""Object access, generated from the routes: strangers get 401, neighbours get nothing of Ada's."""

import json
import re

import pytest

from services.gateway.app import ROUTERS, make_app, make_gateway
from services.gateway.routes.health import router as health_router
from tests.integration.gateway.matrix import CALLS, AdasThings
from tests.integration.gateway.shop import ADA, BEN, LoggedIn, Shop, settings_for

ADAS_NAME, ADAS_MAIL = "Ada Augusta", "ada@example.org"
PRIVATE = [route for route, call in CALLS.items() if call.caller != "public"]
OF_SHOPPERS_AND_CARTS = [route for route, call in CALLS.items() if call.caller in ("shopper", "device")]


def _routes_of_the_application() -> set[tuple[str, str]]:
    paths = make_app(make_gateway(settings_for("postgresql://nowhere/none"))).openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_matrix_holds_every_route_of_the_application() -> None:
    assert set(CALLS) == _routes_of_the_application()
    assert health_router in ROUTERS


@pytest.fixture(scope="module")
def shop(shared_shop: Shop) -> Shop:
    return shared_shop


@pytest.fixture(scope="module")
def ada(shop: Shop) -> LoggedIn:
    return shop.log_in(ADA)


@pytest.fixture(scope="module")
def adas(shop: Shop, ada: LoggedIn) -> AdasThings:
    """Ada has a profile, a list, an order, and a cart with goods in it."""
    recipe_id = shop.execute("INSERT INTO recipe (name) VALUES ('Bread and milk') RETURNING recipe_id")[0][0]
    for product_id in (shop.milk, shop.bread):
        shop.execute("INSERT INTO recipe_product (recipe_id, product_id) VALUES (%s, %s)", recipe_id, product_id)
    assert ada.post("/auth/create_profile", json={"user_name": ADAS_NAME, "email": ADAS_MAIL}).status_code == 200
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.bread})
    order_id = ada.post("/orders/checkout").json()["order_id"]
    cart_id = shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    ada.post("/user/checklist/add", json={"product_id": shop.bread, "quantity": 7})
    return AdasThings(cart_id, order_id, recipe_id)


def _state_of(ada: LoggedIn) -> str:
    """Everything of Ada's as she sees it."""
    seen = [ada.get(path).json() for path in ("/user/profile", "/cart/view", "/user/checklist", "/orders/history")]
    return json.dumps(seen)


@pytest.mark.parametrize("route", PRIVATE, ids=lambda route: f"{route[0]} {route[1]}")
@pytest.mark.parametrize("credential", ["none", "nonsense", "other_kind"])
def test_a_stranger_gets_401(shop: Shop, route: tuple[str, str], credential: str) -> None:
    call, things = CALLS[route], AdasThings(shop.carts[0].cart_id, 1, 1)
    headers = {}
    if credential == "nonsense":
        headers = {"Authorization": "Bearer nonsense" if call.caller == "shopper" else "Basic bm9uc2Vuc2U="}
    elif credential == "other_kind":
        headers = {"Authorization": f"Bearer {shop.carts[0].password}"}
    answer = shop.client.request(
        route[0],
        call.path(shop, things) if call.path else route[1],
        params=call.query,
        json=call.body(shop, things) if call.body else None,
        headers=headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("route", OF_SHOPPERS_AND_CARTS, ids=lambda route: f"{route[0]} {route[1]}")
def test_a_neighbour_gets_nothing_of_adas(shop: Shop, ada: LoggedIn, adas: AdasThings, route: tuple[str, str]) -> None:
    call, before = CALLS[route], _state_of(ada)
    ben = shop.log_in(f"+4918000{PRIVATE.index(route):05d}")  # a new neighbour each time
    other_cart = shop.carts[1]
    sent = {
        "params": call.query,
        "json": call.body(shop, adas) if call.body else None,
    }
    path = call.path(shop, adas) if call.path else route[1]
    if call.caller == "shopper":
        answer = ben.request(route[0], path, **sent)
    else:
        answer = shop.client.request(route[0], path, auth=(str(other_cart.cart_id), other_cart.password), **sent)

    assert call.neighbour_gets is not None, "say what a neighbour gets"
    status, code = call.neighbour_gets
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code
    for secret in (ADAS_NAME, ADAS_MAIL, ADA.removeprefix("+")):
        assert secret not in answer.text
    if answer.content and isinstance(answer.json(), dict):
        assert answer.json().get("user_id", ben.user_id) == ben.user_id
    assert _state_of(ada) == before


@pytest.mark.parametrize("route", [("GET", "/orders/{order_id}"), ("GET", "/orders/{order_id}/receipt")])
def test_a_foreign_thing_answers_exactly_like_one_that_does_not_exist(
    shop: Shop, adas: AdasThings, route: tuple[str, str]
) -> None:
    ben = shop.log_in(BEN)
    foreign = ben.get(route[1].replace("{order_id}", str(adas.order_id)))
    missing = ben.get(route[1].replace("{order_id}", "2147480000"))
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)


def test_every_path_parameter_is_aimed_at_adas_thing() -> None:
    """A route with an id of a private thing in its path must name Ada's in the matrix."""
    for (method, path), call in CALLS.items():
        if re.search(r"{(cart|order)_id}", path) and call.caller in ("shopper", "device"):
            assert call.path is not None, (method, path)
            assert call.neighbour_gets is not None
            assert call.neighbour_gets[0] in (403, 404)
