"""Erasure and what is logged: the number of an erased shopper is found nowhere (docs/reliability.md S23, S24, S13)."""

import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog

from shared.contracts.channels import SHOPPER_CART
from tests.integration.gateway.shop import LoggedIn, Shop

ADAS_NUMBER = "+491701234567"


def _everything(shop: Shop) -> dict[str, str]:
    """Every row of every table as text."""
    tables = [
        row[0]
        for row in shop.execute(
            "SELECT quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    ]
    return {table: "\n".join(row[0] for row in shop.execute(f"SELECT t::text FROM {table} t")) for table in tables}  # noqa: S608


def _traces(text: str, phone: LoggedIn, shop: Shop) -> list[str]:
    number = ADAS_NUMBER.removeprefix("+")
    marks = {
        "number": number,
        "number in hex": number.encode().hex(),
        "number hash": shop.gateway.phones.hash_number(number).hex(),
        "name": "Ada Augusta",
        "mail": "ada@example.org",
    }
    return [name for name, mark in marks.items() if mark in text]


def test_an_erased_shopper_is_found_in_no_table_and_the_orders_stay(shop: Shop) -> None:
    ada = shop.log_in(ADAS_NUMBER)
    ada.post("/auth/create_profile", json={"user_name": "Ada Augusta", "email": "ada@example.org", "allergy_ids": [1]})
    ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1}, headers={"Idempotency-Key": "k"})
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    order = ada.post("/orders/checkout").json()
    cart_id = shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.bread})
    assert _traces("".join(_everything(shop).values()), ada, shop)

    assert ada.request("DELETE", "/user").status_code == 204

    found = {table: _traces(text, ada, shop) for table, text in _everything(shop).items()}
    assert {table: marks for table, marks in found.items() if marks} == {}
    assert shop.execute(
        "SELECT shopper_id, total_minor FROM purchase_order WHERE order_id = %s", order["order_id"]
    ) == [(None, 99)]
    assert shop.execute("SELECT count(*) FROM cart_session WHERE shopper_id = %s", ada.user_id) == [(0,)]
    assert shop.execute("SELECT count(*) FROM cart_session WHERE status = 'open' AND cart_id = %s", cart_id) == [(0,)]
    assert shop.execute("SELECT cart_id, kind FROM alert") == [(cart_id, "abandoned")], "the goods stay behind"


def test_an_erased_shopper_can_do_nothing_with_tokens_that_are_left(shop: Shop) -> None:
    ada = shop.log_in(ADAS_NUMBER)
    assert ada.request("DELETE", "/user").status_code == 204
    assert ada.get("/user/profile").status_code == 401
    assert ada.get("/user/export").status_code == 401
    assert ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1}).status_code == 401
    cart_id = shop.carts[0].cart_id
    asked = {"cart_id": cart_id, "pairing_code": shop.pairing_code(cart_id)}
    assert ada.post("/cart/connect", json=asked).status_code == 401
    assert shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).status_code == 401
    again = shop.log_in(ADAS_NUMBER)
    assert again.user_id != ada.user_id


def test_after_a_whole_journey_only_the_profile_names_the_person(shop: Shop) -> None:
    """Everything the database holds while the shopper is a customer, answers kept for repeats included."""
    ada = shop.log_in(ADAS_NUMBER)
    code = shop.codes.newest(ADAS_NUMBER)
    whole = {"user_name": "Ada Augusta", "email": "ada@example.org"}
    first = ada.post("/auth/create_profile", json=whole, headers={"Idempotency-Key": "k1"})
    assert ada.request("PATCH", "/user/profile", json=whole, headers={"Idempotency-Key": "k2"}).status_code == 200
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk}, headers={"Idempotency-Key": "k3"})
    assert ada.post("/orders/checkout", headers={"Idempotency-Key": "k4"}).status_code == 201
    assert ada.post("/mqtt/token").status_code == 200
    renewed = shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token}).json()

    tables = _everything(shop)
    assert len(tables["idempotency_key"].splitlines()) == 4
    profile = tables.pop("shopper")
    written = "".join(tables.values())
    for person in (ADAS_NUMBER[3:], "Ada Augusta", "ada@example.org", f"({code}"):
        for mark in (person, person.encode().hex()):
            assert mark not in written
    for secret in (ADAS_NUMBER[3:], ada.token, ada.refresh_token, renewed["token"], renewed["refresh_token"]):
        for mark in (secret, secret.encode().hex()):
            assert mark not in written + profile
    again = ada.post("/auth/create_profile", json=whole, headers={"Idempotency-Key": "k1"})
    assert (again.content, again.headers["Idempotent-Replay"]) == (first.content, "true")


def test_an_answer_that_can_no_longer_be_read_is_not_acted_upon_again(shop: Shop, ada: LoggedIn) -> None:
    """The pepper was changed meanwhile: doing it once more would be worse than saying that it is done."""
    key = {"Idempotency-Key": "k"}
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk}, headers=key)
    shop.execute("UPDATE idempotency_key SET response = '\\x01' || sha256('other')")
    again = ada.post("/cart/item/add", json={"product_id": shop.milk}, headers=key)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")
    assert shop.execute("SELECT quantity FROM cart_line") == [(1,)]


def test_an_answer_kept_by_an_older_version_is_given_again(shop: Shop, ada: LoggedIn) -> None:
    key = {"Idempotency-Key": "k"}
    shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk}, headers=key)
    shop.execute("UPDATE idempotency_key SET response = '\\x00' || convert_to('{\"message\":\"as it was\"}', 'UTF8')")
    again = ada.post("/cart/item/add", json={"product_id": shop.milk}, headers=key)
    assert again.json() == {"message": "as it was"}


@pytest.fixture
def _every_log_line() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    yield
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@pytest.mark.usefixtures("_every_log_line")
def test_logs_and_metrics_hold_no_number_code_or_token(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.DEBUG):
        ada = shop.log_in(ADAS_NUMBER)
        code = shop.codes.newest(ADAS_NUMBER)
        shop.connect(ada)
        ada.post("/cart/item/add", json={"product_id": shop.milk})
        ada.post("/orders/checkout")
        shop.client.post("/auth/verify_otp", json={"mobile_number": ADAS_NUMBER, "otp": "x"})
        shop.client.post("/auth/verify_mobile", content=ADAS_NUMBER.encode())
        ada.request("DELETE", "/user")
    assert any(event["event"] == "answered" for event in events)
    written = repr(events) + caplog.text + shop.client.get("/metrics").text
    for secret in (ADAS_NUMBER.removeprefix("+"), ada.token, ada.refresh_token):
        assert secret not in written
    assert f"'{code}'" not in written


def test_the_topic_of_a_phone_names_no_person(shop: Shop) -> None:
    ada = shop.log_in(ADAS_NUMBER)
    topic = ada.post("/mqtt/token").json()["topic"]
    assert topic == SHOPPER_CART.topic(shopper=ada.user_id)
    assert SHOPPER_CART.retain is False


def test_what_is_old_is_deleted(shop: Shop, ada: LoggedIn) -> None:
    from services.gateway.chores import delete_what_is_old

    ada.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1}, headers={"Idempotency-Key": "k"})
    ada.post("/cart/connect", json={"cart_id": shop.carts[0].cart_id, "pairing_code": "000000"})

    def kept() -> list[Any]:
        tables = ("otp_challenge", "idempotency_key", "pairing_try", "refresh_token")
        return [shop.execute(f"SELECT count(*) FROM {table}")[0][0] for table in tables]  # noqa: S608

    delete_what_is_old(shop.gateway)
    assert kept() == [1, 1, 1, 1]
    shop.clock.advance(hours=25)
    delete_what_is_old(shop.gateway)
    assert kept() == [0, 0, 0, 1]
    shop.clock.advance(days=31)
    delete_what_is_old(shop.gateway)
    assert kept() == [0, 0, 0, 0]


def test_of_several_gateways_one_deletes(shop: Shop, ada: LoggedIn) -> None:
    from services.gateway.chores import delete_what_is_old
    from shared.db.leadership import Singleton, try_lead_once

    shop.clock.advance(hours=25)
    with psycopg.connect(shop.database_url) as another:
        assert try_lead_once(another, Singleton.GATEWAY_CHORES)
        delete_what_is_old(shop.gateway)
        assert shop.execute("SELECT count(*) FROM otp_challenge") == [(1,)]
    delete_what_is_old(shop.gateway)
    assert shop.execute("SELECT count(*) FROM otp_challenge") == [(0,)]
