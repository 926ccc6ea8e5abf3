"""Whether this process can serve, found out once a second in a thread of its own: who asks costs neither a thread nor a
connection, however often and whoever it is."""

import time
from collections.abc import Callable, Iterable

import psycopg
import structlog

from services.gateway.pool import Pool, open_lone_connection
from shared.db.migrate import DatabaseIsNewer, MigrationChanged, pending_migrations, require_known_schema
from shared.db.server import list_connection_shortage
from shared.db.types import Tx

Complaints = Callable[[], Iterable[str | None]]

LOOK_EVERY_S = 0.5
EXHAUSTED_AFTER_S = 3.0  # a request gives up after two
TOO_OLD_S = 10.0  # a look has a timeout of two seconds for its connection and one of five for each statement

log = structlog.get_logger("gateway")


class Readiness:
    """The last finding. Not ready until the first look has ended."""

    def __init__(self, pool: Pool, database_url: str, connections_wanted: int, complaints: Complaints = tuple) -> None:
        """`complaints` of what works beside the requests; `connections_wanted` by all processes of this gateway."""
        self._pool = pool
        self._database_url = database_url
        self._connections_wanted = connections_wanted
        self.complaints = complaints
        # One of our own: a look must neither take the place of a request nor tell the pool that the database is away.
        self._connection: Tx | None = None
        self._found: tuple[str, ...] = ("The database was not asked yet.",)
        self._looked_s = time.monotonic()
        self._had_room_s = time.monotonic()
        self._counted_connections = False
        self._must_try_pool = True  # at the start and after an outage, of which the pool hears by itself, later

    def found(self) -> tuple[str, ...]:
        """What keeps us from serving, in words; nothing when we are ready."""
        if time.monotonic() - self._looked_s > TOO_OLD_S:
            return ("The database does not answer.",)
        return self._found

    def do_round(self) -> float:
        """Look; in how many seconds to look again."""
        found = [complaint for complaint in self.complaints() if complaint is not None]
        try:
            found += self._ask_database()
        except psycopg.Error as problem:
            log.debug("not_ready", error=type(problem).__name__)
            self.close()
            self._must_try_pool = True
            found.append("The database does not answer.")
        if self._is_exhausted():
            found.append("All connections to the database are taken.")
        self._found, self._looked_s = tuple(found), time.monotonic()
        return LOOK_EVERY_S

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask_database(self) -> list[str]:
        if self._connection is None:
            self._connection = open_lone_connection(self._database_url, "smartcart-gateway-readiness")
        if not self._counted_connections:
            self._counted_connections = True
            for shortage in list_connection_shortage(self._connection, self._connections_wanted):
                log.warning("too_few_connections", **shortage)
        if self._must_try_pool:
            with self._pool.connection():
                self._must_try_pool = False
        try:
            require_known_schema(self._connection)
        except (DatabaseIsNewer, MigrationChanged):
            return ["The database is of another build."]
        return ["The database lacks a migration."] if pending_migrations(self._connection) else []

    def _is_exhausted(self) -> bool:
        stats = self._pool.get_stats()
        if stats.get("pool_available", 0) or stats.get("pool_size", 0) < self._pool.max_size:
            self._had_room_s = time.monotonic()
        return time.monotonic() - self._had_room_s > EXHAUSTED_AFTER_S
