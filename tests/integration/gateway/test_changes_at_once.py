"""Changes by hand that wait at the same moment share a transaction, and nothing else.

Reasons: decision 39, docs/reliability.md R17.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal

import psycopg
import pytest
from fastapi import Response
from psycopg import errors

from services.gateway.errors import Refused
from services.gateway.item_changes import ItemCall, ItemChanges
from services.gateway.pool import Pool
from services.gateway.sealed_answers import AnswerSeal
from shared.db.carts import add_carts
from shared.db.idempotency import KeyedRequest
from shared.db.phone_changes import ItemChange
from shared.db.sessions import connect_cart
from tests.eventually import eventually
from tests.integration.gateway.shop import BEN, LoggedIn, Shop

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def shoppers(shop: Shop) -> list[int]:
    """Six of them, each with a cart; the last has none."""
    with psycopg.connect(shop.database_url) as tx:
        rows = tx.execute(
            "INSERT INTO shopper (phone_hash, phone_sealed) SELECT sha256(n::text::bytea), ''"
            " FROM generate_series(1, 6) AS n RETURNING shopper_id"
        ).fetchall()
        found = [row[0] for row in rows]
        for cart, shopper_id in zip(add_carts(tx, "main", 5), found, strict=False):
            connect_cart(tx, cart.cart_id, shopper_id, None, False, NOW)
    return found


@pytest.fixture
def changes(shop: Shop) -> "Watched":
    return Watched(shop.gateway.pool, shop.gateway.answer_seal)


class Watched(ItemChanges):
    """Remembers who was together in a transaction, and who was alone."""

    def __init__(self, pool: Pool, answer_seal: AnswerSeal) -> None:
        super().__init__(pool, answer_seal)
        self.together: list[list[int]] = []
        self.alone: list[int] = []

    def _change_together(self, calls: Sequence[ItemCall]) -> list[Response | Refused | None]:
        self.together.append([call.item.shopper_id for call in calls])
        return super()._change_together(calls)

    def _change_alone(self, call: ItemCall) -> Response | Refused:
        self.alone.append(call.item.shopper_id)
        return super()._change_alone(call)

    def at_once(self, *calls: ItemCall) -> list[Response | BaseException]:
        async def ask_all() -> list[Response | BaseException]:
            return await asyncio.gather(*(self.change(call) for call in calls), return_exceptions=True)

        return asyncio.run(ask_all())


def call(shopper_id: int, product_id: int, pieces: Literal[1, -1] = 1, key: str | None = None) -> ItemCall:
    request = KeyedRequest(shopper_id, key, "POST /cart/item/add", b"%d" % product_id) if key else None
    return ItemCall(ItemChange(shopper_id, product_id, pieces), request, NOW)


def pieces_of(shop: Shop, shopper_id: int) -> int:
    total: int = shop.execute("SELECT total_items FROM cart_session WHERE shopper_id = %s", shopper_id)[0][0]
    return total


def said(answer: Response | BaseException) -> str:
    return answer.code.value if isinstance(answer, Refused) else getattr(answer, "body", b"").decode()


def test_each_call_of_a_batch_has_its_own_answer(shop: Shop, shoppers: list[int], changes: Watched) -> None:
    one, two, three, four, five, without_cart = shoppers
    assert said(changes.at_once(call(four, shop.milk, key="used"))[0]) == '{"message":"Added to the cart."}'
    answers = changes.at_once(
        call(one, shop.milk, key="k"),
        call(two, 999_999, key="k"),
        call(three, shop.bread, -1),
        call(four, shop.bread, key="used"),
        call(five, shop.beer),
        call(without_cart, shop.milk),
    )
    assert [said(answer) for answer in answers] == [
        '{"message":"Added to the cart."}',
        "unknown_product",
        "not_in_cart",
        "idempotency_key_reused",
        '{"message":"Added to the cart."}',
        "no_cart",
    ]
    assert changes.together[-1] == shoppers
    assert changes.alone == [without_cart]
    assert [pieces_of(shop, shopper_id) for shopper_id in shoppers[:5]] == [1, 0, 0, 1, 1]
    kept = shop.execute("SELECT shopper_id, key FROM idempotency_key ORDER BY 1")
    assert kept == [(one, "k"), (four, "used")]


def test_a_repeat_beside_others_changes_nothing(shop: Shop, shoppers: list[int], changes: Watched) -> None:
    one, two, *_ = shoppers
    first, again, other = changes.at_once(
        call(one, shop.milk, key="k"), call(one, shop.milk, key="k"), call(two, shop.milk, key="k")
    )
    assert said(first) == said(again) == said(other)
    assert isinstance(again, Response)
    assert again.headers["Idempotent-Replay"] == "true"
    assert changes.together == [[one, two], [one]]
    assert (pieces_of(shop, one), pieces_of(shop, two)) == (1, 1)


def test_what_the_database_refuses_fails_alone(shop: Shop, shoppers: list[int], changes: Watched) -> None:
    shop.execute(f"ALTER TABLE cart_line ADD CHECK (product_id <> {shop.beer})")
    one, two, three, *_ = shoppers
    answers = changes.at_once(call(one, shop.milk, key="k"), call(two, shop.beer, key="k"), call(three, shop.bread))
    assert isinstance(answers[1], errors.CheckViolation)
    assert [said(answers[0]), said(answers[2])] == ['{"message":"Added to the cart."}'] * 2
    assert sorted(changes.alone) == [one, two, three]
    assert [pieces_of(shop, shopper_id) for shopper_id in (one, two, three)] == [1, 0, 1]
    assert shop.execute("SELECT shopper_id FROM idempotency_key") == [(one,)]


def test_a_commit_without_an_answer_is_not_done_again(shop: Shop, shoppers: list[int], changes: Watched) -> None:
    together = changes._change_together

    def cut_off(calls: Sequence[ItemCall]) -> list[Response | Refused | None]:
        together(calls)
        raise psycopg.OperationalError("the connection is lost")

    changes._batches._work = cut_off
    answers = changes.at_once(call(shoppers[0], shop.milk), call(shoppers[1], shop.milk))
    assert [type(answer) for answer in answers] == [psycopg.OperationalError] * 2
    assert [pieces_of(shop, shopper_id) for shopper_id in shoppers[:2]] == [1, 1]


def test_nobody_waits_for_a_cart_that_somebody_else_works_on(shop: Shop, ada: LoggedIn) -> None:
    cart_id, ben = shop.connect(ada), shop.log_in(BEN)
    shop.connect(ben, shop.carts[1].cart_id)
    with psycopg.connect(shop.database_url) as elsewhere, ThreadPoolExecutor(1) as threads:
        elsewhere.execute("SELECT 1 FROM cart WHERE cart_id = %s FOR UPDATE", (cart_id,))
        waiting = threads.submit(lambda: ada.post("/cart/item/add", json={"product_id": shop.milk}))
        eventually(lambda: shop.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        for _ in range(5):
            assert ben.post("/cart/item/add", json={"product_id": shop.milk}).status_code == 200
        assert not waiting.done()
        elsewhere.rollback()
        assert waiting.result().status_code == 200
    assert ada.get("/cart/view").json()["total_items"] == 1


def test_sixty_changes_of_five_carts_at_once_are_all_there_once(
    shop: Shop, shoppers: list[int], changes: Watched
) -> None:
    calls = [call(shopper_id, shop.milk, key=f"k-{n}") for n in range(12) for shopper_id in shoppers[:5]]
    assert {said(answer) for answer in changes.at_once(*calls, *calls)} == {'{"message":"Added to the cart."}'}
    assert [pieces_of(shop, shopper_id) for shopper_id in shoppers[:5]] == [12] * 5
    assert shop.execute("SELECT count(*) FROM cart_event WHERE source = 'phone'") == [(60,)]
    assert max(len(together) for together in changes.together) == 5
