"""`pytest tests/storms --storm-seed N` plays the storm of another seed, or one that failed again."""

from collections.abc import Callable
from typing import Protocol

import pytest

from tests.mosquitto import needs_mosquitto
from tests.storms.brokers import BrokerKind
from tests.storms.promises import Row


class Tell(Protocol):
    """Puts rows into the table of promises."""

    def __call__(self, *rows: Row) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm-seed", type=int, default=1, help="seed of the storms")
    parser.addoption("--storm-full", action="store_true", help="the long targets")


@pytest.fixture
def storm_seed(request: pytest.FixtureRequest) -> int:
    """The seed; 1 when the option was not read because the tests were not named on the command line."""
    seed: int = request.config.getoption("--storm-seed", 1)
    return seed


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long targets are asked for."""
    asked: bool = request.config.getoption("--storm-full", False)
    return asked


@pytest.fixture(params=["embedded", pytest.param("Mosquitto", marks=needs_mosquitto)])
def broker(request: pytest.FixtureRequest) -> BrokerKind:
    """Each broker in turn."""
    kind: BrokerKind = request.param
    return kind


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Rows stay with the test's result: `python -m tests.storms` prints them."""

    def record(*rows: Row) -> None:
        for row in rows:
            record_property(row.promise, row.measured)

    return record
