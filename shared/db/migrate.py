"""Applies the numbered migrations, one transaction each, under an advisory lock so that several starters agree."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

_FOLDER = Path(__file__).parent / "migrations"
_LOCK_KEY = 0x736D63617274  # "smcart"; any constant that nobody else takes


class MigrationChanged(RuntimeError):
    """A migration that was applied before no longer has the same text."""

    code = "migration_changed"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_what.sql`."""

    name: str
    sql: LiteralString

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """All migrations in the order of their numbers."""
    return [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("[0-9]*.sql"))]


def apply_migrations(database_url: str) -> list[str]:
    """Bring the database up to date and return the names of what was applied now.

    Running it twice changes nothing. Raises MigrationChanged when history was edited, psycopg.Error when the
    database refuses.
    """
    applied: list[str] = []
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            "name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known = _known(connection)
        for migration in list_migrations():
            if migration.name in known:
                if known[migration.name] != migration.digest:
                    raise MigrationChanged(f"{migration.name} was changed after it had been applied")
                continue
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute(
                    "INSERT INTO schema_migration (name, digest) VALUES (%s, %s)", (migration.name, migration.digest)
                )
            applied.append(migration.name)
    return applied


def pending_migrations(connection: Connection[TupleRow]) -> list[str]:
    """Names of migrations that this database still lacks."""
    if connection.execute("SELECT to_regclass('schema_migration') IS NULL").fetchone() == (True,):
        return [migration.name for migration in list_migrations()]
    known = _known(connection)
    return [migration.name for migration in list_migrations() if migration.name not in known]


def _known(connection: Connection[TupleRow]) -> dict[str, str]:
    return dict(connection.execute("SELECT name, digest FROM schema_migration").fetchall())
