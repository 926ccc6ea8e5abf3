"""A shop, a broker that lets everybody in, and workers as processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from broker.embedded.limits import ClientLimits, Limits
from tests.builders import Shop, build_shop
from tests.integration.broker.embedded import OpenDoor, RunningBroker, running
from tests.integration.cart_ingest.program import IngestProgram, running_ingest

EVERYBODY = ClientLimits(inflight_max=2_000, queue_max=100_000, queue_max_bytes=64 << 20, session_expiry_s=3_600.0)


@pytest.fixture
def shop(database_url: str) -> Shop:
    return build_shop(database_url, carts=5)


@pytest.fixture
def broker() -> Iterator[RunningBroker]:
    """The embedded broker without identities: who may say what is tested elsewhere."""
    with running(OpenDoor(EVERYBODY), replace(Limits(), services=EVERYBODY)) as embedded:
        yield embedded


@pytest.fixture
def address(broker: RunningBroker) -> tuple[str, int]:
    return broker.address.host, broker.address.mqtt_port


StartIngest = Callable[..., IngestProgram]


@pytest.fixture
def start_ingest(tmp_path: Path, shop: Shop, broker: RunningBroker) -> Iterator[StartIngest]:
    """Starts workers on the shop's database and the broker; they end with the test. Settings as keywords."""
    with ExitStack() as workers:

        def start(**settings: object) -> IngestProgram:
            given: dict[str, object] = {
                "database_url": shop.url,
                "mqtt_port": broker.address.mqtt_port,
                **settings,
            }
            return workers.enter_context(running_ingest(tmp_path, **given))  # type: ignore[arg-type]

        yield start
