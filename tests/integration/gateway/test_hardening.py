"""Credentials in the wrong place, crowds, full pools, texts that try to be more.

Reasons: docs/reliability.md H7, H13, H14, S2, S21.
"""

import socket
import time
from base64 import b64encode
from contextlib import ExitStack

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.db.carts import add_carts
from tests.integration.gateway.shop import LoggedIn, Shop

HOSTILE = ("'; DROP TABLE product; --", '"}{"a":1', "%s %(x)s {0} ${x}", "\\'\\x00", "Robert<script>")


def test_a_credential_opens_only_what_it_is_for(shared_shop: Shop) -> None:
    ada = shared_shop.log_in()
    cart = shared_shop.carts[0]
    basic = {"Authorization": "Basic " + b64encode(f"{cart.cart_id}:{cart.password}".encode()).decode()}
    mqtt = {"Authorization": f"Bearer {ada.post('/mqtt/token').json()['password']}"}
    scanned = {"cart_id": cart.cart_id, "product_id": shared_shop.milk}
    client = shared_shop.client
    assert client.get("/cart/view", headers=basic).status_code == 401
    assert client.post("/orders/checkout", headers=basic).status_code == 401
    assert client.get("/cart/view", headers=mqtt).status_code == 401
    assert ada.post("/cart/esp32/add_item", json=scanned).status_code == 401
    assert client.post("/cart/esp32/add_item", json=scanned, headers=basic).status_code == 200


def test_three_hundred_silent_connections_keep_nobody_out(shared_shop: Shop) -> None:
    url = httpx.URL(str(shared_shop.client.base_url))
    with ExitStack() as crowd:
        for _ in range(300):
            silent = crowd.enter_context(socket.create_connection((url.host, url.port or 80)))
            silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        assert time.monotonic() - began < 5


def test_with_every_connection_to_the_database_taken_the_answer_is_503_in_time(shop: Shop, ada: LoggedIn) -> None:
    pool = shop.gateway.pool
    taken = [pool.getconn() for _ in range(shop.gateway.settings.db_pool_max)]
    try:
        began = time.monotonic()
        answer = ada.get("/cart/view")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert time.monotonic() - began < 4
        assert shop.client.get("/healthz").status_code == 200
    finally:
        for connection in taken:
            pool.putconn(connection)
    assert ada.get("/cart/view").status_code == 404


def test_a_thousand_carts_have_a_thousand_secrets_and_the_database_none(shop: Shop) -> None:
    with psycopg.connect(shop.database_url) as tx:
        passwords = [cart.password for cart in add_carts(tx, "main", 1000)]
    assert len(set(passwords)) == 1000
    assert min(map(len, passwords)) >= 43  # 256 bits in base64url
    dump = "".join(row[0] for row in shop.execute("SELECT c::text FROM cart AS c"))
    assert not any(password in dump or password.encode().hex() in dump for password in passwords)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_a_text(shared_shop: Shop, text: str) -> None:
    ada = shared_shop.log_in()
    assert ada.request("PATCH", "/user/profile", json={"user_name": text}).json()["user_name"] == text
    assert shared_shop.client.get("/products/search", params={"query": text}).status_code == 200
    assert shared_shop.execute("SELECT count(*) FROM product") == [(3,)]


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=100)


def test_whatever_can_be_typed_comes_back_as_it_was(shared_shop: Shop) -> None:
    ada = shared_shop.log_in()

    @settings(max_examples=50)
    @given(PRINTABLE)
    def comes_back(text: str) -> None:
        answer = ada.request("PATCH", "/user/profile", json={"user_name": text})
        assert (answer.status_code, answer.json().get("user_name")) == (200, text)
        assert shared_shop.client.get("/products/search", params={"query": text}).status_code == 200

    comes_back()
