"""Which of two states of a cart counts: the page's own rule, asked in the browser that runs it."""

from typing import Any

import pytest

from tests.browser.shopper_page import ShopperPage

Shown = dict[str, Any]


def state(version: int, session: str = "a", *, complete: bool = True) -> Shown:
    return {"sessionId": session, "version": version, "isComplete": complete, "lines": []}


@pytest.mark.parametrize(
    ("shown", "other", "is_news"),
    [
        (state(4), state(5), True),
        (state(5), state(5), False),
        (state(5), state(4), False),
        (state(5), state(9, "b"), False),
        (state(5, complete=False), state(5), True),
        (state(5), state(5, complete=False), False),
        (state(5, complete=False), state(4), False),
    ],
    ids=["newer", "same", "older", "other trip", "same but whole", "same but cut", "whole but older"],
)
def test_of_one_trip_only_a_larger_version_or_the_missing_lines_are_news(
    phone: ShopperPage, shown: Shown, other: Shown, is_news: bool
) -> None:
    phone.open()
    asked = "async ([shown, other]) => (await import('/app/cart_model.js')).isNews(shown, other)"
    assert phone.page.evaluate(asked, [shown, other]) is is_news
