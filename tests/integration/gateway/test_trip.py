"""The shopper's whole trip over REST."""

from tests.integration.gateway.shop import LoggedIn, Shop


def test_a_shopper_logs_in_takes_a_cart_shops_and_pays(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.connect(ada)
    for product_id in (shop.milk, shop.milk, shop.bread):
        assert ada.post("/cart/item/add", json={"product_id": product_id}).status_code == 200
    assert ada.post("/cart/item/remove", json={"product_id": shop.bread}).json() == {
        "message": "Taken out of the cart."
    }

    cart = ada.get("/cart/view").json()
    assert cart["cart_id"] == cart_id
    assert [(item["product_id"], item["quantity"], item["line_total"]) for item in cart["items"]] == [
        (shop.milk, 2, 1.98)
    ]
    assert (cart["subtotal"], cart["discount"], cart["total"], cart["total_weight"]) == (2.58, 0.6, 1.98, 2060)

    order = ada.post("/orders/checkout")
    assert order.status_code == 201
    assert {name: order.json()[name] for name in ("user_id", "total_products", "total_price", "discounted_price")} == {
        "user_id": ada.user_id,
        "total_products": 2,
        "total_price": 2.58,
        "discounted_price": 1.98,
    }
    history = ada.get("/orders/history").json()
    assert [one["order_id"] for one in history] == [order.json()["order_id"]]
    receipt = ada.get(f"/orders/{order.json()['order_id']}/receipt").json()
    assert history[0]["weight_verdict"] == receipt["weight_verdict"] == "unknown", "this cart never weighed itself"
    assert history[0]["items"] == [
        {"product_id": shop.milk, "quantity": 2, "price": 1.29, "discounted_price": 0.99, "product_name": "Fresh milk"}
    ]
    assert ada.get("/cart/view").json()["code"] == "no_cart"


def test_the_phone_gets_credentials_for_its_own_live_cart_only(shop: Shop, ada: LoggedIn) -> None:
    token = ada.post("/mqtt/token").json()
    assert (token["username"], token["client_id"]) == (f"shopper-{ada.user_id}",) * 2
    assert token["topic"] == f"smartcart/v1/shoppers/{ada.user_id}/cart"
    assert token["password"]


def test_the_gateway_says_that_it_is_alive_and_ready(shop: Shop) -> None:
    assert shop.client.get("/healthz").json() == {"status": "alive"}
    assert shop.client.get("/readyz").json() == {"status": "ready"}
    assert "gateway_requests_total" in shop.client.get("/metrics").text
