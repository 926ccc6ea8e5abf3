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

from broker.embedded.__main__ import main
from shared.db.carts import CartAdded, CartRotated, add_carts, revoke_cart, rotate_cart
from tests.eventually import eventually
from tests.integration.broker.wire import RawClient

EX_CONFIG = 78
PROMISED_S = 5.0


@dataclass(frozen=True)
class Program:
    """The running program and the database it follows."""

    port: int
    database: psycopg.Connection

    def client(self) -> RawClient:
        return RawClient(("127.0.0.1", self.port))

    def lets_in(self, cart: CartAdded | CartRotated) -> bool:
        with self.client() as client:
            return client.connect(cart.username, cart.username, cart.password).body == b"\0\0"


@contextlib.contextmanager
def started(folder: Path, database_url: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The program until the block ends, and its MQTT port."""
    told = {"RUN_DIR": str(folder), "MQTT_PORT": "0", "WS_PORT": "0", "DATABASE_URL": database_url}
    with (folder / "broker.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "broker.embedded"], env={**os.environ, **told}, stderr=log)
    try:
        ports_file = folder / "broker.ports.json"
        eventually(ports_file.exists)
        yield child, json.loads(ports_file.read_text())["mqtt"]
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def program(tmp_path: Path, database_url: str) -> Iterator[Program]:
    with started(tmp_path, database_url) as (_, port), psycopg.connect(database_url, autocommit=True) as database:
        yield Program(port, database)


def test_a_revoked_or_rotated_cart_is_out_within_5_seconds(program: Program) -> None:
    program.database.execute("INSERT INTO store (name) VALUES ('main') ON CONFLICT DO NOTHING")
    revoked, rotated = add_carts(program.database, "main", 2)
    eventually(lambda: program.lets_in(revoked) and program.lets_in(rotated), within_s=PROMISED_S)

    with program.client() as client:
        client.connect(revoked.username, revoked.username, revoked.password)
        started = time.monotonic()
        revoke_cart(program.database, revoked.cart_id)
        assert client.is_closed_by_broker(within_s=PROMISED_S)
        assert time.monotonic() - started < PROMISED_S
    assert not program.lets_in(revoked)

    with program.client() as client:
        client.connect(rotated.username, rotated.username, rotated.password)
        again = rotate_cart(program.database, rotated.cart_id, overlap_s=2)
        assert isinstance(again, CartRotated)
        assert client.is_closed_by_broker(within_s=PROMISED_S)
    assert program.lets_in(again)
    with program.client() as late:
        assert late.connect(rotated.username, rotated.username, rotated.password).body == b"\0\0", "the overlap lasts"
        assert late.is_closed_by_broker(within_s=2 + PROMISED_S), "and ends"
    assert not program.lets_in(rotated)
    assert program.lets_in(again)


def test_it_starts_without_a_database_and_stops_within_3_seconds_of_sigterm(tmp_path: Path) -> None:
    port_nobody_listens_on = 1
    with started(tmp_path, f"postgresql://nobody@127.0.0.1:{port_nobody_listens_on}/none") as (child, port):
        where = ("127.0.0.1", port)
        with RawClient(where) as service, RawClient(where) as cart, RawClient(where) as silent:
            assert service.connect("ingest-0", "ingest-0", "development-service-password").body == b"\0\0"
            assert cart.connect("cart-1", "cart-1", "0" * 64).body == b"\0\x03", "come back later"
            child.send_signal(signal.SIGTERM)
            assert child.wait(3) == 0
            assert service.is_closed_by_broker()
            assert silent.is_closed_by_broker()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"MQTT_HOST": "0.0.0.0"}, "MQTT_HOST"),
        ({"MQTT_PORT": "70000"}, "MQTT_PORT"),
        ({"CREDENTIAL_POLL_S": "60"}, "CREDENTIAL_POLL_S"),
        ({"ENV": "production"}, "MQTT_SERVICE_PASSWORD"),
        ({"ENV": "production", "MQTT_SERVICE_PASSWORD": "so-short", "MQTT_TOKEN_SECRET": "x" * 40}, "SERVICE_PASSWORD"),
    ],
)
def test_a_bad_setting_stops_it_with_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: dict[str, str], named: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        raise SystemExit(main())
    assert stopped.value.code == EX_CONFIG
    told = capsys.readouterr().err
    assert named in told
    assert "so-short" not in told
