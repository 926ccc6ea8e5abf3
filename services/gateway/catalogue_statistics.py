"""What searching needs to know about the catalogue as a whole, read now and then."""

import threading
import time

from shared.db.product_search import CatalogueStatistics, load_catalogue_statistics
from shared.db.types import Tx

KEPT_FOR_S = 60.0


class KeptStatistics:
    """Keeps the statistics for a minute; one caller at a time refreshes them, the others use what is there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: CatalogueStatistics | None = None
        self._until = 0.0

    def current(self, tx: Tx) -> CatalogueStatistics:
        """Statistics at most a minute old."""
        kept = self._kept
        if kept is not None and (time.monotonic() < self._until or not self._lock.acquire(blocking=False)):
            return kept
        if kept is None:
            self._lock.acquire()
        try:
            self._kept = load_catalogue_statistics(tx)
            self._until = time.monotonic() + KEPT_FOR_S
            return self._kept
        finally:
            self._lock.release()
