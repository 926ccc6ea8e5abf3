"""Laws of the catalogue in the database: what was written is read back equal, whoever writes at the same time."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.catalogue import Imported, load_catalogue
from services.operations.catalogue_row import ALLERGENS, clean_text
from services.operations.price_rules import parse_price_rule
from services.operations.refusals import Report
from shared.db.catalogue import CatalogueProduct, insert_products, list_products_by_codes, update_products
from shared.domain.gtin import check_digit

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=30).map(
    lambda text: clean_text(text, "text")
)
NAMES = st.frozensets(TEXTS, max_size=3)
MINOR = st.integers(0, 10**7)


@st.composite
def products(draw: st.DrawFn, code: str) -> CatalogueProduct:
    price, discount = sorted((draw(MINOR), draw(MINOR)), reverse=True)
    allergens = draw(st.frozensets(st.sampled_from(sorted(ALLERGENS))))
    return CatalogueProduct(
        gtin=code,
        barcode=code,
        codes=frozenset({code}),
        name=draw(TEXTS),
        brand=draw(st.none() | TEXTS),
        quantity_text=draw(st.none() | TEXTS),
        price_minor=price,
        discounted_price_minor=draw(st.none() | st.just(discount)),
        price_is_estimated=draw(st.booleans()),
        tax_rate_bp=draw(st.integers(0, 10_000)),
        offer_name=draw(st.none() | TEXTS),
        weight_g=draw(st.none() | st.integers(1, 100_000)),
        expiry=draw(st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31))),
        category=draw(st.none() | TEXTS),
        image=draw(st.none() | TEXTS),
        food_types=draw(NAMES),
        allergens=allergens,
        traces=draw(st.frozensets(st.sampled_from(sorted(ALLERGENS)))) - allergens,
        allergens_are_known=draw(st.booleans()),
    )


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_product_is_read_back_as_it_was_written(connection: Connection[TupleRow], data: st.DataObject) -> None:
    code, other = (f"{body}{check_digit(body)}" for body in ("0952123499999", "0952123499998"))
    connection.execute("DELETE FROM product")
    first, second, changed = (data.draw(products(key)) for key in (code, other, code))
    with connection.transaction():
        insert_products(connection, [first, second])
    stored = list_products_by_codes(connection, [code, other])
    assert (stored[code].product, stored[other].product) == (first, second)
    with connection.transaction():
        update_products(connection, {stored[code].product_id: changed})
    again = list_products_by_codes(connection, [code, other])
    assert (again[code].product, again[other].product) == (changed, second)
    assert again[code].product_id == stored[code].product_id


def test_two_imports_at_the_same_time_add_every_product_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("code,name,category\n" + "".join(f"H-{n},Product {n},Category {n % 7}\n" for n in range(1_100)))
    done: list[Imported] = []

    def load() -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            done.append(load_catalogue(own, file, parse_price_rule("fixed:1"), Report()))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(done) == 3
    assert sum(each.imported for each in done) == 1_100
    assert sum(each.unchanged for each in done) == 2_200


def test_a_database_without_tables_is_named_in_one_line(
    smartcart: Callable[..., tuple[int, list[str], str]],
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert smartcart("carts", "list") == (1, [], "smartcart: the database lacks tables; run `smartcart migrate`\n")
