"""Fixtures every kind of test may use: a real PostgreSQL, and a fresh migrated database for each test."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from services.stack.child import end, spawn
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers

MEMORY_NEEDED_BYTES = 2 * 1024**3  # the log of the server may grow to 256 MB, the databases of a test to as much


# Machines that run tests are busy: how long an example takes says nothing, what it shows does.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@dataclass(frozen=True)
class TestServer:
    """A PostgreSQL server on which the tests may create and drop databases."""

    __test__ = False

    admin_url: str

    def url(self, database: str) -> str:
        """The server's address with another database name."""
        return re.sub(r"^(\w+://[^/?]*)(/[^?]*)?", rf"\g<1>/{database}", self.admin_url, count=1)

    def create_database(self, database: str, template: str | None = None) -> None:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._execute(statement)

    def drop_database(self, database: str) -> None:
        """Also when a test left connections open: they are ended."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _execute(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)


def memory_folder() -> Path | None:
    """A folder in memory, where a database is made and dropped five times faster with `fsync` still on."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_NEEDED_BYTES:
        return memory
    return None


@contextlib.contextmanager
def folder_for_postgres() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach, gone afterwards.

    Not pytest's `tmp_path`: each pytest session that starts closes the folder above it to other users again.
    """
    folder = Path(tempfile.mkdtemp(prefix="smartcart-test-", dir=memory_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack_dir() -> Iterator[Path]:
    """Where a test may run a whole stack: `smartcart up --data`."""
    with folder_for_postgres() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """This session's own server, or SMARTCART_TEST_DATABASE_URL (its user may create databases)."""
    given = os.environ.get("SMARTCART_TEST_DATABASE_URL")
    if given:
        yield TestServer(given)
        return
    with folder_for_postgres() as folder:
        cluster = Cluster(data_dir=folder / "postgres", socket_dir=folder / "socket")
        prepare_cluster(cluster)
        server = spawn(
            server_command(cluster, max_wal_size="256MB"), folder / "postgres.log", death_signal=signal.SIGQUIT
        )
        try:
            wait_until_answers(cluster, server)
            yield TestServer(cluster.url("postgres"))
        finally:
            end(server, sent=signal.SIGQUIT, within_s=10)


@pytest.fixture(scope="session")
def template_database(postgres_server: TestServer) -> Iterator[str]:
    """A migrated database that nobody is connected to, cloned for each test."""
    from shared.db.migrate import apply_migrations

    name = f"template_{secrets.token_hex(4)}"
    postgres_server.create_database(name)
    apply_migrations(postgres_server.url(name))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def empty_database_url(postgres_server: TestServer) -> Iterator[str]:
    """A fresh database without any table, for tests of the migrations themselves."""
    name = f"empty_{secrets.token_hex(4)}"
    postgres_server.create_database(name)
    yield postgres_server.url(name)
    with contextlib.suppress(psycopg.Error):
        postgres_server.drop_database(name)


@pytest.fixture
def database_url(postgres_server: TestServer, template_database: str) -> Iterator[str]:
    """A fresh migrated database of this test's own."""
    name = f"test_{secrets.token_hex(4)}"
    postgres_server.create_database(name, template=template_database)
    yield postgres_server.url(name)
    with contextlib.suppress(psycopg.Error):
        postgres_server.drop_database(name)
