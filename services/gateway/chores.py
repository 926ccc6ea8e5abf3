"""Retention: old codes, keys, tokens and guesses are deleted every few minutes, by one gateway process at a time."""

import psycopg
import structlog

from services.gateway.wiring import Gateway
from shared.db.idempotency import delete_old_answers
from shared.db.leadership import Singleton, try_lead_once
from shared.db.one_time_codes import delete_old_challenges
from shared.db.pairing import delete_old_pairing_tries
from shared.db.refresh_tokens import delete_old_refresh_tokens

CHORES_EVERY_S = 300.0

log = structlog.get_logger("gateway")


def delete_what_is_old(here: Gateway) -> None:
    """Delete it now, unless another process is at it; running it twice changes nothing."""
    now = here.now()
    with here.pool.connection() as connection, connection.transaction():
        if not try_lead_once(connection, Singleton.GATEWAY_CHORES):
            return
        delete_old_challenges(connection, now)
        delete_old_answers(connection, now)
        delete_old_refresh_tokens(connection, now)
        delete_old_pairing_tries(connection, now)


def do_chores(here: Gateway) -> float:
    """One round; in how many seconds the next is due."""
    try:
        delete_what_is_old(here)
    except psycopg.Error as problem:
        log.warning("chores_failed", error=type(problem).__name__)
    return CHORES_EVERY_S
