"""Time that nobody sets: seconds for which ingest has run, kept in the database over restarts. What ends trips, rotates
codes and deletes is measured by it; the wall clock only says when things happened."""

from shared.db.queries import sql
from shared.db.types import Tx


def advance_running_time(tx: Tx, to_s: float) -> float:
    """Let the clock stand at `to_s` at least; gives where it stands. Several workers advance it as fast as one, because
    each adds what passed to what it saw last."""
    row = tx.execute(sql("advance_running_time"), {"to_s": to_s}).fetchone()
    assert row is not None, "the migration wrote its only row"
    return float(row[0])
