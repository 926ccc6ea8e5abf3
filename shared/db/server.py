"""What must be true of the PostgreSQL server for our promises to hold."""

from shared.db.queries import sql
from shared.db.types import Tx

_NEVER_OFF = ("synchronous_commit", "fsync", "full_page_writes")


# Of a whole stack besides the gateway: worker, housekeeper, publisher, the broker's copy of credentials, a command.
CONNECTIONS_BESIDES = 6


class UnsafeDatabase(RuntimeError):
    """The server may forget what it has committed, and our acknowledgements rest on its commits."""

    code = "unsafe_database"


def require_durable_commits(tx: Tx) -> None:
    """Raise UnsafeDatabase, naming the setting, when a commit could be forgotten."""
    for name in _NEVER_OFF:
        row = tx.execute(sql("read_setting"), {"name": name}).fetchone()
        if row is not None and row[0] == "off":
            raise UnsafeDatabase(f"PostgreSQL runs with {name} = off")


def list_connection_shortage(tx: Tx, wanted: int) -> list[dict[str, int]]:
    """Nothing, or one entry with `wanted` by the gateway's processes, what the others need `besides`, and how many the
    server `allows` to whoever is no superuser."""
    row = tx.execute(sql("count_connections_allowed")).fetchone()
    allowed = int(row[0]) if row else 0
    if wanted + CONNECTIONS_BESIDES <= allowed:
        return []
    return [{"wanted": wanted, "besides": CONNECTIONS_BESIDES, "allowed": allowed}]
