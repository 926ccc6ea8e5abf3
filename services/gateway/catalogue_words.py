"""The names of the catalogue in memory, for searching and for forgiving typos; read anew when they change."""

import time

import psycopg
import structlog

from services.gateway.pool import Pool
from shared.db.product_search import NO_NAMES, CatalogueNames, load_names

LOOK_EVERY_S = 1.0
AGAIN_S = 5.0
# Reading 100,000 names takes a second of Python's lock: a catalogue that changes all the time is read less often.
SHARE_OF_TIME = 0.05

log = structlog.get_logger("gateway")


class CatalogueWords:
    """Keeps the names. Until they are read, and for a moment after each change, PostgreSQL alone searches; before the
    first reading typos are not forgiven."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.names: CatalogueNames = NO_NAMES

    def read(self) -> None:
        """Read the names, if they are others by now."""
        with self._pool.connection() as connection, connection.transaction():
            self.names = load_names(connection, self.names)

    def do_round(self) -> float:
        """Read the names if need be; in how many seconds to look again."""
        began = time.monotonic()
        try:
            self.read()
        except psycopg.Error as problem:
            log.warning("catalogue_words_not_read", error=type(problem).__name__)
            return AGAIN_S
        return max(LOOK_EVERY_S, (time.monotonic() - began) / SHARE_OF_TIME)
