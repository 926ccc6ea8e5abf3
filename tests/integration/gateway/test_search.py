"""Search from the names in memory: never behind the catalogue, and the same answers as PostgreSQL alone gives."""

import random
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from shared.db.catalogue import CatalogueProduct, insert_products, update_products
from shared.db.product_search import NO_NAMES, load_names, search_names, search_products
from shared.domain.name_search import hits_needed, page_of
from tests.integration.gateway.shop import Shop

WORDS = (
    "milk",
    "Milch",
    "oat",
    "crème",
    "fraîche",
    "bio",
    "1",
    "500",
    "g",
    "ananas",
    "an",
    "a",
    "apple",
    "apfel",
    "mild",
)
QUERIES = (
    "m",
    "mil",
    "milk",
    "milk oat",
    "oat m",
    "creme fr",
    "g 500",
    "a",
    "an a",
    "mlik",
    "aple bio",
    "mild aple",
    "zzz",
)


def names_of(shop: Shop, query: str, **more: Any) -> list[str]:
    answer = shop.client.get("/products/search", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return [product["product_name"] for product in answer.json()["results"]]


def product(number: int, name: str) -> CatalogueProduct:
    gtin = f"2{number:013d}"
    return CatalogueProduct(gtin=gtin, barcode=gtin, codes=frozenset([gtin]), name=name, price_minor=100 + number)


@pytest.fixture
def many(shop: Shop) -> Shop:
    """Four hundred products with names of a few common words."""
    rng = random.Random(5)
    with psycopg.connect(shop.database_url) as tx:
        insert_products(
            tx, [product(number, " ".join(rng.choices(WORDS, k=rng.randint(1, 5)))) for number in range(400)]
        )
    shop.gateway.catalogue_words.read()
    return shop


def test_what_changes_is_found_by_its_new_name_at_once_and_no_more_by_its_old_one(shop: Shop) -> None:
    shop.gateway.catalogue_words.read()
    assert names_of(shop, "quince") == []
    with psycopg.connect(shop.database_url) as tx:
        insert_products(tx, [product(1, "Quince jam")])
    assert names_of(shop, "quince") == ["Quince jam"]
    product_id = shop.execute("SELECT product_id FROM product WHERE name = 'Quince jam'")[0][0]
    with psycopg.connect(shop.database_url) as tx:
        update_products(tx, {product_id: product(1, "Medlar jam")})
    assert (names_of(shop, "quince"), names_of(shop, "medlar")) == ([], ["Medlar jam"])
    shop.execute("DELETE FROM product WHERE product_id = %s", product_id)
    assert names_of(shop, "medlar") == []


def test_a_new_price_is_shown_at_once_and_leaves_the_names_in_memory(shop: Shop) -> None:
    shop.gateway.catalogue_words.read()
    before = shop.gateway.catalogue_words.names
    shop.execute("UPDATE product SET price_minor = 4200, discounted_price_minor = NULL")
    answer = shop.client.get("/products/search", params={"query": "milk"}).json()
    assert [one["price"] for one in answer["results"]] == [42.0]
    shop.gateway.catalogue_words.read()
    assert shop.gateway.catalogue_words.names is before


def test_names_in_memory_and_postgres_give_the_same_pages(many: Shop) -> None:
    with psycopg.connect(many.database_url) as tx:
        names = load_names(tx, NO_NAMES)
        for query in QUERIES:
            after = 0
            for _ in range(4):
                found = [one.product_id for one in search_products(tx, query, 60, after, names.vocabulary)]
                hits = search_names(names, query, hits_needed(60, after))
                assert page_of(hits or [], 60, after) == found, query
                after = found[-1] if found else 0


def test_behind_the_last_hit_there_is_nothing(many: Shop) -> None:
    seen = names_of(many, "fraiche apfel", limit=100)
    last = many.client.get("/products/search", params={"query": "fraiche apfel", "limit": 100}).json()["results"][-1]
    assert 0 < len(seen) < 100
    assert names_of(many, "fraiche apfel", after=last["product_id"]) == []


@pytest.mark.parametrize("from_memory", [True, False])
def test_two_slips_in_a_word_are_forgiven_by_a_rough_search(many: Shop, from_memory: bool) -> None:
    if not from_memory:
        many.gateway.catalogue_words.names = replace(many.gateway.catalogue_words.names, version=None)
    assert "ananas" in names_of(many, "anananass")[0]


@pytest.mark.parametrize("from_memory", [True, False])
def test_pages_of_a_single_letter_hold_two_hundred_hits_each_once(many: Shop, from_memory: bool) -> None:
    if not from_memory:  # until they are read again, within a second: both give the same
        many.gateway.catalogue_words.names = replace(many.gateway.catalogue_words.names, version=None)
    for _ in range(3):
        seen: list[int] = []
        after: int | None = 0
        while after is not None:
            asked = {"query": "a", "limit": 30, "after": after}
            page = many.client.get("/products/search", params=asked).json()
            seen += [one["product_id"] for one in page["results"]]
            after = page["next_after"]
        assert (len(seen), len(set(seen))) == (200, 200)
        expected = many.execute(
            "SELECT product_id FROM product WHERE ' ' || search_text LIKE '%% a%%'"
            " ORDER BY cardinality(search_trigrams), product_id LIMIT 200"
        )
        assert seen == [product_id for (product_id,) in expected]
