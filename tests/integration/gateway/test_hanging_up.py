"""Phones that hang up in the middle of a request: it happens wholly or not at all, and asking again is safe (H17)."""

import json
import socket
from typing import Any

import httpx
import psycopg
import pytest

from tests.eventually import eventually
from tests.integration.gateway.shop import LoggedIn, Shop


def _request(phone: LoggedIn, path: str, key: str, body: dict[str, Any] | None = None) -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {phone.token}",
        f"Idempotency-Key: {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _connect(shop: Shop) -> socket.socket:
    url = httpx.URL(str(shop.client.base_url))
    return socket.create_connection((url.host, url.port or 80), timeout=5)


def _waits_for_a_lock(shop: Shop) -> bool:
    return bool(shop.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


def test_a_checkout_whose_phone_hung_up_is_answered_the_same_when_asked_again(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    with psycopg.connect(shop.database_url) as elsewhere, _connect(shop) as phone:
        elsewhere.execute("SELECT 1 FROM cart WHERE cart_id = %s FOR UPDATE", (cart_id,))
        phone.sendall(_request(ada, "/orders/checkout", "pay"))
        eventually(lambda: _waits_for_a_lock(shop))
        phone.close()  # the shopper walks into the lift while the till works
        elsewhere.rollback()
    eventually(lambda: shop.execute("SELECT 1 FROM purchase_order"))

    again = [ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"}) for _ in range(2)]

    assert [answer.status_code for answer in again] == [201, 201]
    assert again[0].headers["Idempotent-Replay"] == "true"
    assert again[0].json() == again[1].json()
    assert shop.execute("SELECT count(*) FROM purchase_order") == [(1,)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_half_a_request_changes_nothing_and_its_key_is_still_free(shop: Shop, ada: LoggedIn, share: float) -> None:
    shop.connect(ada)
    request = _request(ada, "/cart/item/add", "k-1", {"product_id": shop.milk})
    with _connect(shop) as phone:
        phone.sendall(request[: int(len(request) * share)])
    assert ada.get("/cart/view").json()["total_items"] == 0
    answer = ada.post("/cart/item/add", json={"product_id": shop.milk}, headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 200
    assert "Idempotent-Replay" not in answer.headers
    assert ada.get("/cart/view").json()["total_items"] == 1


def test_a_phone_that_never_reads_its_answers_adds_each_piece_once(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    for number in range(10):
        for _ in range(3):  # each is sent three times, and nobody waits for an answer
            with _connect(shop) as phone:
                phone.sendall(_request(ada, "/cart/item/add", f"k-{number}", {"product_id": shop.milk}))

    def all_there() -> bool:
        return bool(ada.get("/cart/view").json()["total_items"] == 10)

    def ask_again() -> bool:
        for number in range(10):
            key = {"Idempotency-Key": f"k-{number}"}
            ada.post("/cart/item/add", json={"product_id": shop.milk}, headers=key)
        return all_there()

    eventually(ask_again)
    assert all_there()
