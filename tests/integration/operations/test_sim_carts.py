"""The carts of a simulated fleet: kept from run to run, and never somebody else's."""

import stat
from pathlib import Path

import psycopg

from services.operations.sim_crew import hire_carts, keep_carts, read_kept
from shared.db.carts import revoke_cart, rotate_cart


def test_carts_are_added_once_and_hired_again(database_url: str, tmp_path: Path) -> None:
    kept_file = tmp_path / "carts.json"
    with psycopg.connect(database_url) as tx:
        first = hire_carts(tx, kept_file, "main", 3)
        keep_carts(kept_file, first)
        assert hire_carts(tx, kept_file, "main", 2) == first[:2]
        grown = hire_carts(tx, kept_file, "main", 5)
        keep_carts(kept_file, grown)
    assert grown[:3] == first
    assert read_kept(kept_file) == grown
    assert stat.S_IMODE(kept_file.stat().st_mode) == 0o600


def test_a_cart_that_was_rotated_revoked_or_is_of_another_store_is_not_hired(database_url: str, tmp_path: Path) -> None:
    kept_file = tmp_path / "carts.json"
    with psycopg.connect(database_url) as tx:
        kept = hire_carts(tx, kept_file, "main", 3)
        keep_carts(kept_file, kept)
        rotate_cart(tx, kept[0].cart_id, 60)
        revoke_cart(tx, kept[1].cart_id)
        assert hire_carts(tx, kept_file, "main", 1) == kept[2:]
        elsewhere = hire_carts(tx, kept_file, "branch", 1)
    assert elsewhere[0].cart_id not in {cart.cart_id for cart in kept}


def test_a_broken_file_is_no_reason_to_stop(database_url: str, tmp_path: Path) -> None:
    kept_file = tmp_path / "carts.json"
    kept_file.write_text('{"half')
    with psycopg.connect(database_url) as tx:
        assert len(hire_carts(tx, kept_file, "main", 1)) == 1
