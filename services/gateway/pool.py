"""The gateway's connections to PostgreSQL: bounded, checked before use, and quick to say that the database is away."""

import select
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from shared.db.session_limits import limit_session

TIMEOUT_S = 2.0  # a phone waits this long for a connection, then gets 503 (docs/reliability.md H14)
MAX_WAITING = 100
AWAY_FOR_S = 1.0
AWAY_TIMEOUT_S = 0.05
_RECONNECT_TIMEOUT_S = 2.0  # the pool's backoff starts anew after it, so that a database that is back is found soon
# A peer that vanished must not hold a row lock or a worker thread (docs/reliability.md d.3).
_SOCKET: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SESSION = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    # A scan of a large table begins at its beginning, not where another one is: a rough search looks at the same names
    # each time.
    "synchronize_seqscans": "off",
}


class Pool(ConnectionPool[Connection[TupleRow]]):
    """A pool that stops making everybody wait once somebody has waited in vain.

    Each waiting request holds a thread: without this, a crowd that meets a dead database would queue for many times
    the two seconds that one of them waits.
    """

    _away_until = 0.0

    def getconn(self, timeout: float | None = None) -> Connection[TupleRow]:
        if timeout is None and monotonic() < self._away_until:
            timeout = AWAY_TIMEOUT_S
        try:
            return super().getconn(timeout)
        except PoolTimeout:
            self._away_until = monotonic() + AWAY_FOR_S
            raise


def make_pool(database_url: str, max_size: int) -> Pool:
    """A pool that is not open yet. Its connections commit by themselves: a transaction is always a visible `with`."""

    def check(connection: Connection[TupleRow]) -> None:
        if _is_silent(connection):
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            # One dead connection means that the server was restarted: the other idle ones are dead too, and
            # finding that out one by one would outlast the caller's patience.
            pool.drain()
            raise

    pool = Pool(
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


def open_lone_connection(database_url: str, name: str) -> Connection[TupleRow]:
    """A connection outside the pool, with the pool's limits. Raises psycopg.Error."""
    connection = psycopg.connect(database_url, autocommit=True, application_name=name, **_SOCKET)
    _limit(connection)
    return connection


def _is_silent(connection: Connection[TupleRow]) -> bool:
    """Whether the server has said nothing since the connection was last used.

    A server that stops says so, or its kernel ends the connection: both make the socket readable. Looking costs a
    microsecond, asking the server (`check_connection`) a round trip on every request.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def _limit(connection: Connection[TupleRow]) -> None:
    limit_session(connection, _SESSION)
