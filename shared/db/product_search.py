"""Finding products by what a shopper types: by code, by the words, and by words that are nearly right.

Trigrams (three neighbouring letters) are indexed. A name that holds all of the query's is an exact hit. Rough hits
share enough of them; only names that hold one of the query's rarer trigrams are looked at, because a common one
(" pr") stands in a tenth of all names and says little.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.db.products import Product, find_product_id, list_products
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.gtin import Gtin, HouseCode, UnreadableCode, WrongCheckDigit, normalise_code
from shared.domain.search_text import normalise_search_text, trigrams

HITS_MAX = 300  # nobody turns more pages than that
EXACT_CANDIDATES = 1_000
ROUGH_CANDIDATES = 1_500  # bounds a rough search to some 10 ms
NEEDED_SHARE = 0.4
SWAP_LETTERS_MAX = 8  # two swapped letters break 4 trigrams: in a short word that is nearly all of them


@dataclass(frozen=True, slots=True)
class CatalogueStatistics:
    """How many products there are, and which share of them holds each common trigram; the others are rare."""

    product_count: int
    frequencies: Mapping[str, float]


def load_catalogue_statistics(tx: Tx) -> CatalogueStatistics:
    """What PostgreSQL's statistics say; worth keeping for a minute."""
    count = tx.execute(sql("estimate_product_count")).fetchone()
    frequencies: dict[str, float] = dict(tx.execute(sql("list_trigram_frequencies")).fetchall())
    return CatalogueStatistics(count[0] if count else 0, frequencies)


def search_products(tx: Tx, query: str, limit: int, after: int, statistics: CatalogueStatistics) -> list[Product]:
    """A page of hits, best first; `after` is the last product of the page before, 0 for the first page."""
    hits = _list_hits(tx, query, statistics, enough=limit)
    if after:
        hits = hits[hits.index(after) + 1 :] if after in hits else []
    page = hits[:limit]
    products = list_products(tx, page)
    return [products[product_id] for product_id in page if product_id in products]


def _list_hits(tx: Tx, query: str, statistics: CatalogueStatistics, enough: int) -> list[int]:
    by_code = _find_by_code(tx, query)
    if by_code is not None:
        return [by_code]
    words = normalise_search_text(query).split()
    if not words:
        return []
    exact = _search_exactly(tx, words)
    if len(exact) >= enough:
        return exact
    return list(dict.fromkeys([*exact, *_search_roughly(tx, words, statistics)]))


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


def _search_exactly(tx: Tx, words: list[str]) -> list[int]:
    # The last word may still be being typed: its end is not required.
    required = set(trigrams(" ".join(words))) - {f"{words[-1]} "[-3:] if len(words[-1]) > 1 else f" {words[-1]} "}
    return _ids(
        tx.execute(
            sql("search_products_exactly"),
            {"required": sorted(required), "candidates": EXACT_CANDIDATES, "limit": HITS_MAX},
        )
    )


def _search_roughly(tx: Tx, words: list[str], statistics: CatalogueStatistics) -> list[int]:
    typed = set(trigrams(" ".join(words)))
    wanted = typed | {trigram for word in words for swapped in _swaps(word) for trigram in trigrams(swapped)}
    needed = max(2, -int(-len(typed) * NEEDED_SHARE // 1))
    parameters = {
        "wanted": sorted(wanted),
        "rare": _rarest(wanted, statistics),
        "needed": needed,
        "candidates": ROUGH_CANDIDATES,
        "limit": HITS_MAX,
    }
    return _ids(tx.execute(sql("search_products_roughly"), parameters))


def _rarest(wanted: set[str], statistics: CatalogueStatistics) -> list[str]:
    """The rarest trigrams, as many as keep the expected number of candidates within bounds, at least one."""
    frequencies, chosen = statistics.frequencies, list[str]()
    expected = 0.0
    for trigram in sorted(wanted, key=lambda one: (frequencies.get(one, 0.0), one)):
        expected += frequencies.get(trigram, 0.0) * statistics.product_count
        if chosen and expected > ROUGH_CANDIDATES:
            break
        chosen.append(trigram)
    return chosen


def _swaps(word: str) -> Iterable[str]:
    """The word with each two neighbouring letters swapped."""
    if len(word) > SWAP_LETTERS_MAX:
        return
    for place in range(len(word) - 1):
        yield word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _ids(rows: Iterable[tuple[int]]) -> list[int]:
    return [product_id for (product_id,) in rows]
