"""The gateway's connections to PostgreSQL: bounded, checked before use, and quick to say that the database is away."""

from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

Pool = ConnectionPool[Connection[TupleRow]]

TIMEOUT_S = 2.0  # a phone waits this long for a connection, then gets 503 (RELIABILITY H14)
MAX_WAITING = 100
_RECONNECT_TIMEOUT_S = 2.0  # the pool's backoff starts anew after it, so that a database that is back is found soon
# A peer that vanished must not hold a row lock or a worker thread (RELIABILITY d.3).
_SOCKET: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}


def make_pool(database_url: str, max_size: int) -> Pool:
    """A pool that is not open yet. Its connections commit by themselves: a transaction is always a visible `with`."""

    def check(connection: Connection[TupleRow]) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            # One dead connection means that the server was restarted: the other idle ones are dead too, and
            # finding that out one by one would outlast the caller's patience.
            pool.drain()
            raise

    pool: Pool = ConnectionPool(
        database_url,
        kwargs={"autocommit": True, "application_name": "smartcart-gateway", **_SOCKET},
        configure=_limit,
        check=check,
        min_size=min(2, max_size),
        max_size=max_size,
        timeout=TIMEOUT_S,
        max_waiting=MAX_WAITING,
        reconnect_timeout=_RECONNECT_TIMEOUT_S,
        max_idle=120,
        name="gateway",
        open=False,
    )
    return pool


def _limit(connection: Connection[TupleRow]) -> None:
    for name, value in _LIMITS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
