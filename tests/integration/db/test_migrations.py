"""A database of an older build is brought up to date and keeps its trips; one of a newer build is left alone."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from shared.db.cart_log import apply_events
from shared.db.migrate import (
    DatabaseIsNewer,
    MigrationChanged,
    apply_migrations,
    list_migrations,
    pending_migrations,
    require_known_schema,
)
from shared.db.replay import verify_log
from shared.db.sessions import CheckedOut, checkout
from shared.settings import EX_CONFIG
from tests.builders import NOW, incoming, scan
from tests.mosquitto import free_port

# Written by the build of that migration: a paid trip, an open one with a gap behind its second scan, a dead letter.
OLDER = sorted((Path(__file__).parent / "databases").glob("at_*.sql"))
NEWER = "9999_what_a_later_build_needs"
PROGRAMS = (["services.cart_ingest"], ["services.gateway"], ["broker.embedded"], ["services.cli", "migrate"],
            ["services.cli", "carts", "list"], ["services.cli", "replay", "--verify"])  # fmt: skip


@pytest.fixture(params=OLDER, ids=lambda file: str(file.stem))
def older_database_url(request: pytest.FixtureRequest, empty_database_url: str) -> str:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(request.param.read_bytes())
    return empty_database_url


@pytest.fixture
def newer_database_url(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_migration (name, digest) VALUES (%s, 'of its text')", (NEWER,))
    return database_url


def test_there_is_an_older_database() -> None:
    assert OLDER


def test_an_older_database_is_brought_up_to_date_and_its_log_still_explains_every_order(
    older_database_url: str,
) -> None:
    applied = apply_migrations(older_database_url)
    assert applied == [m.name for m in list_migrations() if m.name > "0008_version_of_product_names"]
    with psycopg.connect(older_database_url, autocommit=True) as connection:
        assert pending_migrations(connection) == []
        verified = verify_log(connection, lambda _: None)
    assert verified.is_clean
    assert (verified.events, verified.sessions, verified.orders) == (5, 2, 1)


def test_a_trip_that_began_before_the_upgrade_goes_on_and_is_paid_after_it(older_database_url: str) -> None:
    apply_migrations(older_database_url)
    with psycopg.connect(older_database_url, autocommit=True) as connection:
        row = connection.execute("SELECT cart_id, shopper_id FROM cart_session WHERE status = 'open'").fetchone()
        assert row is not None
        cart_id, shopper_id = row
        missing = [incoming(cart_id, scan(seq)) for seq in (3, 4)]
        with connection.transaction():
            assert list(apply_events(connection, missing, [], NOW, "ingest-0").outcomes) == ["applied", "applied"]
        with connection.transaction():
            assert isinstance(checkout(connection, shopper_id, "EUR", NOW), CheckedOut)
        total = connection.execute("SELECT total_items FROM purchase_order ORDER BY order_id DESC").fetchone()
        assert total == (5,)
        assert verify_log(connection, lambda _: None).is_clean


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert apply_migrations(database_url) == []


def test_a_database_of_a_newer_build_is_left_as_it_is(newer_database_url: str) -> None:
    with psycopg.connect(newer_database_url) as connection:
        connection.execute("DELETE FROM schema_migration WHERE name LIKE '0008%'")  # one would be pending, besides
    with pytest.raises(DatabaseIsNewer, match=NEWER):
        apply_migrations(newer_database_url)
    with psycopg.connect(newer_database_url) as connection:
        assert [name[:4] for name in pending_migrations(connection)] == ["0008"]


def test_a_database_whose_migration_had_another_text_is_not_worked_on(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE schema_migration SET digest = 'of another text' WHERE name LIKE '0004%'")
        with pytest.raises(MigrationChanged, match="0004_cart"):
            require_known_schema(connection)


@pytest.mark.parametrize("program", PROGRAMS, ids=" ".join)
def test_every_program_refuses_a_newer_database_in_one_line(
    program: list[str], newer_database_url: str, tmp_path: Path
) -> None:
    own = {
        "DATABASE_URL": newer_database_url,
        "MQTT_URL": f"mqtt://127.0.0.1:{free_port()}",
        "INGEST_HTTP_PORT": str(free_port()),
        "SMARTCART_DATA": str(tmp_path / "data"),
        "HTTP_PORT": "0",
        "MQTT_PORT": "0",
        "WS_PORT": "0",
    }
    ended = subprocess.run(
        [sys.executable, "-m", *program], env={**os.environ, **own}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == (1 if program[0] == "services.cli" else EX_CONFIG)
    said = [line for line in ended.stderr.splitlines() if line.startswith("smartcart: ")]
    assert len(said) == 1
    assert NEWER in said[0]
    assert "Traceback" not in ended.stderr + ended.stdout
