"""Cart accounts in the database: secrets are shown once, rotation overlaps, revocation is final."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from shared.db.carts import (
    CartRevoked,
    CartRotated,
    CartUnknown,
    add_carts,
    list_cart_credentials,
    list_carts,
    revoke_cart,
    rotate_cart,
)
from shared.db.stores import UnknownStore, ensure_store
from shared.domain.device_secret import secret_matches


@pytest.fixture(autouse=True)
def main_store(connection: Connection[TupleRow]) -> None:
    ensure_store(connection, "main")


def test_each_new_cart_has_a_secret_of_its_own_and_only_its_hash_is_kept(connection: Connection[TupleRow]) -> None:
    added = add_carts(connection, "main", 50)
    assert len({cart.password for cart in added}) == 50
    assert all(len(cart.password) == 64 and cart.username == f"cart-{cart.cart_id}" for cart in added)
    stored = {credential.cart_id: credential for credential in list_cart_credentials(connection, None)}
    assert all(secret_matches(cart.password, stored[cart.cart_id].secret_hash) for cart in added)
    assert added[0].password not in repr(added[0])
    kept = connection.execute("SELECT string_agg(cart::text, ' ') FROM cart").fetchone()
    assert kept is not None
    assert not any(cart.password in kept[0] for cart in added)


def test_a_new_cart_is_listed_as_absent_and_empty(connection: Connection[TupleRow]) -> None:
    (added,) = add_carts(connection, "main", 1)
    (listed,) = list_carts(connection, "main")
    assert listed.cart_id == added.cart_id
    assert (listed.online, listed.in_use, listed.total_items, listed.revoked_at) == (False, False, 0, None)


def test_carts_of_a_store_that_does_not_exist_are_not_added(connection: Connection[TupleRow]) -> None:
    with pytest.raises(UnknownStore):
        add_carts(connection, "elsewhere", 1)
    with pytest.raises(UnknownStore):
        list_carts(connection, "elsewhere")


def test_an_old_secret_is_valid_through_the_overlap_and_an_older_one_never(connection: Connection[TupleRow]) -> None:
    (cart,) = add_carts(connection, "main", 1)
    first = rotate_cart(connection, cart.cart_id, overlap_s=60)
    assert isinstance(first, CartRotated)
    (credential,) = list_cart_credentials(connection, None)
    assert secret_matches(first.password, credential.secret_hash)
    assert credential.previous_secret_hash is not None
    assert secret_matches(cart.password, credential.previous_secret_hash)
    assert credential.previous_valid_until is not None
    left = credential.previous_valid_until - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)

    second = rotate_cart(connection, cart.cart_id, overlap_s=0)
    assert isinstance(second, CartRotated)
    (credential,) = list_cart_credentials(connection, None)
    assert (credential.previous_secret_hash, credential.previous_valid_until) == (None, None)
    assert secret_matches(second.password, credential.secret_hash)


def test_an_overlap_longer_than_a_day_is_refused(connection: Connection[TupleRow]) -> None:
    (cart,) = add_carts(connection, "main", 1)
    with pytest.raises(ValueError, match="86400"):
        rotate_cart(connection, cart.cart_id, overlap_s=86_401)


def test_a_revoked_cart_stays_revoked(connection: Connection[TupleRow]) -> None:
    (cart,) = add_carts(connection, "main", 1)
    rotate_cart(connection, cart.cart_id, overlap_s=3_600)
    first = revoke_cart(connection, cart.cart_id)
    assert isinstance(first, CartRevoked)
    assert revoke_cart(connection, cart.cart_id) == first
    assert rotate_cart(connection, cart.cart_id, overlap_s=0) == first
    (credential,) = list_cart_credentials(connection, None)
    assert credential.revoked
    assert credential.previous_secret_hash is None


def test_a_cart_that_does_not_exist_is_unknown(connection: Connection[TupleRow]) -> None:
    assert revoke_cart(connection, 4711) == CartUnknown(4711)
    assert rotate_cart(connection, 4711, overlap_s=0) == CartUnknown(4711)


def test_the_broker_hears_of_a_change_that_was_committed_after_a_later_one(database_url: str) -> None:
    with psycopg.connect(database_url) as slow, psycopg.connect(database_url, autocommit=True) as quick:
        (one, two) = add_carts(quick, "main", 2)
        with slow.transaction():
            rotate_cart(slow, one.cart_id, overlap_s=0)  # begun first, committed last
            rotate_cart(quick, two.cart_id, overlap_s=0)
            seen = max(credential.changed_at for credential in list_cart_credentials(quick, None))
        assert one.cart_id in {credential.cart_id for credential in list_cart_credentials(quick, seen)}
