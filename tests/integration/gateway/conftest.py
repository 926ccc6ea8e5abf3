"""A shop for each gateway test."""

from collections.abc import Iterator

import pytest

from tests.integration.gateway.shop import LoggedIn, Shop, open_shop


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """A stocked shop behind a gateway in this process."""
    with open_shop(database_url) as shop:
        yield shop


@pytest.fixture
def ada(shop: Shop) -> LoggedIn:
    """A shopper who is logged in."""
    return shop.log_in()
