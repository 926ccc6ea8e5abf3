"""Finding products by what a shopper types: by code, by the words, by words that are nearly right.

PostgreSQL has an index of trigrams (three neighbouring letters). The rarest of each word leads to names that may hold
all the words; those that do are exact hits. When no spelling leads to a name, names that share enough trigrams are
looked at, as far as they hold one of the query's rarer ones: a common trigram (" pr") stands in a tenth of all names
and says little.

A program that keeps the names in memory (`load_names`) asks PostgreSQL only for the products that it found, and learns
with them whether the names still hold (`find_products`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg.rows import args_row

from shared.db.products import Product, find_product_ids, list_products
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.name_search import hits_needed, list_hits, page_of, words_of
from shared.domain.reading import ReadError, read_code
from shared.domain.search_text import trigrams
from shared.domain.spelling import Vocabulary, build_vocabulary
from shared.domain.word_index import WordIndex, build_word_index

KEYS_MIN = 2  # trigrams that the index is asked for; each more costs more than it spares
ROUGH_CANDIDATES = 500  # each costs some microseconds
NEEDED_SHARE = 0.4
NAMES_AT_ONCE = 10_000
_ANY_DAY = date(2026, 1, 1)  # decides the century of dates in a code, which no search looks at

Page = tuple[int, ...]


@dataclass(frozen=True)
class CatalogueNames:
    """The names of all products as they were at one moment, and the words that typos are corrected to."""

    version: UUID | None  # another one after each change, never one that there was; None: nothing was read yet
    index: WordIndex
    vocabulary: Vocabulary


@dataclass(frozen=True, slots=True)
class FoundProducts:
    """Products as they are now, and the version of the names at the same moment."""

    names_version: UUID
    products: Sequence[Product]


NO_NAMES = CatalogueNames(None, build_word_index([]), build_vocabulary({}))


def load_names(tx: Tx, known: CatalogueNames) -> CatalogueNames:
    """The names as they are now: `known` again while its version holds. Begins a transaction, which sees one moment."""
    tx.execute(sql("read_only_snapshot"))
    row = tx.execute(sql("find_names_version")).fetchone()
    assert row is not None, "a migration has written it"
    version: UUID = row[0]
    if version == known.version:
        return known
    with tx.cursor("names", binary=True) as cursor:
        cursor.itersize = NAMES_AT_ONCE
        index = build_word_index((product_id, name) for product_id, name in cursor.execute(sql("list_names")))
    return CatalogueNames(version, index, build_vocabulary(index.count_words()))


def search_names(names: CatalogueNames, query: str, hits_max: int) -> list[int] | None:
    """Products by name, best first, as far as these names hold; None: they do not suffice, PostgreSQL must be asked."""
    if names.version is None or _could_be_code(query):
        return None
    words = words_of(query)
    return list_hits(words, names.vocabulary, hits_max, names.index.list_hits) if words else []


def find_products(tx: Tx, pages: Collection[Page]) -> Mapping[Page, FoundProducts]:
    """The products of each page in its order, with the version of the names, all in one statement; a product that is
    gone is left out."""
    asked = {"product_ids": list({product_id for page in pages for product_id in page})}
    rows = tx.execute(sql("find_products_with_version"), asked, binary=True).fetchall()
    version: UUID = rows[0][0]
    found = {row[1]: Product(*row[1:]) for row in rows if row[1] is not None}
    return {page: FoundProducts(version, [found[one] for one in page if one in found]) for page in pages}


def search_products(tx: Tx, query: str, limit: int, after: int, vocabulary: Vocabulary) -> list[Product]:
    """A page of hits, best first, by PostgreSQL alone; `after` is the last product of the page before, 0 for the first
    page."""

    def list_exact_hits(words: Sequence[str], hits_max: int) -> list[int]:
        return _search_exactly(tx, words, vocabulary, hits_max)

    by_code = _find_by_code(tx, query)
    words = words_of(query)
    if by_code is not None:
        hits = [by_code]
    else:
        hits = list_hits(words, vocabulary, hits_needed(limit, after), list_exact_hits) if words else []
    if not hits:
        return search_roughly(tx, query, limit, after, vocabulary)
    page = page_of(hits, limit, after)
    found = list_products(tx, page)
    return [found[product_id] for product_id in page if product_id in found]


def search_roughly(tx: Tx, query: str, limit: int, after: int, vocabulary: Vocabulary) -> list[Product]:
    """A page of products whose names share enough trigrams with the query: for when no name holds its words."""
    wanted = [trigram for trigram in trigrams(" ".join(words_of(query))) if trigram in vocabulary.trigram_counts]
    if not wanted:
        return []
    parameters = {
        "wanted": wanted,
        "rare": _rarest(wanted, vocabulary),
        "needed": max(2, -int(-len(wanted) * NEEDED_SHARE // 1)),
        "candidates": ROUGH_CANDIDATES,
        "limit": hits_needed(limit, after),
    }
    with tx.cursor(row_factory=args_row(Product)) as cursor:
        found = cursor.execute(sql("search_products_roughly"), parameters, binary=True).fetchall()
    hits = {product.product_id: product for product in found}
    return [hits[product_id] for product_id in page_of(list(hits), limit, after)]


def _could_be_code(query: str) -> bool:
    """Whether the query is written as codes are; words without a digit are taken for words."""
    reading = read_code(query.strip(), _ANY_DAY)
    if reading.error is not None:
        return reading.error is ReadError.WRONG_CHECK_DIGIT
    return reading.gtin is not None or any(sign.isdigit() for sign in query)


def _find_by_code(tx: Tx, query: str) -> int | None:
    if not _could_be_code(query):
        return None
    found = find_product_ids(tx, read_code(query.strip(), _ANY_DAY).keys)
    return found[0] if found else None


def _search_exactly(tx: Tx, words: Sequence[str], vocabulary: Vocabulary, hits_max: int) -> list[int]:
    *whole, beginning = words
    parameters = {
        "keys": _index_keys(words, vocabulary),
        "patterns": [*(f"% {word} %" for word in whole), f"% {beginning}%"],
        "limit": hits_max,
    }
    return [product_id for (product_id,) in tx.execute(sql("search_products_exactly"), parameters)]


def _index_keys(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """The rarest trigram of each word, or a few of an only one."""
    each = max(1, KEYS_MIN // len(words))
    counts = vocabulary.trigram_counts
    keys: set[str] = set()
    for place, word in enumerate(words, 1):
        ending = f" {word} "[-3:] if place == len(words) else None
        certain = [trigram for trigram in trigrams(word) if trigram != ending]
        keys.update(sorted(certain, key=lambda one: (counts.get(one, 0), one))[:each])
    return sorted(keys)


def _rarest(wanted: list[str], vocabulary: Vocabulary) -> list[str]:
    """The rarest trigrams, as many as keep the expected number of candidates within bounds, at least one."""
    chosen: list[str] = []
    expected = 0
    for trigram in sorted(wanted, key=lambda one: (vocabulary.trigram_counts[one], one)):
        expected += vocabulary.trigram_counts[trigram]
        if chosen and expected > ROUGH_CANDIDATES:
            break
        chosen.append(trigram)
    return chosen
