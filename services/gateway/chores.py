"""Retention: old codes, keys, tokens and guesses are deleted every few minutes, by one gateway process at a time. Each
kind in transactions of its own, a bounded number of rows in each: one that fails costs the others nothing."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

import psycopg
import structlog

from services.gateway.metrics import ROUNDS_FAILED
from services.gateway.wiring import Gateway
from shared.db.ended_logins import delete_old_ended_logins
from shared.db.idempotency import delete_old_answers
from shared.db.leadership import Singleton, try_lead_once
from shared.db.one_time_codes import delete_old_challenges, delete_old_code_failures
from shared.db.pairing import delete_old_pairing_tries
from shared.db.refresh_tokens import delete_old_refresh_tokens
from shared.db.types import Tx

CHORES_EVERY_S = 300.0
SOON_S = 5.0
ROWS_AT_ONCE = 1_000
KIND_AT_MOST_S = 5.0

Delete = Callable[[Tx, datetime, int], int]
KINDS: tuple[Delete, ...] = (
    delete_old_challenges,
    delete_old_code_failures,
    delete_old_answers,
    delete_old_refresh_tokens,
    delete_old_pairing_tries,
    delete_old_ended_logins,
)

log = structlog.get_logger("gateway")


def delete_what_is_old(here: Gateway, kinds: tuple[Delete, ...] = KINDS) -> bool:
    """Delete it now, unless another process is at it; running it twice changes nothing. Whether all of it is gone."""
    done = [_delete(here, kind) for kind in kinds]
    return all(done)


def _delete(here: Gateway, kind: Delete) -> bool:
    until_s = monotonic() + KIND_AT_MOST_S
    try:
        while monotonic() < until_s:
            with here.pool.connection() as connection, connection.transaction():
                if not try_lead_once(connection, Singleton.GATEWAY_CHORES):
                    return True
                if kind(connection, here.now(), ROWS_AT_ONCE) < ROWS_AT_ONCE:
                    return True
    except psycopg.Error as problem:
        ROUNDS_FAILED.labels(f"chores: {kind.__name__}").inc()
        log.warning("chore_failed", chore=kind.__name__, error=type(problem).__name__)
    return False


def do_chores(here: Gateway) -> float:
    """One round; in how many seconds the next is due."""
    return CHORES_EVERY_S if delete_what_is_old(here) else SOON_S
