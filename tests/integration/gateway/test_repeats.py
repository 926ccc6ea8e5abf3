"""Idempotency keys, pairing codes and races: what happens twice, or at once.

Reasons: docs/reliability.md H10 to H12, H17, S20.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from shared.db.pairing import CROWD_PER_MINUTE, GUESSES_PER_HOUR
from tests.integration.gateway.shop import ADA, BEN, LoggedIn, Shop


def _add(phone: LoggedIn, product_id: int, key: str | None) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return phone.post("/cart/item/add", json={"product_id": product_id}, headers=headers)


def _pieces(phone: LoggedIn) -> int:
    total: int = phone.get("/cart/view").json()["total_items"]
    return total


def test_the_same_key_and_body_get_the_first_answer_and_happen_once(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    first, again = _add(ada, shop.milk, "k-1"), _add(ada, shop.milk, "k-1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotent-Replay"] == "true"
    assert _pieces(ada) == 1
    _add(ada, shop.milk, "k-2")
    assert _pieces(ada) == 2


def test_the_same_key_for_something_else_is_refused(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    _add(ada, shop.milk, "k-1")
    for other in (
        _add(ada, shop.bread, "k-1"),
        ada.post("/cart/item/remove", json={"product_id": shop.milk}, headers={"Idempotency-Key": "k-1"}),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert _pieces(ada) == 1


def test_a_key_belongs_to_one_shopper(shop: Shop, ada: LoggedIn) -> None:
    ben = shop.log_in(BEN)
    for phone, quantity in ((ada, 1), (ben, 2)):
        answer = phone.post(
            "/user/checklist/add",
            json={"product_id": shop.milk, "quantity": quantity},
            headers={"Idempotency-Key": "same"},
        )
        assert answer.json()["quantity"] == quantity


@pytest.mark.parametrize("key", ["x" * 65, "a b", "é"])
def test_a_key_of_the_wrong_shape_is_refused(shared_shop: Shop, key: str) -> None:
    ada = shared_shop.log_in()
    answer = ada.post("/orders/checkout", headers={"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


def test_while_the_first_request_runs_the_second_is_told_so(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.connect(ada)
    _add(ada, shop.milk, None)
    with psycopg.connect(shop.database_url) as elsewhere, ThreadPoolExecutor(1) as threads:
        elsewhere.execute("SELECT 1 FROM cart WHERE cart_id = %s FOR UPDATE", (cart_id,))
        first = threads.submit(lambda: ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"}))
        _wait_for_lock(shop)
        second = ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"})
        assert (second.status_code, second.json()["code"]) == (409, "still_running")
        elsewhere.rollback()
        assert first.result().status_code == 201
    assert ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"}).json() == first.result().json()


def _wait_for_lock(shop: Shop) -> None:
    from tests.eventually import eventually

    eventually(lambda: shop.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


def test_twenty_commands_each_sent_ten_times_at_once_have_twenty_effects(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)

    def until_answered(key: str) -> Any:
        for _ in range(200):
            answer = _add(ada, shop.milk, key)
            if answer.status_code != 409:
                return answer
        raise AssertionError("never answered")

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(until_answered, [f"k-{number}" for number in range(20) for _ in range(10)]))
    assert {answer.status_code for answer in answers} == {200}
    assert _pieces(ada) == 20


def test_a_refusal_is_not_kept_for_the_key(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    assert ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"}).status_code == 400
    _add(ada, shop.milk, None)
    assert ada.post("/orders/checkout", headers={"Idempotency-Key": "pay"}).status_code == 201


def test_of_two_checkouts_at_once_one_makes_the_order(shop: Shop, ada: LoggedIn) -> None:
    shop.connect(ada)
    _add(ada, shop.milk, None)
    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(a.status_code for a in threads.map(lambda _: ada.post("/orders/checkout"), range(8)))
    assert statuses == [201] + [404] * 7
    assert len(ada.get("/orders/history").json()) == 1


def test_receipt_numbers_have_no_gaps_when_checkouts_race_and_fail(shop: Shop) -> None:
    phones = [shop.log_in(number) for number in (ADA, BEN)]
    for _ in range(4):
        for phone, cart in zip(phones, shop.carts, strict=True):
            shop.connect(phone, cart.cart_id)
            _add(phone, shop.milk, None)
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda phone: phone.post("/orders/checkout"), phones * 3))
    numbers = [row[0] for row in shop.execute("SELECT receipt_number FROM purchase_order ORDER BY 1")]
    assert numbers == list(range(1, 9))


def test_two_phones_never_both_win_a_cart(shop: Shop) -> None:
    phones = [shop.log_in(f"+4917000000{number:02d}") for number in range(8)]
    cart_id = shop.carts[0].cart_id
    asked = {"cart_id": cart_id, "pairing_code": shop.pairing_code(cart_id)}
    shop.execute("SELECT 1")
    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(a.status_code for a in threads.map(lambda p: p.post("/cart/connect", json=asked), phones))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 429}
    holders = shop.execute("SELECT count(*) FROM cart_session WHERE status = 'open' AND cart_id = %s", cart_id)
    assert holders == [(1,)]


def test_after_five_wrong_pairing_codes_even_the_right_one_waits_a_minute(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.carts[0].cart_id
    right = shop.pairing_code(cart_id)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(5):
        answer = ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": wrong})
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_pairing_code")
    limited = ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": right})
    assert (limited.status_code, limited.json()["code"]) == (429, "too_many_pairing_tries")
    assert 0 < int(limited.headers["Retry-After"]) <= 60
    shop.clock.advance(seconds=int(limited.headers["Retry-After"]) + 1)
    assert ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": right}).status_code == 200


def test_fifty_guesses_at_once_count_as_fifty(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.carts[0].cart_id
    right = int(shop.pairing_code(cart_id))

    def guess(number: int) -> int:
        code = f"{(right + 1 + number) % 1_000_000:06d}"
        return int(ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": code}).status_code)

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(guess, range(50)))
    assert statuses.count(409) == 5
    assert statuses.count(429) == 45


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_no_strangers_wrong_codes_keep_the_shopper_in_front_of_a_cart_from_taking_it(shop: Shop, ada: LoggedIn) -> None:
    """Neither one stranger's nor a whole crowd's."""
    cart_id = shop.carts[0].cart_id
    wrong = {"cart_id": cart_id, "pairing_code": _wrong(shop.pairing_code(cart_id))}
    for number in range(CROWD_PER_MINUTE // 5 + 1):
        stranger = shop.log_in(f"+49171000000{number}")
        guesses = [stranger.post("/cart/connect", json=wrong).status_code for _ in range(5)]
        crowded = number == CROWD_PER_MINUTE // 5
        assert guesses == ([409] + [429] * 4 if crowded else [409] * 5), "at a crowded cart one guess a minute"
    assert ada.post("/cart/connect", json=wrong).status_code == 409, "mistyped"
    slow = ada.post("/cart/connect", json=wrong)
    assert (slow.status_code, slow.json()["code"]) == (429, "too_many_pairing_tries")
    assert 0 < int(slow.headers["Retry-After"]) <= 60
    shop.clock.advance(seconds=61)
    shop.connect(ada, cart_id)


def test_one_account_has_so_many_wrong_codes_an_hour_whatever_the_carts(shop: Shop, ada: LoggedIn) -> None:
    carts = [cart.cart_id for cart in shop.carts]
    statuses = []
    for minute in range(GUESSES_PER_HOUR // 5 + 1):
        cart_id = carts[minute % len(carts)]
        wrong = {"cart_id": cart_id, "pairing_code": _wrong(shop.pairing_code(cart_id))}
        statuses += [ada.post("/cart/connect", json=wrong).status_code for _ in range(5)]
        shop.clock.advance(seconds=61)
    assert statuses == [409] * GUESSES_PER_HOUR + [429] * 5


def test_a_used_pairing_code_is_worth_nothing(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.carts[0].cart_id
    code = shop.pairing_code(cart_id)
    shop.connect(ada)
    ada.post("/cart/disconnect")
    assert ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": code}).status_code == 409
    assert ada.post("/cart/connect", json={"cart_id": cart_id}).status_code == 409


def test_connecting_again_and_again_to_my_own_cart_is_no_guessing(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.connect(ada)
    for _ in range(10):
        assert ada.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": "000000"}).status_code == 200


def test_pressing_again_and_again_at_a_cart_in_use_locks_nobody_out(shop: Shop, ada: LoggedIn) -> None:
    cart_id = shop.connect(ada)
    ben = shop.log_in(BEN)
    for _ in range(8):
        answer = ben.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": "000000"})
        assert (answer.status_code, answer.json()["code"]) == (409, "cart_in_use")
    ada.post("/cart/disconnect")
    right = {"cart_id": cart_id, "pairing_code": shop.pairing_code(cart_id)}
    assert ben.post("/cart/connect", json=right).status_code == 200


def test_with_open_pairing_the_number_of_the_cart_suffices(database_url: str) -> None:
    from tests.integration.gateway.shop import open_shop

    with open_shop(database_url, pairing="open") as shop:
        ada = shop.log_in()
        assert ada.post("/cart/connect", json={"cart_id": shop.carts[0].cart_id}).status_code == 200
