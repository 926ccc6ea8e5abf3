"""What a worker remembers of carts is what the tables say, or is not used."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.array_text import number_array, text_array
from shared.db.cart_log import Applied, apply_events
from shared.db.cart_memory import REMEMBERED, CartMemory
from shared.db.cart_records import lock_carts
from shared.db.incoming import Incoming
from shared.db.sessions import CheckedOut, Connected, checkout, connect_cart
from shared.db.types import Tx
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, Shop, build_shop, incoming, remove, scan, weight


@pytest.fixture
def shop(database_url: str) -> Shop:
    return build_shop(database_url, carts=3)


@pytest.fixture
def tx(shop: Shop) -> Iterator[Tx]:
    with psycopg.connect(shop.url, autocommit=True) as connection:
        yield connection


def apply(tx: Tx, memory: CartMemory, *deliveries: Incoming) -> Applied:
    with tx.transaction():
        applied = apply_events(tx, deliveries, [], NOW, "ingest-0", memory)
    memory.keep(applied.carts)
    return applied


def test_after_each_batch_it_remembers_what_the_tables_hold(tx: Tx, shop: Shop) -> None:
    first, second, _ = shop.carts
    memory = CartMemory()
    batches = [
        [incoming(first, weight(1, 40)), incoming(second, scan(1))],
        [incoming(first, scan(2)), incoming(first, scan(3, BUTTER)), incoming(second, scan(4))],
        [incoming(second, scan(2, RYE_BREAD)), incoming(first, remove(4, BUTTER)), incoming(first, scan(5, "nothing"))],
        [incoming(second, scan(3)), incoming(second, scan(3)), incoming(first, scan(1, epoch=2))],
        [incoming(first, b"{"), incoming(first, {"epoch": 2, "seq": 2, "type": "dance"}), incoming(9999, scan(1))],
    ]
    for batch in batches:
        apply(tx, memory, *batch)

        with tx.transaction():
            assert memory.lock(tx, shop.carts) == lock_carts(tx, shop.carts)


def test_what_a_phone_changed_meanwhile_is_loaded_again(tx: Tx, shop: Shop) -> None:
    cart, shopper = shop.carts[0], shop.shoppers[0]
    memory = CartMemory()
    apply(tx, memory, incoming(cart, scan(1)))
    with shop.connect() as phone:
        assert isinstance(connect_cart(phone, cart, shopper, None, False, NOW), Connected)
        assert isinstance(checkout(phone, shopper, "EUR", NOW), CheckedOut)

    apply(tx, memory, incoming(cart, scan(2, BUTTER)))

    with tx.transaction():
        session = lock_carts(tx, [cart])[cart].record.session
    assert session is not None
    assert [line.code for line in session.cart.lines] == [BUTTER]


def test_a_cart_that_was_revoked_meanwhile_is_turned_away(tx: Tx, shop: Shop) -> None:
    memory = CartMemory()
    apply(tx, memory, incoming(shop.carts[0], scan(1)))
    tx.execute("UPDATE cart SET revoked_at = now()")

    assert apply(tx, memory, incoming(shop.carts[0], scan(2))).outcomes == ("revoked_cart",)


def test_another_connection_is_told_nothing(tx: Tx, shop: Shop) -> None:
    """Behind it may be a server that was restored from a backup: the same version, other content."""
    memory = CartMemory()
    apply(tx, memory, incoming(shop.carts[0], scan(1)))
    tx.execute("UPDATE cart SET ack_seq = 7")

    with psycopg.connect(shop.url) as other:
        assert memory.lock(other, shop.carts[:1])[shop.carts[0]].record.frontier.seq == 7


def test_a_batch_that_was_rolled_back_leaves_nothing_behind(tx: Tx, shop: Shop) -> None:
    memory = CartMemory()
    apply(tx, memory, incoming(shop.carts[0], scan(1)))
    with tx.transaction() as transaction:
        apply_events(tx, [incoming(shop.carts[0], scan(2, BUTTER))], [], NOW, "ingest-0", memory)
        raise psycopg.Rollback(transaction)

    applied = apply(tx, memory, incoming(shop.carts[0], scan(2, OAT_DRINK)))

    assert applied.outcomes == ("applied",)
    with tx.transaction():
        assert memory.lock(tx, shop.carts) == lock_carts(tx, shop.carts)


def test_it_remembers_the_newest_so_many(tx: Tx, shop: Shop) -> None:
    memory = CartMemory()
    with tx.transaction():
        (cart, *_) = lock_carts(tx, shop.carts[:1]).values()
    many = [cart._replace(record=cart.record.__class__(cart_id)) for cart_id in range(REMEMBERED + 10)]

    memory.keep(many)

    assert len(memory._carts) == REMEMBERED
    assert min(memory._carts) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.booleans()),
)
def test_columns_arrive_as_they_were(
    tx: Tx, texts: list[str | None], numbers: list[int | None], flags: list[bool | None]
) -> None:
    row = tx.execute(
        "SELECT %s::text[], %s::bigint[], %s::boolean[]",
        (text_array(texts), number_array(numbers), number_array(flags)),
    ).fetchone()

    assert row == (texts, numbers, flags)
