"""Every route: who may call it, a call that is in shape, and what a neighbour gets who aims at Ada's things.

A new route that is not here fails the tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.integration.gateway.shop import Shop

Caller = Literal["public", "shopper", "device", "operator", "manager"]


@dataclass(frozen=True)
class AdasThings:
    """What belongs to Ada when Ben comes by."""

    cart_id: int
    order_id: int
    recipe_id: int


@dataclass(frozen=True)
class Call:
    """One call in shape. `aims_at`: what of Ada's the call names; empty when only the token says whose it is."""

    caller: Caller
    path: Callable[[Shop, AdasThings], str] | None = None
    body: Callable[[Shop, AdasThings], Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    neighbour_gets: tuple[int, str | None] | None = None


def _product(shop: Shop, _: AdasThings) -> Any:
    return {"product_id": shop.milk}


CALLS: dict[tuple[str, str], Call] = {
    ("POST", "/auth/verify_mobile"): Call("public", body=lambda *_: {"mobile_number": "+491700000009"}),
    ("POST", "/auth/verify_otp"): Call("public", body=lambda *_: {"mobile_number": "+491700000009", "otp": "000000"}),
    ("POST", "/auth/refresh"): Call("public", body=lambda *_: {"refresh_token": "x" * 43}),
    ("POST", "/auth/logout"): Call("shopper", neighbour_gets=(204, None)),
    ("POST", "/auth/create_profile"): Call("shopper", body=lambda *_: {"user_name": "Ben"}, neighbour_gets=(200, None)),
    ("POST", "/auth/complete_profile"): Call(
        "shopper", body=lambda *_: {"user_name": "Ben"}, neighbour_gets=(200, None)
    ),
    ("GET", "/user/profile"): Call("shopper", neighbour_gets=(200, None)),
    ("PATCH", "/user/profile"): Call("shopper", body=lambda *_: {"user_name": "Ben"}, neighbour_gets=(200, None)),
    ("GET", "/user/export"): Call("shopper", neighbour_gets=(200, None)),
    ("DELETE", "/user"): Call("shopper", neighbour_gets=(204, None)),
    ("GET", "/user/checklist"): Call("shopper", neighbour_gets=(200, None)),
    ("POST", "/user/checklist/add"): Call(
        "shopper", body=lambda shop, _: {"product_id": shop.milk, "quantity": 1}, neighbour_gets=(200, None)
    ),
    ("POST", "/user/checklist/remove"): Call("shopper", body=_product, neighbour_gets=(404, "not_on_checklist")),
    ("GET", "/user/recipes"): Call("shopper", neighbour_gets=(200, None)),
    ("GET", "/user/recipes/{recipe_id}"): Call(
        "shopper", path=lambda _, ada: f"/user/recipes/{ada.recipe_id}", neighbour_gets=(200, None)
    ),
    ("POST", "/user/recipes/{recipe_id}/add_to_checklist"): Call(
        "shopper", path=lambda _, ada: f"/user/recipes/{ada.recipe_id}/add_to_checklist", neighbour_gets=(200, None)
    ),
    ("GET", "/products/offers"): Call("public"),
    ("GET", "/products/search"): Call("public", query={"query": "milk"}),
    ("GET", "/products/by_code/{code}"): Call("public", path=lambda *_: "/products/by_code/9520000000011"),
    ("GET", "/products/{product_id}"): Call("public", path=lambda shop, _: f"/products/{shop.milk}"),
    ("POST", "/cart/connect"): Call(
        "shopper",
        body=lambda shop, ada: {"cart_id": ada.cart_id, "pairing_code": shop.pairing_code(ada.cart_id)},
        neighbour_gets=(409, "cart_in_use"),
    ),
    ("GET", "/cart/view"): Call("shopper", neighbour_gets=(404, "no_cart")),
    ("POST", "/cart/item/add"): Call("shopper", body=_product, neighbour_gets=(404, "no_cart")),
    ("POST", "/cart/item/remove"): Call("shopper", body=_product, neighbour_gets=(404, "no_cart")),
    ("POST", "/cart/disconnect"): Call("shopper", query={"abandon": "true"}, neighbour_gets=(404, "no_cart")),
    ("GET", "/cart/{cart_id}/location"): Call(
        "shopper", path=lambda _, ada: f"/cart/{ada.cart_id}/location", neighbour_gets=(403, "not_your_cart")
    ),
    ("GET", "/cart/product_locations"): Call("shopper", query={"product_ids": "1"}, neighbour_gets=(200, None)),
    ("POST", "/cart/shortest_path"): Call(
        "shopper", body=lambda shop, _: {"destinations": [{"product_id": shop.milk}]}, neighbour_gets=(404, "no_layout")
    ),
    ("POST", "/cart/esp32/add_item"): Call(
        "device",
        body=lambda _, ada: {"cart_id": ada.cart_id, "barcode": "9520000000011"},
        neighbour_gets=(403, "not_your_cart"),
    ),
    ("POST", "/cart/esp32/update_item"): Call(
        "device",
        body=lambda _, ada: {"cart_id": ada.cart_id, "barcode": "9520000000011"},
        neighbour_gets=(403, "not_your_cart"),
    ),
    ("POST", "/orders/checkout"): Call("shopper", neighbour_gets=(404, "no_cart")),
    ("GET", "/orders/history"): Call("shopper", neighbour_gets=(200, None)),
    ("GET", "/orders/{order_id}"): Call(
        "shopper", path=lambda _, ada: f"/orders/{ada.order_id}", neighbour_gets=(404, "unknown_order")
    ),
    ("GET", "/orders/{order_id}/receipt"): Call(
        "shopper", path=lambda _, ada: f"/orders/{ada.order_id}/receipt", neighbour_gets=(404, "unknown_order")
    ),
    ("GET", "/misc/foodtypes-categories"): Call("public"),
    ("GET", "/misc/store-sections"): Call("public"),
    ("GET", "/misc/images/{name}"): Call("public", path=lambda *_: "/misc/images/milk.png"),
    ("GET", "/stores/plan"): Call("public"),
    ("GET", "/stores/{store}/plan"): Call("public", path=lambda *_: "/stores/main/plan"),
    ("POST", "/mqtt/token"): Call("shopper", neighbour_gets=(200, None)),
    ("POST", "/console/api/login"): Call("public", body=lambda *_: {"name": "nobody", "password": "not a password"}),
    ("POST", "/console/api/logout"): Call("operator"),
    ("GET", "/console/api/me"): Call("operator"),
    ("GET", "/console/api/stores"): Call("operator"),
    ("GET", "/console/api/live"): Call("operator"),
    ("POST", "/console/api/alerts/{alert_id}/claim"): Call("operator", path=lambda *_: "/console/api/alerts/1/claim"),
    ("POST", "/console/api/alerts/{alert_id}/resolve"): Call(
        "operator", path=lambda *_: "/console/api/alerts/1/resolve"
    ),
    ("GET", "/console/api/carts/{cart_id}/events"): Call(
        "operator", path=lambda _, ada: f"/console/api/carts/{ada.cart_id}/events"
    ),
    ("GET", "/console/api/carts/{cart_id}/refused"): Call(
        "operator", path=lambda _, ada: f"/console/api/carts/{ada.cart_id}/refused"
    ),
    ("GET", "/console/api/dead_letters"): Call("operator"),
    ("GET", "/console/api/dead_letters/{dead_letter_id}"): Call(
        "operator", path=lambda *_: "/console/api/dead_letters/1"
    ),
    ("POST", "/console/api/dead_letters/{dead_letter_id}/retry"): Call(
        "manager", path=lambda *_: "/console/api/dead_letters/1/retry"
    ),
    ("POST", "/console/api/blocks"): Call(
        "manager", body=lambda *_: {"place": {"floor": 0, "x1": 1, "y1": 1, "x2": 2, "y2": 2}}
    ),
    ("DELETE", "/console/api/blocks/{block_id}"): Call("manager", path=lambda *_: "/console/api/blocks/1"),
    ("GET", "/console/api/ingest"): Call("operator"),
    ("GET", "/console/api/actions"): Call("operator"),
    ("GET", "/healthz"): Call("public"),
    ("GET", "/readyz"): Call("public"),
    ("GET", "/metrics"): Call("public"),
}
