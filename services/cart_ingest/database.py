"""A connection of one thread's own that comes back by itself, and transactions that are run until they have an
answer."""

import random
import time
from collections.abc import Callable, Generator
from contextlib import nullcontext
from threading import Event
from typing import Any, TypeVar

import psycopg
import structlog

from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.metrics import Metrics
from shared.db.types import Tx

log = structlog.get_logger()
T = TypeVar("T")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0

# A worker that hangs must not keep cart locks, and a PostgreSQL that hangs must be noticed (docs/reliability.md d.3).
_OPTIONS = (
    "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s "
    "-c client_connection_check_interval=2s -c jit=off -c plan_cache_mode=force_generic_plan"
)
_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# Some silences no timeout of TCP notices: a proxy that hangs, a server that is stopped but not dead. No statement runs
# longer than statement_timeout, so an answer that takes this long is not coming.
ANSWER_WITHIN_S = 20.0


class Stopping(Exception):
    """The program is asked to end while the database is away; nothing of the transaction has an answer."""


class Database:
    """One connection, opened when needed, thrown away after any failure."""

    def __init__(self, url: str, name: str, stopping: Event, metrics: Metrics) -> None:
        self._url = url
        self._name = name
        self._stopping = stopping
        self._metrics = metrics
        self._connection: Tx | None = None

    def run(self, work: Callable[[Tx], T], *, in_pipeline: bool = False, timeouts_max: int | None = None) -> T:
        """`work` in a transaction of its own, again and again until PostgreSQL says that it committed.

        `work` may therefore run more than once. Raises whatever is no passing fault, and Stopping. In a pipeline its
        statements, BEGIN and COMMIT are answered together, whenever it does not ask for an answer itself. A statement
        that takes too long is a passing fault as well, but at most `timeouts_max` times: then raises QueryCanceled.
        """
        pause_s = FIRST_PAUSE_S
        timeouts = 0
        while True:
            try:
                connection = self._connected()
                with connection.pipeline() if in_pipeline else nullcontext(), connection.transaction():
                    result = work(connection)
                self._metrics.database_up.set(1)
                return result
            except Exception as problem:
                self.close()
                timeouts += isinstance(problem, psycopg.errors.QueryCanceled)
                if classify(problem) is not Fault.PASSING or (timeouts_max is not None and timeouts > timeouts_max):
                    raise
                self._metrics.database_up.set(0)
                self._metrics.retries.inc()
                log.warning("database_away", part=self._name, problem=type(problem).__name__, again_in_s=pause_s)
            if self._stopping.wait(pause_s * random.uniform(0.5, 1.0)):
                raise Stopping
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def run_once(self, work: Callable[[Tx], T]) -> T:
        """`work` in a transaction of its own; raises whatever ended it, also when the database is away."""
        try:
            with self._connected().transaction() as transaction:
                return work(transaction.connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Tx:
        if self._connection is None:
            self._connection = open_connection(self._url, self._name)
        return self._connection


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that breaks, with OperationalError, when the server keeps one answer for too long."""

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **options: Any) -> T:
        """psycopg waits here for every answer, and asks the generator ten times a second whether to go on."""
        return super().wait(self._until_too_late(gen), *arguments, **options)

    def _until_too_late(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        deadline_s = time.monotonic() + ANSWER_WITHIN_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > deadline_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer from PostgreSQL within {ANSWER_WITHIN_S:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            result: T = done.value
            return result


def open_connection(url: str, name: str) -> Tx:
    """A connection that notices a dead or silent peer; raises psycopg.OperationalError."""
    return ImpatientConnection.connect(url, autocommit=True, options=_OPTIONS, application_name=name, **_KEEPALIVE)
