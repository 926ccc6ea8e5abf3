"""Coalesces telemetry: the latest of each cart waits here for the next flush, so that one cart costs one write
a flush."""

import threading
from collections.abc import Sequence

from services.cart_ingest.metrics import Metrics
from services.cart_ingest.sorting import Sorted
from shared.contracts.telemetry import CartTelemetry
from shared.db.presence import Heard

Latest = tuple[Heard, CartTelemetry]


class PresenceBuffer:
    """Filled by the worker, flushed by the housekeeper."""

    def __init__(self, metrics: Metrics) -> None:
        self._latest: dict[int, Latest] = {}
        self._lock = threading.Lock()
        self._metrics = metrics

    def hear(self, batch: Sorted) -> None:
        """Remember what these messages say; a position and a health report of one cart are joined."""
        if batch.unheard:
            self._metrics.telemetry.labels("unreadable").inc(batch.unheard)
        if not batch.telemetry:
            return
        self._metrics.telemetry.labels("heard").inc(len(batch.telemetry))
        with self._lock:
            for heard, message in batch.telemetry:
                before = self._latest.get(heard.cart_id)
                self._latest[heard.cart_id] = (heard, _joined(before[1], message) if before else message)

    def put_back(self, unwritten: Sequence[Latest]) -> None:
        """What was taken and not written waits once more; what was heard since then is newer."""
        with self._lock:
            for heard, message in unwritten:
                since = self._latest.get(heard.cart_id)
                self._latest[heard.cart_id] = (since[0], _joined(message, since[1])) if since else (heard, message)

    def take(self) -> list[Latest]:
        """Everything since the last call."""
        with self._lock:
            latest, self._latest = self._latest, {}
        return list(latest.values())


def _joined(older: CartTelemetry, newer: CartTelemetry) -> CartTelemetry:
    return CartTelemetry(location=newer.location or older.location, health=newer.health or older.health)
