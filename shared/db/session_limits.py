"""Limits of one connection to PostgreSQL: how long a statement, a lock or an idle transaction may take."""

from collections.abc import Mapping

from shared.db.queries import sql
from shared.db.types import Tx


def limit_session(connection: Tx, limits: Mapping[str, str]) -> None:
    """Set these settings of PostgreSQL for as long as the connection lives."""
    connection.execute(sql("limit_session"), {"names": list(limits), "values": list(limits.values())})
