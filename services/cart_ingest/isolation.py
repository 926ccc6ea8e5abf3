"""Finds the poisonous event in a batch that the database refuses, so that all others pass.

A batch that fails on its data is halved until the bad one stands alone: at most 2 k (log2 B + 1) transactions
for k bad ones among B."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from services.cart_ingest.database import Stopping
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.metrics import Metrics

log = structlog.get_logger()
E = TypeVar("E")
R = TypeVar("R")

WATCHED = 200  # the last so many events …
TOO_MANY = 100  # … and this many of them poisonous: it is us, not them


class TooMuchPoison(RuntimeError):
    """Most events fail in the database: our bug or a foreign schema. Nothing more is acknowledged."""

    code = "too_much_poison"


class Isolation:
    """Remembers how many of the last events were poisonous."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._recent: deque[bool] = deque(maxlen=WATCHED)

    def apply(
        self,
        events: Sequence[E],
        run: Callable[[Sequence[E]], R],
        bury: Callable[[E, Exception], R],
    ) -> list[R]:
        """`run` each part in its own transaction, in order, and `bury` what fails alone.

        A cart's events keep their order: the left half goes first. Both may raise a passing fault when they gave up
        waiting: a part is halved then too, but what cannot even be buried is tried again. Raises what no event is to
        blame for, and TooMuchPoison.
        """
        results: list[R] = []
        stack = [events]
        while stack:
            part = stack.pop()
            try:
                results.append(run(part))
                self._recent.extend([False] * len(part))
            except Stopping:
                raise
            except Exception as problem:
                if classify(problem) is Fault.WRONG_WORLD:
                    raise
                if len(part) > 1:
                    self._metrics.halvings.inc()
                    middle = len(part) // 2
                    stack += [part[middle:], part[:middle]]
                    continue
                self._note_poison(problem)
                try:
                    results.append(bury(part[0], problem))
                except Exception as again:
                    if isinstance(again, Stopping) or classify(again) is not Fault.PASSING:
                        raise
                    self._recent.pop()
                    stack.append(part)
        return results

    def _note_poison(self, problem: Exception) -> None:
        log.error("poisonous_event", problem=type(problem).__name__, exc_info=problem)
        self._recent.append(True)
        if sum(self._recent) > TOO_MANY:
            raise TooMuchPoison(f"{sum(self._recent)} of the last {len(self._recent)} events") from problem
