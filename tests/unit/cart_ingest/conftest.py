"""Logs of expected failures are kept from the terminal: drawing a thousand tracebacks takes longer than the tests."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True, scope="session")
def quiet() -> Iterator[None]:
    with capture_logs():
        yield
