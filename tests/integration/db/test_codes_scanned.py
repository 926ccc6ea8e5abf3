"""What the codes of real scanners leave in the cart: the product, or a notice; never silence."""

from pathlib import Path
from typing import Any

import pytest

import shared.db.migrate
from shared.db.cart_states import read_cart_snapshots
from shared.db.types import Tx
from tests.builders import OAT_DRINK, Shop, incoming, scan
from tests.integration.db.trips import apply

OWN_EAN_8, MAKERS_UPC_A = "00511292", "005112000092"
MIGRATION = Path(shared.db.migrate.__file__).parent / "migrations/0010_eight_digits_are_decided_at_the_scan.sql"


def add_product(tx: Tx, barcode: str, key: str) -> int:
    row = tx.execute(
        "INSERT INTO product (gtin, barcode, name, price_minor) VALUES (%s, %s, %s, 100) RETURNING product_id",
        (key, barcode, f"product {barcode}"),
    ).fetchone()
    assert row is not None
    tx.execute("INSERT INTO product_code (code, product_id) VALUES (%s, %s)", (key, row[0]))
    return int(row[0])


def scanned(tx: Tx, shop: Shop, code: str, seq: int = 1) -> tuple[list[int], list[str]]:
    """The products in the cart and the notices, after one scan more."""
    apply(tx, incoming(shop.carts[0], scan(seq, code)))
    (state,) = read_cart_snapshots(tx, [shop.carts[0]])
    assert state.ack_seq == seq
    return [one.line.product_id for one in state.lines], [notice.code for notice in state.notices]


@pytest.mark.parametrize(
    "code",
    [
        f"]d201{OAT_DRINK.zfill(14)}10AB-12\x1d17270131",
        f"01{OAT_DRINK.zfill(14)}10AB-12\x1d21{'S' * 20}\x1d91{'x' * 90}",
        f"{OAT_DRINK}\r\n",
        f"{OAT_DRINK}\t",
        f"]Q1https://shop.example/01/{OAT_DRINK.zfill(14)}?{'x' * 400}",
    ],
)
def test_a_long_code_or_one_with_fnc1_or_a_line_end_is_its_product(tx: Tx, shop: Shop, code: str) -> None:
    assert scanned(tx, shop, code) == ([shop.products[OAT_DRINK]], [])


@pytest.mark.parametrize(
    ("code", "reason"),
    [("]C1010952000", "unreadable_code"), ("(01)09520000000012", "wrong_check_digit"), ("no-such", "unknown_code")],
)
def test_a_code_that_is_not_understood_is_refused_with_a_notice(tx: Tx, shop: Shop, code: str, reason: str) -> None:
    assert scanned(tx, shop, code) == ([], [reason])


def test_a_shops_own_ean_8_is_not_sold_as_another_makers_upc_a(tx: Tx, shop: Shop) -> None:
    own = add_product(tx, OWN_EAN_8, OWN_EAN_8.zfill(14))
    assert scanned(tx, shop, MAKERS_UPC_A) == ([], ["unknown_code"])
    assert scanned(tx, shop, OWN_EAN_8, seq=2)[0] == [own]


def test_eight_digits_that_stand_for_two_products_are_refused_until_the_symbology_says_which(
    tx: Tx, shop: Shop
) -> None:
    own = add_product(tx, OWN_EAN_8, OWN_EAN_8.zfill(14))
    makers = add_product(tx, MAKERS_UPC_A, MAKERS_UPC_A.zfill(14))
    assert scanned(tx, shop, OWN_EAN_8) == ([], ["ambiguous_code"])
    assert scanned(tx, shop, f"]E4{OWN_EAN_8}", seq=2)[0] == [own]
    assert scanned(tx, shop, MAKERS_UPC_A, seq=3)[0] == [own, makers]


def test_the_migration_gives_an_own_ean_8_its_own_key_and_leaves_a_upc_e_alone(tx: Tx, shop: Shop) -> None:
    own = add_product(tx, OWN_EAN_8, MAKERS_UPC_A.zfill(14))
    upc_e = add_product(tx, "04252614", "00042100005264")
    text: Any = MIGRATION.read_text()
    tx.execute(text)
    keys = dict(tx.execute("SELECT product_id, code FROM product_code").fetchall())
    assert (keys[own], keys[upc_e]) == (OWN_EAN_8.zfill(14), "00042100005264")
