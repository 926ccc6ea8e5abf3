"""How ingest has been doing in the last minutes: the database's counters, read every few seconds.

Every gateway process keeps samples of its own; they read the same counters, so any of them tells the same story.
"""

import urllib.request
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import structlog
from prometheus_client.parser import text_string_to_metric_families

from services.gateway.pool import Pool
from shared.db.console import IngestCounters, read_event_lag_s, read_ingest_counters

EVERY_S = 5.0
KEPT = 121  # ten minutes
_METRICS_WITHIN_S = 1.0
_METRICS_MAX_BYTES = 256 * 1024

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class WorkerReading:
    """What cart-ingest says of itself: deliveries in memory, states sent, and whether it reaches the database."""

    inbox: int
    database_up: bool
    commit_ms: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading. `worker` is None when ingest was not asked or did not answer."""

    at: datetime
    counters: IngestCounters
    lag_s: float | None
    worker: WorkerReading | None


class IngestSamples:
    """The last ten minutes. A database that was away left a hole."""

    def __init__(self, pool: Pool, metrics_url: str | None) -> None:
        self._pool = pool
        self._metrics_url = metrics_url
        self._kept: deque[Sample] = deque(maxlen=KEPT)

    def recent(self) -> list[Sample]:
        """The oldest first."""
        return list(self._kept)

    def take(self) -> None:
        """Read once, now."""
        now = datetime.now(UTC)
        with self._pool.connection() as connection:
            counters = read_ingest_counters(connection)
            lag_s = read_event_lag_s(connection, now)
        self._kept.append(Sample(now, counters, lag_s, self._ask_worker()))

    def do_round(self) -> float:
        """Take a sample; in how many seconds the next is due."""
        try:
            self.take()
        except psycopg.Error as problem:
            log.debug("ingest_not_sampled", error=type(problem).__name__)
        return EVERY_S

    def _ask_worker(self) -> WorkerReading | None:
        if self._metrics_url is None:
            return None
        try:
            with urllib.request.urlopen(self._metrics_url, timeout=_METRICS_WITHIN_S) as answer:
                return read_worker(answer.read(_METRICS_MAX_BYTES).decode("utf-8"))
        except (OSError, ValueError) as problem:
            log.debug("ingest_metrics_not_read", error=type(problem).__name__)
            return None


def read_worker(text: str) -> WorkerReading:
    """From the text of cart-ingest's /metrics; raises ValueError when it is something else."""
    found = {one.name: one.value for family in text_string_to_metric_families(text) for one in family.samples}
    commits = found.get("ingest_commit_seconds_count", 0)
    if "ingest_inbox" not in found:
        raise ValueError("not the metrics of cart-ingest")
    return WorkerReading(
        inbox=int(found["ingest_inbox"]),
        database_up=found.get("ingest_database_up") == 1,
        commit_ms=found.get("ingest_commit_seconds_sum", 0.0) / commits * 1000 if commits else None,
    )
