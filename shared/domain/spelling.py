"""Which words a typed word may have been meant as: those of the catalogue that are one slip of the finger away.

A slip is a letter left out, added, exchanged, or swapped with its neighbour (Damerau 1964: four out of five typing
errors are exactly one of these).
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from shared.domain.search_text import trigrams

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
WORD_MIN, WORD_MAX = 2, 40
CORRECTED_MIN = 3  # letters: of two, one slip leaves only one
CORRECTIONS_MAX = 3
# A word that the catalogue holds may be its own misprint: another one must be this much commoner to count.
MUCH_COMMONER = 10


@dataclass(frozen=True)
class Vocabulary:
    """How often each word stands in product names, how often each trigram does, and the commonest word."""

    words: Mapping[str, int]
    trigram_counts: Mapping[str, int] = field(repr=False)
    commonest: int


def build_vocabulary(words: Mapping[str, int]) -> Vocabulary:
    """The vocabulary of these words and their counts; single letters, and what is too long to be one, are no words."""
    known = {word: count for word, count in words.items() if WORD_MIN <= len(word) <= WORD_MAX}
    counts: Counter[str] = Counter()
    for word, count in known.items():
        for trigram in trigrams(word):
            counts[trigram] += count
    return Vocabulary(known, dict(counts), max(known.values(), default=0))


def list_corrections(vocabulary: Vocabulary, word: str) -> list[str]:
    """The commonest words of the vocabulary that are one slip away from `word`, at most three; not `word` itself."""
    if not CORRECTED_MIN <= len(word) <= WORD_MAX:
        return []
    known = vocabulary.words
    at_least = known.get(word, 0) * MUCH_COMMONER
    if at_least > vocabulary.commonest:
        return []
    found = {slip: known[slip] for slip in known.keys() & one_slip_away(word) if known[slip] >= at_least}
    found.pop(word, None)
    return sorted(found, key=lambda one: (-found[one], one))[:CORRECTIONS_MAX]


def one_slip_away(word: str) -> Set[str]:
    """Every string that one slip turns into `word`, or `word` into."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    left_out = {head + letter + tail for head, tail in cuts for letter in LETTERS}
    exchanged = {head + letter + tail[1:] for head, tail in cuts if tail for letter in LETTERS}
    added = {head + tail[1:] for head, tail in cuts if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    return left_out | exchanged | added | swapped
