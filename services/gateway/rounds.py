"""Work that a gateway does again and again beside its requests. It knows neither the work nor its errors."""

import threading
import time
from collections.abc import Callable

import structlog

from services.gateway.metrics import ROUNDS_FAILED

STOP_WITHIN_S = 1.0
AGAIN_AFTER_FAULT_S = 5.0
ROUND_WITHIN_S = 60.0

log = structlog.get_logger("gateway")


class Rounds:
    """A thread that does rounds of work until it is stopped. A round that fails is logged and counted, and the next one
    comes all the same: what a round may meet cannot be listed."""

    def __init__(self, name: str, work: Callable[[], float], first_in_s: float = 0.0) -> None:
        """`work` does one round and says in how many seconds the next one is due."""
        self.name = name
        self._work = work
        self._first_in_s = first_in_s
        self._stopped = threading.Event()
        self._began_s: float | None = None  # of the round that is under way
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no other round. One that is under way is waited for, but not for long."""
        self._stopped.set()
        self._thread.join(timeout=STOP_WITHIN_S)

    def complaint(self) -> str | None:
        """What is wrong with it, in words; None: nothing."""
        if self._thread.ident is not None and not self._thread.is_alive() and not self._stopped.is_set():
            return f"{self.name} has ended"
        began_s = self._began_s
        if began_s is not None and time.monotonic() - began_s > ROUND_WITHIN_S:
            return f"{self.name} has not ended a round for a minute"
        return None

    def _run(self) -> None:
        wait_s = self._first_in_s
        while not self._stopped.wait(wait_s):
            self._began_s = time.monotonic()
            try:
                wait_s = self._work()
            except Exception:
                ROUNDS_FAILED.labels(self.name).inc()
                log.exception("round_failed", rounds=self.name)
                wait_s = AGAIN_AFTER_FAULT_S
            self._began_s = None
