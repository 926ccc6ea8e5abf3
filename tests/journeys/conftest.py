"""One stack with the demo store for all journeys that leave it as healthy as they found it."""

from collections.abc import Iterator

import pytest

from tests.journeys.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running stack; the store main is stocked and has no carts."""
    with running_stack() as stack:
        yield stack
