"""Retention: old codes, keys, tokens and guesses are deleted every few minutes, by one gateway process at a time."""

import threading

import psycopg
import structlog

from services.gateway.wiring import Gateway
from shared.db.idempotency import delete_old_answers
from shared.db.leadership import Singleton, try_lead_once
from shared.db.one_time_codes import delete_old_challenges
from shared.db.pairing import delete_old_pairing_tries
from shared.db.refresh_tokens import delete_old_refresh_tokens

EVERY_S = 300.0

log = structlog.get_logger("gateway")


def delete_what_is_old(here: Gateway) -> None:
    """One round, unless another process is at it; running it twice changes nothing."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        if not try_lead_once(connection, Singleton.GATEWAY_CHORES):
            return
        delete_old_challenges(connection, now)
        delete_old_answers(connection, now)
        delete_old_refresh_tokens(connection, now)
        delete_old_pairing_tries(connection, now)


class Chores:
    """A thread that does a round every `EVERY_S` seconds until it is stopped."""

    def __init__(self, here: Gateway) -> None:
        self._here = here
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            try:
                delete_what_is_old(self._here)
            except psycopg.Error as problem:
                log.warning("chores_failed", error=type(problem).__name__)
