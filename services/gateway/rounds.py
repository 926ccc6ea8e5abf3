"""Work that a gateway does again and again beside its requests. It knows neither the work nor its errors."""

import threading
from collections.abc import Callable

STOP_WITHIN_S = 1.0


class Rounds:
    """A thread that does rounds of work until it is stopped."""

    def __init__(self, name: str, work: Callable[[], float], first_in_s: float = 0.0) -> None:
        """`work` does one round, lets no error through, and says in how many seconds the next one is due."""
        self._work = work
        self._first_in_s = first_in_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no other round. One that is under way is waited for, but not for long."""
        self._stopped.set()
        self._thread.join(timeout=STOP_WITHIN_S)

    def _run(self) -> None:
        wait_s = self._first_in_s
        while not self._stopped.wait(wait_s):
            wait_s = self._work()
