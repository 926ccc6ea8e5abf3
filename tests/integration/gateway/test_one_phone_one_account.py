"""One phone has one account, however its number is written, and accounts of older versions are found again."""

import hashlib
import hmac
from typing import Any

import pytest

from services.gateway.phones import derive_key
from tests.integration.gateway.shop import LoggedIn, Shop, open_shop

ADA = "+491701234567"
SPELLINGS = ("+491701234567", "00491701234567", "+4901701234567", "01701234567", "0170 123 45 67")


def _kept_by_an_older_version(shop: Shop, shopper_id: int, spelling: str) -> None:
    """It kept the digits as they were written, without a plus."""
    key = derive_key(shop.gateway.settings.code_pepper.get_secret_value(), "phone-hash")
    digits = spelling.removeprefix("+").encode()
    shop.execute(
        "UPDATE shopper SET phone_hash = %s WHERE shopper_id = %s",
        hmac.digest(key, digits, hashlib.sha256),
        shopper_id,
    )


def _shoppers(shop: Shop) -> list[Any]:
    return [row[0] for row in shop.execute("SELECT shopper_id FROM shopper ORDER BY 1")]


def test_every_spelling_is_one_account_and_one_number_to_send_to(shop: Shop) -> None:
    phones = [shop.log_in(written) for written in SPELLINGS]
    assert {phone.user_id for phone in phones} == {phones[0].user_id}
    assert {message.number for message in shop.codes.messages} == {ADA}


@pytest.mark.parametrize("spelling", SPELLINGS[1:4])
def test_an_account_that_an_older_version_made_is_found_again(shop: Shop, spelling: str) -> None:
    before = shop.log_in(ADA)
    _kept_by_an_older_version(shop, before.user_id, spelling)
    assert shop.log_in(ADA).user_id == before.user_id
    assert shop.log_in("0170 1234567").user_id == before.user_id
    assert _shoppers(shop) == [before.user_id]


def test_an_account_that_is_found_again_keeps_its_cart(shop: Shop) -> None:
    before = shop.log_in(ADA)
    cart_id = shop.connect(before)
    _kept_by_an_older_version(shop, before.user_id, "01701234567")
    assert shop.log_in(ADA).get("/cart/view").json()["cart_id"] == cart_id


def _two_accounts(shop: Shop) -> tuple[LoggedIn, LoggedIn]:
    """Both of one number, by its older spellings; the younger one has bought milk, and must not eat gluten."""
    older = shop.log_in(ADA)
    _kept_by_an_older_version(shop, older.user_id, "01701234567")
    shop.execute("UPDATE shopper SET phone_hash = sha256(phone_hash) WHERE shopper_id = %s", older.user_id)
    younger = shop.log_in(ADA)
    _kept_by_an_older_version(shop, older.user_id, "01701234567")
    _kept_by_an_older_version(shop, younger.user_id, "00491701234567")
    allergy = {"user_name": "Ada", "allergy_ids": [1]}
    assert younger.post("/auth/create_profile", json=allergy).status_code == 200
    for phone in (older, younger):
        phone.post("/user/checklist/add", json={"product_id": shop.milk, "quantity": 1})
    younger.post("/user/checklist/add", json={"product_id": shop.bread, "quantity": 2})
    shop.connect(younger)
    younger.post("/cart/item/add", json={"product_id": shop.milk})
    assert younger.post("/orders/checkout").status_code == 201
    return older, younger


def test_two_old_accounts_of_one_number_become_one_and_nothing_is_lost(shop: Shop) -> None:
    older, younger = _two_accounts(shop)
    ada = shop.log_in(ADA)
    assert ada.user_id == older.user_id
    assert _shoppers(shop) == [older.user_id]
    told = ada.get("/user/export").json()
    assert [item["product_name"] for order in told["orders"] for item in order["items"]] == ["Fresh milk"]
    assert [(item["product_id"], item["quantity"]) for item in told["checklist"]] == [(shop.milk, 1), (shop.bread, 2)]
    assert (told["profile"]["user_name"], told["profile"]["allergy_ids"]) == ("Ada", [1])
    assert len(told["trips"]) == 1
    assert younger.get("/user/profile").status_code == 401, "its tokens are over with it"


def test_an_account_that_holds_a_cart_is_not_joined_before_its_trip_is_over(shop: Shop) -> None:
    older, younger = _two_accounts(shop)
    shop.connect(older)
    _kept_by_an_older_version(shop, younger.user_id, "+491701234567")
    shop.connect(younger, shop.carts[1].cart_id)
    assert shop.log_in(ADA).user_id == younger.user_id
    assert _shoppers(shop) == [older.user_id, younger.user_id]
    assert older.post("/cart/disconnect").status_code == 200
    shop.log_in(ADA)
    assert _shoppers(shop) == [younger.user_id]


@pytest.mark.parametrize("path", ["verify_mobile", "verify_otp"])
def test_a_number_that_is_not_clear_is_refused_in_words(database_url: str, path: str) -> None:
    with open_shop(database_url, phone_region="") as shop:
        code = {"otp": "123456"} if path == "verify_otp" else {}
        refused = shop.client.post(f"/auth/{path}", json={"mobile_number": "01701234567", **code})
        assert (refused.status_code, refused.json()["code"]) == (422, "unclear_number")
        assert "country code" in refused.json()["detail"]
        assert shop.codes.messages == []
