"""Searching forgives accents, case, punctuation and small typing mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.search_text import normalise_search_text, trigrams


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crème fraîche", "creme fraiche"),
        ("  SÜSS-STOFF  &  Co. ", "suss stoff co"),
        ("Straße", "strasse"),
        ("Lagg's, chamomile", "lagg s chamomile"),
        ("½ Liter", "1 2 liter"),
        ("お茶", "お茶"),
        ("!?", ""),
        ("", ""),
    ],
)
def test_names_lose_what_shoppers_do_not_type(text: str, expected: str) -> None:
    assert normalise_search_text(text) == expected


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_search_text(text)
    assert normalise_search_text(once) == once


@given(st.text())
def test_upper_and_lower_case_are_searched_alike(text: str) -> None:
    assert normalise_search_text(text.casefold()) == normalise_search_text(text)


def test_trigrams_are_those_of_pg_trgm() -> None:
    assert trigrams("cat") == ("  c", " ca", "at ", "cat")
    assert trigrams("a cat a") == ("  a", "  c", " a ", " ca", "at ", "cat")
    assert trigrams("") == ()


def test_a_typo_shares_more_trigrams_than_another_word() -> None:
    butter = set(trigrams("butter"))
    assert len(butter & set(trigrams("buter"))) > len(butter & set(trigrams("batteries")))
