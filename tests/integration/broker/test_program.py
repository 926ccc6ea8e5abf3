"""`python -m broker.embedded` with a real database: it starts, follows the carts' credentials (S8), stops."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from shared.db.carts import CartAdded, CartRotated, add_carts, revoke_cart, rotate_cart
from tests.eventually import eventually
from tests.integration.broker.wire import RawClient

EX_CONFIG = 78
PROMISED_S = 5.0


@dataclass(frozen=True)
class Program:
    """The running program and the database it follows."""

    child: "subprocess.Popen[bytes]"
    port: int
    ws_port: int
    database: psycopg.Connection

    def client(self) -> RawClient:
        return RawClient(("127.0.0.1", self.port))

    def lets_in(self, cart: CartAdded | CartRotated) -> bool:
        with self.client() as client:
            return client.connect(cart.username, cart.username, cart.password).body == b"\0\0"


def environment(folder: Path, database_url: str, **changes: str) -> dict[str, str]:
    given = {"RUN_DIR": str(folder), "MQTT_PORT": "0", "WS_PORT": "0", "DATABASE_URL": database_url, **changes}
    return {**os.environ, **given}


@contextlib.contextmanager
def started(folder: Path, database_url: str) -> Iterator[Program]:
    with (folder / "broker.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "broker.embedded"], env=environment(folder, database_url), stderr=log
        )
    try:
        ports_file = folder / "broker.ports.json"
        eventually(ports_file.exists)
        ports = json.loads(ports_file.read_text())
        with psycopg.connect(database_url, autocommit=True) as database:
            yield Program(child, ports["mqtt"], ports["ws"], database)
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def program(tmp_path: Path, database_url: str) -> Iterator[Program]:
    with started(tmp_path, database_url) as running:
        yield running


@pytest.fixture
def cart(program: Program) -> CartAdded:
    """A cart that was added while the broker ran."""
    program.database.execute("INSERT INTO store (name) VALUES ('main') ON CONFLICT DO NOTHING")
    (added,) = add_carts(program.database, "main", 1)
    eventually(lambda: program.lets_in(added), within_s=PROMISED_S)
    return added


def test_a_revoked_cart_is_out_within_5_seconds(program: Program, cart: CartAdded) -> None:
    with program.client() as client:
        client.connect(cart.username, cart.username, cart.password)
        revoked_at = time.monotonic()
        revoke_cart(program.database, cart.cart_id)
        assert client.is_closed_by_broker(within_s=PROMISED_S)
        assert time.monotonic() - revoked_at < PROMISED_S
    assert not program.lets_in(cart)


def test_a_rotated_cart_is_out_within_5_seconds_and_both_secrets_open_during_the_overlap(
    program: Program, cart: CartAdded
) -> None:
    with program.client() as client:
        client.connect(cart.username, cart.username, cart.password)
        rotated = rotate_cart(program.database, cart.cart_id, overlap_s=3)
        assert isinstance(rotated, CartRotated)
        assert client.is_closed_by_broker(within_s=PROMISED_S)
    assert program.lets_in(rotated)
    with program.client() as late:
        assert late.connect(cart.username, cart.username, cart.password).body == b"\0\0", "the overlap lasts"
        assert late.is_closed_by_broker(within_s=3 + PROMISED_S), "and ends"
    assert not program.lets_in(cart)
    assert program.lets_in(rotated)


def test_sigterm_stops_it_within_3_seconds_with_clients_connected(program: Program, cart: CartAdded) -> None:
    with program.client() as client, program.client() as silent:
        client.connect(cart.username, cart.username, cart.password)
        program.child.send_signal(signal.SIGTERM)
        assert program.child.wait(3) == 0
        assert client.is_closed_by_broker()
        assert silent.is_closed_by_broker()


def test_it_starts_without_a_database_and_lets_services_in(tmp_path: Path) -> None:
    port_nobody_listens_on = 1
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "broker.log").open("wb"))
        child = subprocess.Popen(
            [sys.executable, "-m", "broker.embedded"],
            env=environment(tmp_path, f"postgresql://nobody@127.0.0.1:{port_nobody_listens_on}/none"),
            stderr=log,
        )
        stack.callback(child.wait)
        stack.callback(child.kill)
        eventually((tmp_path / "broker.ports.json").exists)
        port = json.loads((tmp_path / "broker.ports.json").read_text())["mqtt"]
        with RawClient(("127.0.0.1", port)) as service:
            assert service.connect("ingest-0", "ingest-0", "development-service-password").body == b"\0\0"
        with RawClient(("127.0.0.1", port)) as cart:
            assert cart.connect("cart-1", "cart-1", "0" * 64).body == b"\0\x03", "come back later"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"MQTT_HOST": "0.0.0.0"}, "MQTT_HOST"),
        ({"MQTT_PORT": "70000"}, "MQTT_PORT"),
        ({"CREDENTIAL_POLL_S": "60"}, "CREDENTIAL_POLL_S"),
        ({"ENV": "production"}, "MQTT_SERVICE_PASSWORD"),
        (
            {"ENV": "production", "MQTT_SERVICE_PASSWORD": "short", "MQTT_TOKEN_SECRET": "x" * 40},
            "MQTT_SERVICE_PASSWORD",
        ),
    ],
)
def test_a_bad_setting_stops_it_with_the_settings_name(tmp_path: Path, change: dict[str, str], named: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "broker.embedded"],
        env=environment(tmp_path, "postgresql://127.0.0.1:1/x", **change),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == EX_CONFIG
    assert named in ended.stderr
    assert "short" not in ended.stderr.replace("must be", "")
