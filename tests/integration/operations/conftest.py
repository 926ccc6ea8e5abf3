"""What the tests of the operator's commands share: a connection, and the command line itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow
from typer.testing import CliRunner

from services.cli import app


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def smartcart(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, list[str], str]]:
    """Runs a command line against this test's database: exit code, lines of standard output, standard error."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SMARTCART_DATA", str(tmp_path / "none"))

    def run(*arguments: str | Path) -> tuple[int, list[str], str]:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        return result.exit_code, result.stdout.splitlines(), result.stderr

    return run
