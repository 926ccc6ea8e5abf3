"""The words of the catalogue, for forgiving typos; read anew every few minutes."""

import psycopg
import structlog

from services.gateway.pool import Pool
from shared.db.product_search import load_vocabulary
from shared.domain.spelling import Vocabulary, build_vocabulary

EVERY_S = 600.0
AGAIN_S = 5.0

log = structlog.get_logger("gateway")


class CatalogueWords:
    """Keeps a vocabulary. Before the first reading it is empty: then typos are not forgiven yet."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.vocabulary: Vocabulary = build_vocabulary({})

    def read(self) -> None:
        """Read the words now."""
        with self._pool.connection() as connection:
            self.vocabulary = load_vocabulary(connection)

    def do_round(self) -> float:
        """Read the words; in how many seconds to read them again."""
        try:
            self.read()
        except psycopg.Error as problem:
            log.warning("catalogue_words_not_read", error=type(problem).__name__)
            return AGAIN_S
        return EVERY_S
