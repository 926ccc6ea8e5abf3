"""The index of words finds what looking at each name finds, in the same order."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.name_search import HITS_MAX, list_hits, page_of
from shared.domain.spelling import build_vocabulary
from shared.domain.word_index import build_word_index

WORDS = st.text("abµ1", min_size=1, max_size=3)
NAMES = st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=30)


def holds(name: str, words: list[str]) -> bool:
    """Each word is a word of the name; the last may be the beginning of one."""
    *whole, beginning = words
    held = name.split()
    return all(word in held for word in whole) and any(word.startswith(beginning) for word in held)


@given(NAMES, st.lists(WORDS, min_size=1, max_size=3), st.integers(1, 40))
def test_hits_are_the_names_that_hold_the_words_closest_first(names: list[str], words: list[str], most: int) -> None:
    products = [1000 - number for number in range(len(names))]
    index = build_word_index(zip(products, names, strict=True))
    expected = [product for product, name in zip(products, names, strict=True) if holds(name, words)]
    assert index.list_hits(words, most) == expected[:most]


@given(NAMES)
def test_a_word_counts_once_for_each_name_that_holds_it(names: list[str]) -> None:
    counts = build_word_index(enumerate(names)).count_words()
    assert counts == {word: sum(word in name.split() for name in names) for name in names for word in name.split()}


def test_corrected_words_come_behind_the_words_as_typed() -> None:
    index = build_word_index([(1, "milc"), *((number, f"milk {number}") for number in range(2, 30))])
    vocabulary = build_vocabulary(index.count_words())
    assert list_hits(["milc"], vocabulary, 3, index.list_hits)[:3] == [1, 2, 3]
    assert list_hits(["milk"], vocabulary, 3, index.list_hits) == [2, 3, 4]
    assert list_hits(["zzzz"], vocabulary, 3, index.list_hits) == []


@given(st.integers(0, HITS_MAX), st.integers(1, 100))
def test_pages_hold_each_hit_once(count: int, limit: int) -> None:
    hits = list(range(1, count + 1))
    seen: list[int] = []
    while page := page_of(hits, limit, seen[-1] if seen else 0):
        seen += page
    assert seen == hits
    assert page_of(hits, limit, 777) == []
