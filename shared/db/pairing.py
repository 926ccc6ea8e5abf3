"""Guesses at pairing codes: counted before they are made, so that many at once cannot slip through."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.db.queries import sql
from shared.db.types import Tx

WINDOW = timedelta(minutes=1)
RETENTION = timedelta(hours=1)
_LOCK_SPACE = 0x70616972  # "pair"; apart from other advisory locks


@dataclass(frozen=True, slots=True)
class TryReserved:
    """The guess may be made; it counts until it is forgotten."""

    pairing_try_id: int


@dataclass(frozen=True, slots=True)
class TooManyGuesses:
    """The shopper, or everybody at this cart, guessed wrong too often in the last minute."""

    retry_after_s: int


def reserve_pairing_try(
    tx: Tx, shopper_id: int, cart_id: int, per_minute: int, now: datetime
) -> TryReserved | TooManyGuesses:
    """Count a guess; commit before making it."""
    who = {"shopper_id": shopper_id, "cart_id": cart_id}
    tx.execute(sql("lock_pairing_tries"), {**who, "space": _LOCK_SPACE})
    counted = tx.execute(sql("count_pairing_tries"), {**who, "since": now - WINDOW}).fetchone()
    assert counted is not None
    if counted[0] >= per_minute:
        return TooManyGuesses(max(1, -int((now - counted[1] - WINDOW).total_seconds() // 1)))
    row = tx.execute(sql("insert_pairing_try"), {**who, "now": now}).fetchone()
    assert row is not None
    return TryReserved(row[0])


def forget_pairing_try(tx: Tx, reserved: TryReserved) -> None:
    """The guess was not a wrong one."""
    tx.execute(sql("delete_pairing_try"), {"pairing_try_id": reserved.pairing_try_id})


def delete_old_pairing_tries(tx: Tx, now: datetime, limit: int) -> int:
    """Retention: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_pairing_tries"), {"before": now - RETENTION, "limit": limit}).rowcount
