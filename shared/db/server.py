"""What must be true of the PostgreSQL server for our promises to hold."""

from shared.db.queries import sql
from shared.db.types import Tx

_NEVER_OFF = ("synchronous_commit", "fsync", "full_page_writes")


class UnsafeDatabase(RuntimeError):
    """The server may forget what it has committed, and our acknowledgements rest on its commits."""

    code = "unsafe_database"


def require_durable_commits(tx: Tx) -> None:
    """Raise UnsafeDatabase, naming the setting, when a commit could be forgotten."""
    for name in _NEVER_OFF:
        row = tx.execute(sql("read_setting"), {"name": name}).fetchone()
        if row is not None and row[0] == "off":
            raise UnsafeDatabase(f"PostgreSQL runs with {name} = off")
