"""The words of the catalogue, for forgiving typos; read in a thread of their own every few minutes."""

import threading

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
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalogue-words", daemon=True)
        self.vocabulary: Vocabulary = build_vocabulary({})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=0.5)

    def read(self) -> None:
        """Read the words now. Called by the thread; a test may call it."""
        with self._pool.connection() as connection:
            self.vocabulary = load_vocabulary(connection)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.read()
            except psycopg.Error as problem:
                log.warning("catalogue_words_not_read", error=type(problem).__name__)
                self._stopped.wait(AGAIN_S)
            else:
                self._stopped.wait(EVERY_S)
