"""Coalesces telemetry: the latest of each cart waits here for the next flush, so that one cart costs one write
a flush."""

import threading

from services.cart_ingest.metrics import Metrics
from services.cart_ingest.sorting import Sorted
from shared.contracts.telemetry import CartTelemetry
from shared.db.presence import Heard


class PresenceBuffer:
    """Filled by the worker, flushed by the housekeeper."""

    def __init__(self, metrics: Metrics) -> None:
        self._latest: dict[int, tuple[Heard, CartTelemetry]] = {}
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
                if before is not None:
                    message = CartTelemetry(
                        location=message.location or before[1].location, health=message.health or before[1].health
                    )
                self._latest[heard.cart_id] = (heard, message)

    def take(self) -> list[tuple[Heard, CartTelemetry]]:
        """Everything since the last call."""
        with self._lock:
            latest, self._latest = self._latest, {}
        return list(latest.values())
