"""A small shop in a fresh database, and the two kinds of connection that our programs hold to one."""

from collections.abc import Iterator

import psycopg
import pytest

from shared.db.types import Tx
from tests.builders import Shop, build_shop


@pytest.fixture
def shop(database_url: str) -> Shop:
    return build_shop(database_url, carts=3)


@pytest.fixture
def tx(shop: Shop) -> Iterator[Tx]:
    """One transaction from the first statement to the end of the test, unless the test itself commits."""
    with shop.connect() as connection:
        yield connection


@pytest.fixture
def connection(shop: Shop) -> Iterator[Tx]:
    """As a worker of ingest holds it: a statement outside `transaction()` is committed at once."""
    with psycopg.connect(shop.url, autocommit=True) as connection:
        yield connection
