"""The form in which product names are searched, so that "Creme" finds "Crème" and a typo still finds its word."""

import re
import unicodedata
from collections.abc import Iterable

_NOT_A_WORD = re.compile(r"[\W_]+")


def normalise_search_text(text: str) -> str:
    """Lower case, without accents and punctuation, words parted by one space. Idempotent."""
    # Folding can make new accents and decomposing new capitals: only together, and twice, do they settle.
    for _ in range(2):
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_A_WORD.sub(" ", text).strip()


def trigrams(search_text: str) -> tuple[str, ...]:
    """Each three neighbouring characters of each word, sorted, each once.

    A word counts with two spaces before and one behind it, as in PostgreSQL's pg_trgm: its beginning weighs more.
    """
    return tuple(sorted(set(_trigrams_of(search_text.split()))))


def _trigrams_of(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        padded = f"  {word} "
        yield from (padded[place : place + 3] for place in range(len(padded) - 2))
