"""What happens to a delivery, from the inbox to its acknowledgement. Read `run` and `_commit`: that is all of it.

A good event is applied and acknowledged after the commit. A duplicate changes nothing and is acknowledged. A
late one, a broken one, one of an unknown cart is kept with its reason and acknowledged. While PostgreSQL is
away nothing is acknowledged and the batch is tried again until it has an answer. A poisonous one is found by
halving and kept alone. What was delivered on a connection that has ended is applied all the same, and not
acknowledged."""

import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event

import psycopg
import structlog

from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.isolation import Isolation
from services.cart_ingest.listener import Listener
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.missing import Missing
from services.cart_ingest.presence_buffer import PresenceBuffer
from services.cart_ingest.sorting import HeardStatus, Sorted, sort_deliveries
from shared.contracts.decode import Undecodable, Unreadable
from shared.db.cart_log import Applied, apply_events
from shared.db.cart_memory import CartMemory
from shared.db.dead_letters import DeadLetter
from shared.db.incoming import Incoming
from shared.db.presence import save_statuses
from shared.db.types import Tx

log = structlog.get_logger()

IDLE_WAIT_S = 0.25  # how soon a quiet worker notices that it should stop
FEW = 10  # so many are sooner written by statements in a pipeline than by COPY, which cannot be in one
TRIES_ALONE = 3  # of an event whose statements take too long, before it counts as poisonous
# In a storm a broker sends the next message for each one acknowledged, and whoever takes them at once commits them in
# handfuls. After a batch of this size the next one collects while it still grows; a quiet worker never waits. Large
# batches cost less an event: what is done once a cart (lock, frontier, totals) is done for several of its events.
STORM_BATCH = 500
COLLECT_AT_MOST_S = 0.1
COLLECT_STEP_S = 0.01


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
        on_change: Callable[[Applied, bool], None],
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
        self._memory = CartMemory()
        self.took_a_breath_s = time.monotonic()

    def run(self) -> None:
        """Work until asked to stop. Raises what only a person can mend: then nothing more is acknowledged."""
        taken = 0
        while not self._stopping.is_set():
            self.took_a_breath_s = time.monotonic()
            in_storm = taken >= STORM_BATCH
            if in_storm:
                self._collect()
            deliveries = self._listener.take(self._batch_max, IDLE_WAIT_S)
            taken = len(deliveries)
            if not deliveries:
                continue
            began_s = time.monotonic()
            batch = sort_deliveries(deliveries)
            self._presence.hear(batch)
            try:
                applied = self._commit(batch)
            except Stopping:
                return
            self._pass_on(applied, in_storm)
            self._listener.settle(deliveries)
            self._count(batch, applied, time.monotonic() - began_s)

    def _collect(self) -> None:
        """Let the next batch grow, for a moment, until it is full or grows no more."""
        before, until_s = -1, time.monotonic() + COLLECT_AT_MOST_S
        while before < self._listener.waiting < self._batch_max and time.monotonic() < until_s:
            before = self._listener.waiting
            self._stopping.wait(COLLECT_STEP_S)

    def _commit(self, batch: Sorted) -> list[Applied]:
        """Apply everything; comes back only when PostgreSQL has said so for each part."""
        applied = self._isolation.apply(batch.events, self._apply_part, self._bury) if batch.events else []
        if batch.strays or batch.statuses:
            applied.append(self._apply((), batch.strays, batch.statuses))
        return applied

    def _apply_part(self, events: Sequence[Incoming]) -> Applied:
        """What takes too long is tried in halves at once; alone it may have met a slow moment."""
        return self._apply(events, timeouts_max=0 if len(events) > 1 else TRIES_ALONE - 1)

    def _apply(
        self,
        events: Sequence[Incoming],
        strays: Sequence[DeadLetter] = (),
        statuses: Sequence[HeardStatus] = (),
        timeouts_max: int | None = None,
    ) -> Applied:
        now = datetime.now(UTC)

        def work(tx: Tx) -> Applied:
            save_statuses(tx, statuses)
            return apply_events(tx, events, strays, now, self._name, self._memory)

        self.took_a_breath_s = time.monotonic()
        applied = self._database.run(work, in_pipeline=len(events) <= FEW, timeouts_max=timeouts_max)
        self._memory.keep(applied.carts)
        return applied

    def _bury(self, event: Incoming, problem: Exception) -> Applied:
        """Keep one event as a dead letter; its number counts as settled, so that the cart goes on.

        When even that fails, for example because its cart's row is broken, the letter alone is kept. When it takes too
        long as well, PostgreSQL is slow, and the event is not to blame: raises QueryCanceled.
        """
        number = event.event.key if isinstance(event.event, Undecodable) else (event.event.epoch, event.event.seq)
        reason = Unreadable.REJECTED if isinstance(problem, psycopg.Error) else Unreadable.BUG
        story = "".join(traceback.format_exception(problem)).encode("ascii", "backslashreplace").decode("ascii")[-2000:]
        try:
            return self._apply([event._replace(event=Undecodable(reason, story, number))], timeouts_max=0)
        except Exception as again:
            if isinstance(again, Stopping) or classify(again) is not Fault.POISON:
                raise
            log.error("number_not_settled", cart_id=event.cart_id, number=number, problem=type(again).__name__)
            return self._apply((), [DeadLetter(event.topic, event.payload, reason, story)])

    def _pass_on(self, applied: Sequence[Applied], in_storm: bool) -> None:
        for part in applied:
            if part.changed_carts:
                self._on_change(part, in_storm)
            for resend in part.resends:
                self._missing.ask(resend)

    def _count(self, batch: Sorted, applied: Sequence[Applied], took_s: float) -> None:
        self._metrics.received.inc(len(batch.events) + len(batch.strays))
        self._metrics.unassured.inc(batch.unassured)
        self._metrics.batch.observe(len(batch.events))
        self._metrics.commit_s.observe(took_s)
        for part in applied:
            if part.unkept:
                self._metrics.unkept.inc(part.unkept)
                log.warning("dead_letters_only_counted", letters=part.unkept)
            for outcome, times in part.counts.items():
                self._metrics.outcomes.labels(outcome).inc(times)
