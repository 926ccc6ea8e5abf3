"""Applies the numbered migrations, one transaction each, under an advisory lock so that several starters agree."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from shared.version import VERSION

_FOLDER = Path(__file__).parent / "migrations"
_LOCK_KEY = 0x736D63617274  # "smcart"; any constant that nobody else takes


class MigrationChanged(RuntimeError):
    """A migration that was applied before no longer has the same text."""

    code = "migration_changed"


class DatabaseIsNewer(RuntimeError):
    """The database has migrations that this build does not know: what they changed, it would write wrongly."""

    code = "database_is_newer"

    def __init__(self, unknown: list[str]) -> None:
        super().__init__(
            f"the database is newer than this program ({VERSION}), which does not know {', '.join(unknown)}:"
            " run the newer build, or restore a backup made before it"
        )


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

    Running it twice changes nothing. Raises MigrationChanged when history was edited, DatabaseIsNewer when a newer
    build was here, both before anything is changed; psycopg.Error when the database refuses.
    """
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            "name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        return apply_pending_migrations(connection)


def apply_pending_migrations(connection: Connection[TupleRow]) -> list[str]:
    """The same on a connection that holds the lock, or a database that nobody else uses; inside a transaction all of
    them are part of it."""
    require_known_schema(connection)
    applied: list[str] = []
    known = _known(connection)
    for migration in list_migrations():
        if migration.name in known:
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
    known = _known(connection)
    return [migration.name for migration in list_migrations() if migration.name not in known]


def require_known_schema(connection: Connection[TupleRow]) -> None:
    """What every program asks before it works on a database. Raises DatabaseIsNewer or MigrationChanged."""
    ours = {migration.name: migration.digest for migration in list_migrations()}
    known = _known(connection)
    unknown = sorted(known.keys() - ours.keys())
    if unknown:
        raise DatabaseIsNewer(unknown)
    for name, digest in known.items():
        if ours[name] != digest:
            raise MigrationChanged(f"{name} was changed after it had been applied")


def find_misfit(database_url: str) -> str | None:
    """Why this build must not work on the database, in one line; None when it may, or when no database answers.

    For programs that start while their database is away.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=3) as connection:
            require_known_schema(connection)
    except (DatabaseIsNewer, MigrationChanged) as problem:
        return str(problem)
    except psycopg.Error:
        return None
    return None


def _known(connection: Connection[TupleRow]) -> dict[str, str]:
    if connection.execute("SELECT to_regclass('schema_migration') IS NULL").fetchone() == (True,):
        return {}
    return dict(connection.execute("SELECT name, digest FROM schema_migration").fetchall())
