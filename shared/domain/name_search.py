"""How names are searched by what a shopper types: for all the words, then with slips of the finger corrected. Who says
which names hold some words, PostgreSQL or an index in memory, is the caller's to choose.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

from shared.domain.search_text import normalise_search_text
from shared.domain.spelling import Vocabulary, list_corrections

HITS_MAX = 200  # nobody turns more pages than that
WORDS_MAX = 8
SPELLINGS_MAX = 4

ListExactHits = Callable[[Sequence[str], int], Sequence[int]]
"""Products whose names hold each of the words, the last one as a beginning: it may still be being typed. The closest
come first, at most so many."""


def words_of(query: str) -> list[str]:
    """The words that are searched for."""
    return normalise_search_text(query).split()[:WORDS_MAX]


def list_hits(words: list[str], vocabulary: Vocabulary, enough: int, list_exact_hits: ListExactHits) -> list[int]:
    """Products for the words as typed, then for other spellings until there are enough."""
    hits = dict.fromkeys(list_exact_hits(words, enough))
    spellings = _other_spellings(words, vocabulary)
    while len(hits) < enough and (spelling := next(spellings, None)) is not None:
        # Some of these may be hits already, so that it takes more to have enough.
        hits |= dict.fromkeys(list_exact_hits(spelling, enough + len(hits)))
    return list(hits)


def hits_needed(limit: int, after: int) -> int:
    """How many hits a page needs; `after` is the last product of the page before, 0 for the first page."""
    return HITS_MAX if after else limit


def page_of(hits: Sequence[int], limit: int, after: int) -> list[int]:
    """The hits of one page; none behind a product that is no hit."""
    if not after:
        return list(hits[:limit])
    first = hits.index(after) + 1 if after in hits else len(hits)
    return list(hits[first : first + limit])


def _other_spellings(words: list[str], vocabulary: Vocabulary) -> Iterator[list[str]]:
    """The words with one or more of them corrected, likeliest first."""
    choices = [_choices(word, vocabulary) for word in words]
    spellings = (list(chosen) for chosen in itertools.product(*choices))
    yield from itertools.islice((spelling for spelling in spellings if spelling != words), SPELLINGS_MAX)


def _choices(word: str, vocabulary: Vocabulary) -> list[str]:
    corrections = list_corrections(vocabulary, word)
    return [word, *corrections] if word in vocabulary.words or not corrections else corrections
