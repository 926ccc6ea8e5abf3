"""A shop for each gateway test, and one that the tests of a file share where none of them spoils it."""

import logging
import secrets
from collections.abc import Iterator

import pytest
import structlog

from tests.conftest import TestServer
from tests.integration.gateway.shop import LoggedIn, Shop, open_shop


@pytest.fixture(scope="package", autouse=True)
def _quiet_logs() -> Iterator[None]:
    """Only what would need attention; formatting each request's line takes longer than the request."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """A stocked shop behind a gateway in this process."""
    with open_shop(database_url) as shop:
        yield shop


@pytest.fixture(scope="module")
def shared_shop(postgres_server: TestServer, template_database: str) -> Iterator[Shop]:
    """One shop for all tests of a file; codes are not limited."""
    name = f"shared_{secrets.token_hex(4)}"
    postgres_server.create_database(name, template=template_database)
    many = 1_000_000
    with open_shop(
        postgres_server.url(name),
        otp_sends_per_number_per_hour=many,
        otp_sends_per_number_per_day=many,
        otp_sends_per_address_per_hour=many,
    ) as shop:
        yield shop
    postgres_server.drop_database(name)


@pytest.fixture
def ada(shop: Shop) -> LoggedIn:
    """A shopper who is logged in."""
    return shop.log_in()
