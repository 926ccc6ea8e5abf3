"""Each row of the REST contract on a good day: exactly the fields that the phone app knows, and their types."""

from typing import Any

import pytest

from tests.integration.gateway.shop import BEN, LoggedIn, Shop

NUMBER = (int, float)
PRODUCT = {
    "product_id": int,
    "product_name": str,
    "price": NUMBER,
    "discounted_price": (*NUMBER, type(None)),
    "barcode": str,
    "weight": (int, type(None)),
    "expiry": (str, type(None)),
    "category_id": (int, type(None)),
    "offer_name": (str, type(None)),
    "brand": (str, type(None)),
    "image": (str, type(None)),
}


def assert_has(body: dict[str, Any], shape: dict[str, Any]) -> None:
    """Every named field is there with its type; bool does not pass for int."""
    for name, kind in shape.items():
        assert name in body, f"{name} is missing in {sorted(body)}"
        assert isinstance(body[name], kind), f"{name} is {body[name]!r}"
        assert not (isinstance(body[name], bool) and kind in (int, NUMBER)), name


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """The shop with a section, places, an offer, a category, food types and a recipe."""
    store = shop.execute("SELECT store_id FROM store")[0][0]
    section = shop.execute(
        "INSERT INTO store_section (store_id, name, x1, y1, x2, y2, floor) VALUES (%s, 'Dairy', 0, 0, 5, 5, 0)"
        " RETURNING section_id",
        store,
    )[0][0]
    shop.execute(
        "INSERT INTO product_location (store_id, product_id, section_id, floor, x, y, aisle_num, shelf_num)"
        " VALUES (%s, %s, %s, 0, 1.5, 2.5, '3', 'B')",
        store,
        shop.milk,
        section,
    )
    shop.execute("INSERT INTO category (name) VALUES ('Dairy')")
    shop.execute("UPDATE product SET category_id = (SELECT category_id FROM category) WHERE product_id = %s", shop.milk)
    shop.execute("INSERT INTO food_type (name) VALUES ('Vegetarian'), ('Vegan')")
    shop.execute(
        "INSERT INTO product_food_type SELECT %s, food_type_id FROM food_type WHERE name = 'Vegetarian'", shop.milk
    )
    shop.execute("INSERT INTO recipe (name) VALUES ('Bread and milk')")
    for product_id in (shop.milk, shop.bread):
        shop.execute("INSERT INTO recipe_product SELECT recipe_id, %s FROM recipe", product_id)
    return shop


def test_verify_mobile_and_otp(shop: Shop) -> None:
    assert_has(ok(shop.client.post("/auth/verify_mobile", json={"mobile_number": BEN})), {"message": str})
    code = shop.codes.newest(BEN)
    body = ok(shop.client.post("/auth/verify_otp", json={"mobile_number": BEN, "otp": code}))
    assert_has(body, {"token": str, "user_id": int, "refresh_token": str, "expires_in": int})
    assert body["is_profile_complete"] is False


@pytest.mark.parametrize("path", ["/auth/create_profile", "/auth/complete_profile"])
def test_create_profile(stocked: Shop, path: str) -> None:
    ada = stocked.log_in()
    body = ok(
        ada.post(
            path,
            json={
                "user_name": "Ada",
                "email": "ada@example.org",
                "user_foodtype_id": 2,
                "user_allergy_id": 7,
                "foodtype_ids": [1, 2],
                "allergy_ids": [1, 7],
            },
        )
    )
    assert body == {
        "user_id": ada.user_id,
        "user_name": "Ada",
        "mobilenum": "491700000001",
        "email": "ada@example.org",
        "user_foodtype_id": 2,
        "user_allergy_id": 7,
        "is_profile_complete": True,
        "foodtype_ids": [2, 1],
        "allergy_ids": [7, 1],
    }
    assert ok(ada.get("/user/profile")) == body
    assert stocked.log_in().user_id == ada.user_id


def test_the_address_of_another_shopper_is_taken(shop: Shop, ada: LoggedIn) -> None:
    ok(ada.post("/auth/create_profile", json={"user_name": "Ada", "email": "Ada@example.org"}))
    ben = shop.log_in(BEN)
    taken = ben.post("/auth/create_profile", json={"user_name": "Ben", "email": "ada@EXAMPLE.org"})
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
    assert ok(ben.get("/user/profile"))["user_name"] is None


def test_patching_a_profile_changes_only_what_is_named(stocked: Shop) -> None:
    ada = stocked.log_in()
    ok(ada.post("/auth/create_profile", json={"user_name": "Ada", "email": "a@example.org", "allergy_ids": [3, 1]}))
    body = ok(ada.request("PATCH", "/user/profile", json={"email": None}))
    assert (body["user_name"], body["email"], body["allergy_ids"]) == ("Ada", None, [3, 1])
    assert ok(ada.request("PATCH", "/user/profile", json={"user_allergy_id": None}))["allergy_ids"] == []
    unknown = ada.request("PATCH", "/user/profile", json={"allergy_ids": [9999]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_reference")


def test_the_checklist_ticks_itself(shop: Shop, ada: LoggedIn) -> None:
    first = ok(ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1}))
    assert_has(
        first,
        {"checklist_id": int, "user_id": int, "product_id": int, "quantity": int, "product": dict, "ticked": bool},
    )
    assert_has(first["product"], PRODUCT)
    assert ok(ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1}))["quantity"] == 2
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    assert [(item["ticked"], item["in_cart"]) for item in ok(ada.get("/user/checklist"))["items"]] == [(False, 1)]
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    assert [item["ticked"] for item in ok(ada.get("/user/checklist"))["items"]] == [True]
    assert_has(ok(ada.post("/user/checklist/remove", json={"product_id": shop.milk})), {"message": str})
    assert ada.post("/user/checklist/remove", json={"product_id": shop.milk}).status_code == 404
    unknown = ada.post("/user/checklist/add", json={"product_id": 2**31 - 1, "quantity": 1})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_product")
    for quantity in (0, -1, 1000, 1.5, "1", True):
        assert ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": quantity}).status_code == 422


def test_recipes_tell_what_is_missing_and_go_on_the_list(stocked: Shop) -> None:
    ada = stocked.log_in()
    stocked.connect(ada)
    assert ok(ada.get("/user/recipes", params={"source": "cart"})) == {"recipes": []}
    ada.post("/cart/item/add", json={"product_id": stocked.milk})
    [use] = ok(ada.get("/user/recipes", params={"source": "cart"}))["recipes"]
    assert_has(use, {"recipe_id": int, "recipe_name": str, "product_id": int, "product": dict})
    recipe = ok(ada.get(f"/user/recipes/{use['recipe_id']}"))
    assert [product["product_id"] for product in recipe["products"]] == [stocked.milk, stocked.bread]
    assert recipe["missing_product_ids"] == [stocked.bread]
    listed = ok(ada.post(f"/user/recipes/{use['recipe_id']}/add_to_checklist"))
    assert [item["product_id"] for item in listed["items"]] == [stocked.bread]
    assert len(ok(ada.get("/user/recipes", params={"source": "checklist"}))["recipes"]) == 1
    assert ada.get("/user/recipes/999999").json()["code"] == "unknown_recipe"
    assert ada.get("/user/recipes", params={"source": "attic"}).status_code == 422


def test_offers_come_in_pages(shop: Shop) -> None:
    shop.execute("UPDATE product SET offer_name = 'Two for one' WHERE product_id = %s", shop.beer)
    first = ok(shop.client.get("/products/offers", params={"limit": 1}))
    assert [product["product_id"] for product in first["offers"]] == [shop.milk]
    assert_has(first["offers"][0], PRODUCT)
    second = ok(shop.client.get("/products/offers", params={"limit": 1, "after": first["next_after"]}))
    assert [product["offer_name"] for product in second["offers"]] == ["Two for one"]
    assert ok(shop.client.get("/products/offers", params={"after": shop.beer})) == {"offers": [], "next_after": None}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("milk", "milk"),
        ("FRESH mi", "milk"),
        ("mlik", "milk"),
        ("frsh milk", "milk"),
        ("creme", "beer"),
        ("Crème ALE", "beer"),
        ("cremme", "beer"),
        ("9520000000028", "bread"),
        ("09520000000028", "bread"),
    ],
)
def test_search_forgives(shared_shop: Shop, query: str, found: str) -> None:
    shared_shop.gateway.catalogue_words.read()
    results = ok(shared_shop.client.get("/products/search", params={"query": query}))["results"]
    assert [product["product_id"] for product in results][:1] == [getattr(shared_shop, found)]
    assert_has(results[0], PRODUCT)


def test_search_needs_a_query(shared_shop: Shop) -> None:
    for params in ({}, {"query": ""}, {"query": "  "}):
        answer = shared_shop.client.get("/products/search", params=params)
        assert (answer.status_code, answer.json()["code"]) == (400, "query_missing")
    assert ok(shared_shop.client.get("/products/search", params={"query": "zzzzqq"}))["results"] == []


def test_a_product_tells_everything_and_warns_about_my_allergies(stocked: Shop) -> None:
    ada = stocked.log_in()
    milk_id = stocked.execute("SELECT allergen_id FROM allergen WHERE code = 'milk'")[0][0]
    eggs_id = stocked.execute("SELECT allergen_id FROM allergen WHERE code = 'eggs'")[0][0]
    ok(ada.post("/auth/create_profile", json={"user_name": "Ada", "allergy_ids": [milk_id, eggs_id]}))
    public = ok(stocked.client.get(f"/products/{stocked.milk}"))
    assert_has(public, PRODUCT)
    assert public["category_name"] == "Dairy"
    assert [one["foodtype_name"] for one in public["foodtypes"]] == ["Vegetarian"]
    assert [one["allergy_id"] for one in public["allergies"]] == [milk_id]
    assert public["warnings"] == []
    mine = ok(ada.get(f"/products/{stocked.milk}"))
    assert [(one["allergy_id"], one["kind"]) for one in mine["warnings"]] == [(milk_id, "contains")]
    none = ok(ada.get(f"/products/{stocked.bread}"))
    assert (none["allergens_are_known"], none["warnings"]) == (True, [])
    unknown = ok(ada.get(f"/products/{stocked.beer}"))
    assert (unknown["allergens_are_known"], [one["kind"] for one in unknown["warnings"]]) == (False, ["unknown"] * 2)
    assert ada.get("/products/2147483647").json()["code"] == "unknown_product"


@pytest.mark.parametrize(
    "code", ["9520000000011", "09520000000011", "(01)09520000000011", "https://id.example/01/09520000000011"]
)
def test_by_code_takes_what_a_scanner_reads(shared_shop: Shop, code: str) -> None:
    body = ok(shared_shop.client.get(f"/products/by_code/{code}"))
    assert body["product_id"] == shared_shop.milk


def test_by_code_refuses_a_wrong_check_digit_and_does_not_know_others(shared_shop: Shop) -> None:
    wrong = shared_shop.client.get("/products/by_code/9520000000012")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_check_digit")
    unknown = shared_shop.client.get("/products/by_code/9520000000998")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_product")


def test_connect_again_in_use_and_another(shop: Shop, ada: LoggedIn) -> None:
    cart_id, other = shop.carts[0].cart_id, shop.carts[1].cart_id
    body = ok(ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": shop.pairing_code(cart_id)}))
    assert_has(body, {"cart_id": int, "user_id": int, "message": str, "session_id": str})
    assert ok(ada.post("/cart/connect", json={"cart_id": cart_id}))["session_id"] == body["session_id"]
    another = ada.post("/cart/connect", json={"cart_id": other, "pairing_code": shop.pairing_code(other)})
    assert (another.status_code, another.json()["code"]) == (409, "holds_another_cart")
    ben = shop.log_in(BEN)
    in_use = ben.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": shop.pairing_code(cart_id)})
    assert (in_use.status_code, in_use.json()["code"]) == (409, "cart_in_use")
    unknown = ben.post("/cart/connect", json={"cart_id": 999_999, "pairing_code": "000000"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "cart_unknown")


def test_view(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    body = ok(ada.get("/cart/view"))
    assert_has(body, {"cart_id": int, "items": list, "total_weight": int, "version": int, "status": str})
    [item] = body["items"]
    assert_has(
        item,
        {
            "cart_items_id": int,
            "cart_id": int,
            "product_id": int,
            "quantity": int,
            "product": dict,
            "line_total": NUMBER,
        },
    )
    assert item["line_total"] == 0.99
    assert_has(item["product"], PRODUCT)
    version = body["version"]
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    assert ok(ada.get("/cart/view"))["version"] > version


def test_location_of_my_cart(stocked: Shop) -> None:
    ada = stocked.log_in()
    cart_id = stocked.connect(ada)
    assert ada.get(f"/cart/{cart_id}/location").json()["code"] == "location_unknown"
    stocked.execute(
        "INSERT INTO cart_presence (cart_id, x, y, floor, located_at) VALUES (%s, 1, 2, 0, now())"
        " ON CONFLICT (cart_id) DO UPDATE SET x = 1, y = 2, floor = 0, located_at = now()",
        cart_id,
    )
    body = ok(ada.get(f"/cart/{cart_id}/location"))
    assert_has(body, {"cart_id": int, "x_coord": NUMBER, "y_coord": NUMBER, "section_id": int, "updated_at": str})
    assert (body["floor"], body["source"]) == (0, "cart")
    assert ada.get("/cart/999999/location").status_code == 403


def test_product_locations(stocked: Shop) -> None:
    ada = stocked.log_in()
    [place] = ok(ada.get("/cart/product_locations", params={"product_ids": f"{stocked.milk},{stocked.bread},77"}))
    assert place["section"] == {
        "section_id": place["section_id"],
        "section_name": "Dairy",
        "x1": 0,
        "y1": 0,
        "x2": 5,
        "y2": 5,
        "floor_level": 0,
    }
    assert {name: place[name] for name in ("product_id", "aisle_num", "shelf_num", "x_coord", "y_coord")} == {
        "product_id": stocked.milk,
        "aisle_num": "3",
        "shelf_num": "B",
        "x_coord": 1.5,
        "y_coord": 2.5,
    }
    for bad in ("", "a", "1,,2", "1;2", "-1"):
        assert ada.get("/cart/product_locations", params={"product_ids": bad}).status_code == 422


def test_shortest_path(stocked: Shop) -> None:
    from psycopg.types.json import Jsonb

    layout = {
        "store": "main",
        "y_axis": "down",
        "clearance_m": 0.3,
        "floors": [
            {
                "floor": 0,
                "bounds": [0, 0, 20, 20],
                "shelves": [[1, 2, 2, 10], [5, 2, 6, 10]],
                "sections": [{"name": "Dairy", "x1": 0, "y1": 0, "x2": 5, "y2": 5}],
                "one_way": [],
            }
        ],
        "connectors": [],
        "entrances": [[0, 10, 19]],
        "checkouts": [{"name": "1", "at": [0, 15, 19]}],
    }
    stocked.execute("INSERT INTO store_layout SELECT store_id, 1, %s FROM store", Jsonb(layout))
    stocked.gateway.store_maps.look()
    ada = stocked.log_in()
    asked = {"destinations": [{"product_id": stocked.milk}, {"product_id": 4711}, {"product_id": stocked.bread}]}
    walk = ok(
        ada.post("/cart/shortest_path", json={**asked, "end": "checkout", "start": {"x": 10, "y": 19, "floor": 0}})
    )
    assert_has(walk["start"], {"x": NUMBER, "y": NUMBER})
    [segment] = walk["segments"]
    assert_has(
        segment,
        {"product_id": int, "section_id": int, "destination": dict, "path_length": NUMBER, "path": list},
    )
    assert segment["last_instruction"]
    assert_has(segment["path"][0], {"x": NUMBER, "y": NUMBER})
    assert {one["product_id"]: one["reason"] for one in walk["skipped"]} == {
        4711: "unknown_product",
        stocked.bread: "no_place",
    }
    assert walk["way_out"]["checkout"] == "1"
    assert walk["total_distance"] == pytest.approx(segment["path_length"] + walk["way_out"]["path_length"])
    assert (walk["proof"], bool(walk["instructions"])) == ("optimal", True)
    ada.post("/user/checklist/add", json={"product_id": stocked.milk, "quantity": 1})
    of_the_list = ok(ada.post("/cart/shortest_path", json={"end": "none"}))
    assert [one["product_id"] for one in of_the_list["segments"]] == [stocked.milk]
    nothing = ada.post("/cart/shortest_path", json={"destinations": [{"product_id": 4711}]})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "no_route")


def test_disconnect_with_goods_says_so(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    refused = ada.post("/cart/disconnect")
    assert (refused.status_code, refused.json()["code"]) == (409, "goods_in_cart")
    assert_has(ok(ada.post("/cart/disconnect", params={"abandon": "true"})), {"message": str})
    assert ada.post("/cart/disconnect").status_code == 404
    shop.connect(ada)
    assert ok(ada.get("/cart/view"))["items"] == []
    ok(ada.post("/cart/disconnect"))


@pytest.mark.parametrize("path", ["/cart/esp32/add_item", "/cart/esp32/update_item"])
def test_a_board_scans_over_http_and_repeats_change_nothing(shop: Shop, ada: LoggedIn, path: str) -> None:
    board = shop.carts[0]
    shop.connect(ada)
    auth = (str(board.cart_id), board.password)
    scan = {"cart_id": board.cart_id, "barcode": "9520000000011", "epoch": 1, "seq": 1}
    for _ in range(3):
        assert_has(ok(shop.client.post(path, json=scan, auth=auth)), {"message": str})
    ok(shop.client.post(path, json={"cart_id": board.cart_id, "product_id": shop.bread, "weight": 990}, auth=auth))
    assert [(item["product_id"], item["quantity"]) for item in ok(ada.get("/cart/view"))["items"]] == [
        (shop.milk, 1),
        (shop.bread, 2),
    ]
    conflict = shop.client.post(path, json={**scan, "barcode": "9520000000028"}, auth=auth)
    assert (conflict.status_code, conflict.json()["code"]) == (409, "event_refused")
    unknown = shop.client.post(path, json={"cart_id": board.cart_id, "barcode": "9520000000998"}, auth=auth)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_product")
    wrong = shop.client.post(path, json={"cart_id": board.cart_id, "barcode": "9520000000012"}, auth=auth)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_check_digit")
    assert ok(ada.get("/cart/view"))["notices"][0]["code"] == "unknown_code"
    assert shop.client.post(path, json=scan, auth=(auth[0], "wrong")).status_code == 401
    assert shop.client.post(path, json={**scan, "seq": None}, auth=auth).status_code == 422


def test_a_board_does_not_lose_a_scan_over_the_weight_beside_it(shop: Shop, ada: LoggedIn) -> None:
    board = shop.carts[0]
    shop.connect(ada)
    auth = (str(board.cart_id), board.password)
    scan = {"cart_id": board.cart_id, "barcode": "9520000000011"}
    weights = (2060.0, "heavy", -1, 2_000_000, 10.5, [1], True, None)
    for seq, weight in enumerate(weights, 1):
        asked = {**scan, "epoch": 1, "seq": seq, "weight": weight}
        ok(shop.client.post("/cart/esp32/add_item", json=asked, auth=auth))
    assert [item["quantity"] for item in ok(ada.get("/cart/view"))["items"]] == [2 + len(weights) - 1]
    for bad in ({"epoch": "1", "seq": 9}, {"epoch": 1, "seq": 9.5}):
        assert shop.client.post("/cart/esp32/add_item", json={**scan, **bad}, auth=auth).status_code == 422


def test_checkout_order_and_receipt(shop: Shop, ada: LoggedIn) -> None:
    assert ada.post("/orders/checkout").json()["code"] == "no_cart"
    shop.connect(ada)
    empty = ada.post("/orders/checkout")
    assert (empty.status_code, empty.json()["code"]) == (400, "empty_cart")
    for product_id in (shop.milk, shop.milk, shop.beer):
        ada.post("/cart/item/add", json={"product_id": product_id})
    shop.execute("UPDATE product SET price_minor = 999999, discounted_price_minor = NULL")
    body = ok(ada.post("/orders/checkout"), 201)
    assert_has(
        body,
        {"order_id": int, "user_id": int, "total_products": int, "total_price": NUMBER, "discounted_price": NUMBER},
    )
    assert (body["total_price"], body["discounted_price"], body["receipt_number"]) == (3.58, 2.98, 1)
    order = ok(ada.get(f"/orders/{body['order_id']}"))
    assert order == ok(ada.get("/orders/history"))[0]
    assert order["ordered_at"].endswith("Z")
    receipt = ok(ada.get(f"/orders/{body['order_id']}/receipt"))
    assert [(tax["rate"], tax["net"], tax["tax"], tax["gross"]) for tax in receipt["taxes"]] == [
        (7.0, 1.85, 0.13, 1.98),
        (19.0, 0.84, 0.16, 1.0),
    ]
    shop.execute("UPDATE order_line SET product_name = '<script>alert(1)</script>' WHERE line = 1")
    page = ada.get(f"/orders/{body['order_id']}/receipt", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert "Receipt 1" in page.text
    assert page.text == ada.get(f"/orders/{body['order_id']}/receipt", headers={"Accept": "text/html"}).text


def test_history_comes_in_pages_newest_first(shop: Shop, ada: LoggedIn) -> None:
    for _ in range(3):
        shop.connect(ada)
        ada.post("/cart/item/add", json={"product_id": shop.milk})
        ok(ada.post("/orders/checkout"), 201)
    first = ok(ada.get("/orders/history", params={"limit": 2}))
    rest = ok(ada.get("/orders/history", params={"limit": 2, "after": first[-1]["order_id"]}))
    numbers = [order["receipt_number"] for order in [*first, *rest]]
    assert numbers == [3, 2, 1]


def test_misc(stocked: Shop) -> None:
    body = ok(stocked.client.get("/misc/foodtypes-categories"))
    assert [one["foodtype_name"] for one in body["foodtypes"]] == ["Vegetarian", "Vegan"]
    assert_has(body["categories"][0], {"category_id": int, "category_name": str})
    assert len(body["allergies"]) == 14
    [section] = ok(stocked.client.get("/misc/store-sections"))
    assert_has(section, {"section_id": int, "section_name": str, "x1": NUMBER, "y2": NUMBER, "floor_level": int})
    assert stocked.client.get("/misc/store-sections", params={"store_id": 99}).json()["code"] == "unknown_store"


def test_the_export_holds_everything_about_me(shop: Shop, ada: LoggedIn) -> None:
    ok(ada.post("/auth/create_profile", json={"user_name": "Ada"}))
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    ok(ada.post("/orders/checkout", headers={"Idempotency-Key": "k1"}), 201)
    ada.post("/user/checklist/add", json={"product_id": shop.bread, "quantity": 2})
    body = ok(ada.get("/user/export"))
    assert body["profile"]["mobilenum"] == "491700000001"
    assert {name: len(rows) for name, rows in body.items() if isinstance(rows, list)} == {
        "checklist": 1,
        "trips": 1,
        "orders": 1,
        "logins": 1,
        "pairing_tries": 0,
        "keyed_requests": 1,
        "codes_sent": 1,
    }
