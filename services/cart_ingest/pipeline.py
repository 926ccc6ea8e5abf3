"""What happens to a delivery, from the inbox to its acknowledgement. Read `run` and `_commit`: that is all of it.

A good event is applied and acknowledged after the commit. A duplicate changes nothing and is acknowledged. A
late one, a broken one, one of an unknown cart is kept with its reason and acknowledged. While PostgreSQL is
away nothing is acknowledged and the batch is tried again until it has an answer. A poisonous one is found by
halving and kept alone. What was delivered on a connection that has ended is applied all the same, and not
acknowledged."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import psycopg
import structlog

from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.isolation import Isolation
from services.cart_ingest.listener import Listener
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.missing import Missing
from services.cart_ingest.presence_buffer import PresenceBuffer
from services.cart_ingest.sorting import Sorted, sort_deliveries
from shared.contracts.decode import Undecodable, Unreadable
from shared.db.cart_log import Applied, Incoming, apply_events
from shared.db.presence import save_statuses
from shared.db.types import Tx

log = structlog.get_logger()

IDLE_WAIT_S = 0.25  # how soon a quiet worker notices that it should stop


class Pipeline:
    """The worker's loop: take, commit, acknowledge, pass on."""

    def __init__(
        self,
        *,
        name: str,
        listener: Listener,
        database: Database,
        presence: PresenceBuffer,
        missing: Missing,
        metrics: Metrics,
        batch_max: int,
        on_change: Callable[[], None],
        stopping: Event,
    ) -> None:
        self._name = name
        self._listener = listener
        self._database = database
        self._presence = presence
        self._missing = missing
        self._metrics = metrics
        self._batch_max = batch_max
        self._on_change = on_change
        self._stopping = stopping
        self._isolation = Isolation(metrics)
        self.took_a_breath_s = time.monotonic()

    def run(self) -> None:
        """Work until asked to stop. Raises what only a person can mend: then nothing more is acknowledged."""
        while not self._stopping.is_set():
            self.took_a_breath_s = time.monotonic()
            deliveries = self._listener.take(self._batch_max, IDLE_WAIT_S)
            if not deliveries:
                continue
            began_s = time.monotonic()
            batch = sort_deliveries(deliveries)
            self._presence.hear(batch)
            try:
                applied = self._commit(batch)
            except Stopping:
                return
            self._listener.settle(deliveries)
            self._pass_on(applied)
            self._count(batch, applied, time.monotonic() - began_s)

    def _commit(self, batch: Sorted) -> list[Applied]:
        """Apply everything; comes back only when PostgreSQL has said so for each part."""
        if not batch.events:
            return [self._apply((), batch)] if batch.strays or batch.statuses else []
        first = True

        def run(events: Sequence[Incoming]) -> Applied:
            nonlocal first
            applied = self._apply(events, batch if first else Sorted())
            first = False
            return applied

        return self._isolation.apply(batch.events, run, self._bury)

    def _apply(self, events: Sequence[Incoming], rest: Sorted) -> Applied:
        now = datetime.now(UTC)

        def work(tx: Tx) -> Applied:
            save_statuses(tx, rest.statuses)
            return apply_events(tx, events, rest.strays, now, self._name)

        self.took_a_breath_s = time.monotonic()
        return self._database.run(work)

    def _bury(self, event: Incoming, problem: Exception) -> Applied:
        """Keep one event as a dead letter; its number counts as settled, so that the cart goes on."""
        number = event.event.key if isinstance(event.event, Undecodable) else (event.event.epoch, event.event.seq)
        reason = Unreadable.REJECTED if isinstance(problem, psycopg.Error) else Unreadable.BUG
        story = "".join(traceback.format_exception(problem)).encode("ascii", "backslashreplace").decode("ascii")
        return self._apply([replace(event, event=Undecodable(reason, story[-2000:], number))], Sorted())

    def _pass_on(self, applied: Sequence[Applied]) -> None:
        if any(part.changed_carts for part in applied):
            self._on_change()
        for part in applied:
            for resend in part.resends:
                self._missing.ask(resend)

    def _count(self, batch: Sorted, applied: Sequence[Applied], took_s: float) -> None:
        self._metrics.received.inc(len(batch.events) + len(batch.strays))
        self._metrics.batch.observe(len(batch.events))
        self._metrics.commit_s.observe(took_s)
        for part in applied:
            for outcome, times in part.counts.items():
                self._metrics.outcomes.labels(outcome).inc(times)
