"""`pytest tests/storms --storm-seed N` plays the storm of another seed, or one that failed again."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm-seed", type=int, default=1, help="seed of the storms")


@pytest.fixture
def storm_seed(request: pytest.FixtureRequest) -> int:
    """The seed; 1 when the option was not read because the tests were not named on the command line."""
    seed: int = request.config.getoption("--storm-seed", 1)
    return seed
