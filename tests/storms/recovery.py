"""How long it takes from the end of a fault to the next commit of cart-ingest, measured while carts shop."""

import contextlib
import math
import threading
import time
from collections import defaultdict

import psycopg

POLL_S = 0.02
TOLD = "SELECT coalesce(sum(received), 0) FROM delivery_count"  # every batch of the worker adds to it
# docs/reliability.md R10, seconds from the start of what was dead to the next commit.
WITHIN_S = {"ingest": 3.0, "postgres": 5.0, "broker": 10.0, "power": 15.0}
NOISE = 2.0  # with other tests beside it a machine takes up to so many times as long, and nothing is broken


class CommitWatch:
    """A thread that notices commits from outside; `with` starts and ends it."""

    def __init__(self, database_url: str) -> None:
        self.last_s = 0.0
        self._url = database_url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="commit watch", daemon=True)

    def __enter__(self) -> "CommitWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)

    def _watch(self) -> None:
        known = -1
        while not self._ended.wait(POLL_S):
            with contextlib.suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as connection:
                while not self._ended.wait(POLL_S):
                    row = connection.execute(TOLD).fetchone()
                    assert row is not None
                    if row[0] != known:
                        known, self.last_s = row[0], time.monotonic()


class Recovery:
    """Collects the times. A recovery that another fault disturbs counts only when it had taken too long by then; one
    in the middle of a fault that lasts does not count, because that fault is not over."""

    def __init__(self) -> None:
        self.took_s: dict[str, list[float]] = defaultdict(list)
        self._down: dict[str, tuple[str, float]] = {}
        self._back: dict[str, float] = {}

    def fell(self, what: str, part: str) -> None:
        """Something was killed; it is over when `part` was started again."""
        self.disturb()
        if what in WITHIN_S:
            self._down[what] = (part, time.monotonic())

    def disturb(self) -> None:
        """Something else happens to the stage."""
        now_s = time.monotonic()
        for what, since_s in self._back.items():
            if now_s - since_s > WITHIN_S[what]:
                self.took_s[what].append(now_s - since_s)
        self._down, self._back = {}, {}

    def look(self, started_s: dict[str, float], last_commit_s: float) -> None:
        """Call it often, with the moments when parts were started last and when something was committed last."""
        for what, (part, fell_s) in list(self._down.items()):
            if started_s[part] > fell_s:
                self._back[what] = started_s[part]
                del self._down[what]
        for what, since_s in list(self._back.items()):
            if last_commit_s > since_s:
                self.took_s[what].append(last_commit_s - since_s)
                del self._back[what]


def percentile_95(values: list[float]) -> float:
    """The smallest of these that 95 % do not exceed."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]
