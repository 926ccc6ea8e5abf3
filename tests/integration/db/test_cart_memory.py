"""What a worker remembers of carts is what the tables say, or is not used."""

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.array_text import number_array, text_array
from shared.db.cart_log import Applied
from shared.db.cart_memory import REMEMBERED, CartMemory
from shared.db.cart_records import lock_carts
from shared.db.incoming import Incoming
from shared.db.sessions import CheckedOut, checkout
from shared.db.types import Tx
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, Shop, incoming, remove, scan, weight
from tests.integration.db.trips import apply, take_cart


def apply_and_keep(connection: Tx, memory: CartMemory, *deliveries: Incoming) -> Applied:
    with connection.transaction():
        applied = apply(connection, *deliveries, memory=memory)
    memory.keep(applied.carts)
    return applied


def test_after_each_batch_it_remembers_what_the_tables_hold(connection: Tx, shop: Shop) -> None:
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
        apply_and_keep(connection, memory, *batch)

        with connection.transaction():
            assert memory.lock(connection, shop.carts) == lock_carts(connection, shop.carts)


def test_what_a_phone_changed_meanwhile_is_loaded_again(connection: Tx, shop: Shop) -> None:
    cart, shopper = shop.carts[0], shop.shoppers[0]
    memory = CartMemory()
    apply_and_keep(connection, memory, incoming(cart, scan(1)))
    with shop.connect() as phone:
        take_cart(phone, cart, shopper)
        assert isinstance(checkout(phone, shopper, "EUR", NOW), CheckedOut)

    apply_and_keep(connection, memory, incoming(cart, scan(2, BUTTER)))

    with connection.transaction():
        session = lock_carts(connection, [cart])[cart].record.session
    assert session is not None
    assert [line.code for line in session.cart.lines] == [BUTTER]


def test_a_cart_that_was_revoked_meanwhile_is_turned_away(connection: Tx, shop: Shop) -> None:
    memory = CartMemory()
    apply_and_keep(connection, memory, incoming(shop.carts[0], scan(1)))
    connection.execute("UPDATE cart SET revoked_at = now()")

    assert apply_and_keep(connection, memory, incoming(shop.carts[0], scan(2))).outcomes == ("revoked_cart",)


def test_another_connection_is_told_nothing(connection: Tx, shop: Shop) -> None:
    """Behind it may be a server that was restored from a backup: the same version, other content."""
    memory = CartMemory()
    apply_and_keep(connection, memory, incoming(shop.carts[0], scan(1)))
    connection.execute("UPDATE cart SET ack_seq = 7")

    with psycopg.connect(shop.url) as other:
        assert memory.lock(other, shop.carts[:1])[shop.carts[0]].record.frontier.seq == 7


def test_a_batch_that_was_rolled_back_leaves_nothing_behind(connection: Tx, shop: Shop) -> None:
    memory = CartMemory()
    apply_and_keep(connection, memory, incoming(shop.carts[0], scan(1)))
    with connection.transaction() as transaction:
        apply(connection, incoming(shop.carts[0], scan(2, BUTTER)), memory=memory)
        raise psycopg.Rollback(transaction)

    applied = apply_and_keep(connection, memory, incoming(shop.carts[0], scan(2, OAT_DRINK)))

    assert applied.outcomes == ("applied",)
    with connection.transaction():
        assert memory.lock(connection, shop.carts) == lock_carts(connection, shop.carts)


def test_it_remembers_the_newest_so_many(connection: Tx, shop: Shop) -> None:
    memory = CartMemory()
    with connection.transaction():
        (cart, *_) = lock_carts(connection, shop.carts[:1]).values()
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
    connection: Tx, texts: list[str | None], numbers: list[int | None], flags: list[bool | None]
) -> None:
    row = connection.execute(
        "SELECT %s::text[], %s::bigint[], %s::boolean[]",
        (text_array(texts), number_array(numbers), number_array(flags)),
    ).fetchone()

    assert row == (texts, numbers, flags)
