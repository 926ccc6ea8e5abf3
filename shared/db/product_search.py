"""Finding products by what a shopper types: by code, by the words, by words that are nearly right.

Trigrams (three neighbouring letters) are indexed. The rarest of each word leads to names that may hold all the words;
those that do are exact hits. When there are too few of them, words are corrected and searched for again; when that
finds nothing, names that share enough trigrams are looked at, as far as they hold one of the query's rarer ones: a
common trigram (" pr") stands in a tenth of all names and says little.
"""

import itertools
from collections.abc import Iterable

from psycopg.rows import args_row

from shared.db.products import Product, find_product_id, list_products
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.gtin import Gtin, HouseCode, UnreadableCode, WrongCheckDigit, normalise_code
from shared.domain.search_text import normalise_search_text, trigrams
from shared.domain.spelling import Vocabulary, build_vocabulary, list_corrections

HITS_MAX = 200  # nobody turns more pages than that
KEYS_MIN = 2  # trigrams that the index is asked for; each more costs more than it spares
ROUGH_CANDIDATES = 500  # each costs some microseconds
NEEDED_SHARE = 0.4
SPELLINGS_MAX = 4
WORDS_MAX = 8
VOCABULARY_PRODUCTS = 100_000  # read at most: a sample knows the common words as well
VOCABULARY_WORDS = 200_000


def load_vocabulary(tx: Tx) -> Vocabulary:
    """The words of the catalogue; worth keeping for minutes."""
    count = tx.execute(sql("estimate_product_count")).fetchone()
    share = 100.0 if not count or count[0] <= VOCABULARY_PRODUCTS else 100.0 * VOCABULARY_PRODUCTS / count[0]
    rows = tx.execute(sql("list_catalogue_words"), {"percent": share, "limit": VOCABULARY_WORDS}).fetchall()
    return build_vocabulary(dict(rows))


def search_products(tx: Tx, query: str, limit: int, after: int, vocabulary: Vocabulary) -> list[Product]:
    """A page of hits, best first; `after` is the last product of the page before, 0 for the first page."""
    hits = _list_hits(tx, query, vocabulary, enough=limit if after == 0 else HITS_MAX)
    places = {product.product_id: place for place, product in enumerate(hits)}
    first = places.get(after, len(hits)) + 1 if after else 0
    return hits[first : first + limit]


def _list_hits(tx: Tx, query: str, vocabulary: Vocabulary, enough: int) -> list[Product]:
    by_code = _find_by_code(tx, query)
    if by_code is not None:
        return list(list_products(tx, [by_code]).values())
    words = normalise_search_text(query).split()[:WORDS_MAX]
    if not words:
        return []
    hits = {product.product_id: product for product in _search_exactly(tx, words, vocabulary, enough)}
    for spelling in _other_spellings(words, vocabulary):
        if len(hits) >= enough:
            break
        # Some of these may be hits already, so that it takes more to have enough.
        for product in _search_exactly(tx, spelling, vocabulary, enough + len(hits)):
            hits.setdefault(product.product_id, product)
    return list(hits.values()) or _search_roughly(tx, words, vocabulary, enough)


def _find_by_code(tx: Tx, query: str) -> int | None:
    try:
        code = normalise_code(query.strip())
    except UnreadableCode:
        return None
    match code:
        case Gtin(gtin14=gtin14):
            return find_product_id(tx, gtin14)
        case HouseCode(code=house_code):
            return find_product_id(tx, house_code) if any(sign.isdigit() for sign in house_code) else None
        case WrongCheckDigit():
            return None


def _search_exactly(tx: Tx, words: list[str], vocabulary: Vocabulary, enough: int) -> list[Product]:
    """Names that hold each of the words, the last one as a beginning: it may still be being typed."""
    *whole, beginning = words
    parameters = {
        "keys": _index_keys(words, vocabulary),
        "patterns": [*(f"% {word} %" for word in whole), f"% {beginning}%"],
        "candidates": HITS_MAX,
        "limit": enough,
    }
    with tx.cursor(row_factory=args_row(Product)) as cursor:
        return cursor.execute(sql("search_products_exactly"), parameters, binary=True).fetchall()


def _index_keys(words: list[str], vocabulary: Vocabulary) -> list[str]:
    """The rarest trigram of each word, or a few of an only one."""
    each = max(1, KEYS_MIN // len(words))
    counts = vocabulary.trigram_counts
    keys: set[str] = set()
    for word in words:
        ending = f" {word} "[-3:] if word is words[-1] else None
        certain = [trigram for trigram in trigrams(word) if trigram != ending]
        keys.update(sorted(certain, key=lambda one: (counts.get(one, 0), one))[:each])
    return sorted(keys)


def _other_spellings(words: list[str], vocabulary: Vocabulary) -> Iterable[list[str]]:
    """The words with one or more of them corrected, likeliest first."""
    choices = [_choices(word, vocabulary) for word in words]
    spellings = (list(chosen) for chosen in itertools.product(*choices))
    return itertools.islice((spelling for spelling in spellings if spelling != words), SPELLINGS_MAX)


def _choices(word: str, vocabulary: Vocabulary) -> list[str]:
    corrections = list_corrections(vocabulary, word)
    return [word, *corrections] if word in vocabulary.words or not corrections else corrections


def _search_roughly(tx: Tx, words: list[str], vocabulary: Vocabulary, enough: int) -> list[Product]:
    counts = vocabulary.trigram_counts
    wanted = [trigram for trigram in trigrams(" ".join(words)) if trigram in counts]
    needed = max(2, -int(-len(wanted) * NEEDED_SHARE // 1))
    parameters = {
        "wanted": wanted,
        "rare": _rarest(wanted, vocabulary),
        "needed": needed,
        "candidates": ROUGH_CANDIDATES,
        "limit": enough,
    }
    if not wanted:
        return []
    with tx.cursor(row_factory=args_row(Product)) as cursor:
        return cursor.execute(sql("search_products_roughly"), parameters, binary=True).fetchall()


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
