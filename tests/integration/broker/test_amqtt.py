"""`python -m broker.amqtt` with a real database: our door and policy as its plugins, and never in production."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from broker.amqtt.settings import AmqttSettings
from shared.db.carts import CartAdded, add_carts
from shared.db.stores import ensure_store
from shared.settings import read_settings
from tests.eventually import eventually
from tests.integration.broker.wire import RawClient
from tests.mosquitto import free_port

SERVICE_PASSWORD = "development-service-password"


@pytest.fixture
def port(tmp_path: Path, database_url: str) -> Iterator[int]:
    """Where it listens."""
    port = free_port()
    told = {"MQTT_PORT": str(port), "WS_PORT": str(free_port()), "DATABASE_URL": database_url}
    with (tmp_path / "broker.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "broker.amqtt"], env={**os.environ, **told}, stderr=log)
    try:
        eventually(lambda: b"broker_ready" in (tmp_path / "broker.log").read_bytes())
        yield port
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()


def add_cart(database_url: str) -> CartAdded:
    with psycopg.connect(database_url, autocommit=True) as tx:
        ensure_store(tx, "main")
        return add_carts(tx, "main", 1)[0]


def test_a_new_cart_comes_in_as_itself_and_reaches_only_its_own_topics(port: int, database_url: str) -> None:
    where = ("127.0.0.1", port)
    cart = add_cart(database_url)
    own = f"smartcart/v1/stores/main/carts/{cart.cart_id}"
    for client_id, password in ((cart.username, "f" * 64), ("esp32", cart.password)):
        with RawClient(where) as wrong:
            assert wrong.connect(client_id, cart.username, password).body[1] == 5
    with RawClient(where) as ingest, RawClient(where) as device:
        assert ingest.connect("ingest-0", "ingest-0", SERVICE_PASSWORD).body[1] == 0
        assert ingest.subscribe(("smartcart/v1/stores/+/carts/+/events", 1)) == [1]
        assert device.connect(cart.username, cart.username, cart.password).body[1] == 0, "at the first try"
        assert device.subscribe((f"{own}/state", 1), ("smartcart/#", 1), (f"{own}9/state", 1)) == [1, 0x80, 0x80]
        device.publish(f"{own}9/events", b"foreign", 1)
        device.publish(f"{own}/events", b"scan", 1)
        assert ingest.messages(1)[0].payload == b"scan"


def test_it_is_never_one_of_production(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    strong = "0123456789abcdef0123456789abcdef-strong"
    for name in ("MQTT_SERVICE_PASSWORD", "MQTT_TOKEN_SECRET"):
        monkeypatch.setenv(name, strong)
    monkeypatch.setenv("ENV", "production")
    with pytest.raises(SystemExit) as stopped:
        read_settings(AmqttSettings)
    assert stopped.value.code == 78
    assert "amqtt is for development only" in capsys.readouterr().err
