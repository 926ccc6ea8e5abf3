"""Runs chores beside each other's failures: each has a budget of time, does its work in bounded pieces of one
transaction each, and is counted. What a chore cannot do in a round it does in a later one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import structlog

from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.metrics import Metrics
from shared.db.types import Tx

log = structlog.get_logger()

Piece = Callable[[Tx], bool]
"""One bounded piece of work in a transaction of its own; True when more of it waits."""

BUDGET_S = 1.0
FAILING_S = 60.0  # a chore that fails for so long is something that a person should hear of


@dataclass(frozen=True, slots=True)
class Chore:
    """`begin` gives the piece of this round; `every_s` is how often it is due."""

    name: str
    begin: Callable[[], Piece]
    every_s: float = 0.0


class Chores:
    """In the order given. None waits for another that fails; only what a person must mend is raised."""

    def __init__(self, chores: list[Chore], database: Database, metrics: Metrics, stopping: Event) -> None:
        self._chores = chores
        self._database = database
        self._metrics = metrics
        self._stopping = stopping
        self._due_s = {chore.name: time.monotonic() + chore.every_s for chore in chores}
        self._failing_since_s: dict[str, float] = {}
        self.ended_round_s = time.monotonic()

    def do_round(self) -> None:
        """Each chore that is due, within its budget."""
        for chore in self._chores:
            now_s = time.monotonic()
            if now_s >= self._due_s[chore.name]:
                self._due_s[chore.name] = now_s + chore.every_s
                self._do(chore, now_s)
        self.ended_round_s = time.monotonic()

    def complaints(self) -> list[str]:
        """Chores that have failed for a minute, and a round that has not ended for a minute."""
        now_s = time.monotonic()
        found = [
            f"the chore {name} fails"
            for name, since_s in sorted(self._failing_since_s.items())
            if now_s - since_s >= FAILING_S
        ]
        if now_s - self.ended_round_s > FAILING_S:
            found.append("a round of chores has not ended for a minute")
        return found

    def _do(self, chore: Chore, began_s: float) -> None:
        outcome = "done"
        try:
            piece = chore.begin()
            while self._database.run_once(piece):
                if self._stopping.is_set():
                    break
                if time.monotonic() - began_s > BUDGET_S:
                    outcome = "unfinished"
                    break
            self._failing_since_s.pop(chore.name, None)
        except Stopping:
            raise
        except Exception as problem:
            if classify(problem) is Fault.WRONG_WORLD:
                raise
            outcome = "failed"
            self._failing_since_s.setdefault(chore.name, began_s)
            log.warning("chore_failed", chore=chore.name, problem=type(problem).__name__)
        self._metrics.chores.labels(chore.name, outcome).inc()
        self._metrics.chore_s.labels(chore.name).observe(time.monotonic() - began_s)
