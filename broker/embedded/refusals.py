"""What the broker refuses, by name, so that whoever builds firmware finds the mistake in the log or the console.

A client that repeats its mistake costs a number, not a line: each thing is logged when it is new in a period, within a
limit for all, and written to the database once a period.
"""

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import psycopg
import structlog

from broker.embedded.allowance import Allowance
from shared.access import cart_of
from shared.db.broker_refusals import Act, RefusedThing, record_broker_refusals

log = structlog.get_logger()

KINDS_MAX = 1_000  # different things remembered in a period; further ones are only counted
LOGGED_PER_S = 10.0
LOGGED_AT_ONCE = 50
PERIOD_S = 5.0
NAME_MAX, TOPIC_MAX, DETAIL_MAX = 64, 200, 64
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT = "-c statement_timeout=3000"


@dataclass(slots=True)
class _Noted:
    times: int
    detail: str


class Refusals:
    """What was refused since it was last taken. Noting belongs to the event loop, taking to one other thread."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, Act, str, str], _Noted] = {}
        self._allowance = Allowance.full(LOGGED_PER_S, LOGGED_AT_ONCE, monotonic())
        self.only_counted = 0

    def note(self, name: str, act: Act, reason: str, topic: str = "", detail: str = "") -> None:
        """Remember one refusal of the client of this user name."""
        noted = self._noted  # taking puts another one in its place
        key = (_printable(name, NAME_MAX), act, reason[:NAME_MAX], _printable(topic, TOPIC_MAX))
        known = noted.get(key)
        if known is not None:
            known.times += 1
            return
        if len(noted) >= KINDS_MAX:
            self.only_counted += 1
            return
        noted[key] = _Noted(1, _printable(detail, DETAIL_MAX))
        if self._allowance.take(monotonic()) == 0:
            shown = {"topic": key[3], "detail": noted[key].detail}
            log.warning("refused", client=key[0], act=act, reason=key[2], **{k: v for k, v in shown.items() if v})

    def take(self) -> list[RefusedThing]:
        """What was refused to carts, each thing once; it is forgotten here."""
        taken, self._noted = self._noted, {}
        return [
            RefusedThing(cart_id, act, reason, topic, noted.detail, noted.times)
            for (name, act, reason, topic), noted in list(taken.items())
            if (cart_id := cart_of(name)) is not None
        ]


class RefusalWriter:
    """Writes what was refused to the database every PERIOD_S, in a daemon thread until `stop`.

    A period in which the database is away is not written again: the log has it.
    """

    def __init__(self, refusals: Refusals, database_url: str, now: Callable[[], datetime] | None = None) -> None:
        self._refusals = refusals
        self._database_url = database_url
        self._now = now or (lambda: datetime.now(UTC))
        self._stopped = threading.Event()

    def start(self, every_s: float = PERIOD_S) -> None:
        """Begin."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, every_s), name="refusals", daemon=True).start()

    def stop(self) -> None:
        """End the thread soon."""
        self._stopped.set()

    def write(self) -> None:
        """Write what was refused so far. Raises psycopg.Error."""
        refused = self._refusals.take()
        if not refused:
            return
        with psycopg.connect(
            self._database_url, connect_timeout=CONNECT_TIMEOUT_S, options=STATEMENT_TIMEOUT
        ) as connection:
            record_broker_refusals(connection, refused, self._now())

    def _run(self, every_s: float) -> None:
        while not self._stopped.wait(every_s):
            try:
                self.write()
            except Exception as problem:
                log.warning("refusals_not_written", error=type(problem).__name__)


def _printable(text: str, most: int) -> str:
    """Cut, and without what a terminal or PostgreSQL would take for more than text."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:most])
