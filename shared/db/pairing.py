"""Guesses at pairing codes: counted before they are made, so that many at once cannot slip through.

Nobody can keep others from a cart: what a shopper guesses counts against that shopper alone. Where a whole crowd
guesses at one cart, everybody there gets one guess a minute, so the phone that types the right code is served, at once
or within that minute.

What an attacker gets: a code is one of 10^6 and shown for 300 s. One account has 30 guesses an hour, which are right
with a chance of 0.003 %. N accounts, each of which costs a phone that has received a code, have at one cart at most
`CROWD_PER_MINUTE` + N guesses in the first minute and at most as many in each of the other four: with 100 accounts 650
guesses at one code, 0.07 %, and the hour's bound ends that after 3,000.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.db.queries import sql
from shared.db.types import Tx

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RETENTION = HOUR
GUESSES_PER_HOUR = 30  # of one shopper; nobody mistypes so often
CROWD_PER_MINUTE = 30  # at one cart; a family around it makes fewer
_LOCK_SPACE = 0x70616972  # "pair"; apart from other advisory locks


@dataclass(frozen=True, slots=True)
class TryReserved:
    """The guess may be made; it counts until it is forgotten."""

    pairing_try_id: int


@dataclass(frozen=True, slots=True)
class TooManyGuesses:
    """The shopper guessed wrong too often, or once already in this minute at a cart at which a crowd guesses."""

    retry_after_s: int


def reserve_pairing_try(
    tx: Tx, shopper_id: int, cart_id: int, per_minute: int, now: datetime
) -> TryReserved | TooManyGuesses:
    """Count a guess; commit before making it."""
    who = {"shopper_id": shopper_id, "cart_id": cart_id}
    tx.execute(sql("lock_pairing_tries"), {**who, "space": _LOCK_SPACE})
    since = {"minute": now - MINUTE, "hour": now - HOUR}
    counted = tx.execute(sql("count_pairing_tries"), {**who, **since}).fetchone()
    assert counted is not None
    in_minute, in_hour, at_cart, first_of_minute, first_of_hour, last_here = counted
    if in_hour >= GUESSES_PER_HOUR:
        return TooManyGuesses(_seconds_until(first_of_hour + HOUR, now))
    if in_minute >= per_minute:
        return TooManyGuesses(_seconds_until(first_of_minute + MINUTE, now))
    if at_cart >= CROWD_PER_MINUTE and last_here is not None:
        return TooManyGuesses(_seconds_until(last_here + MINUTE, now))
    row = tx.execute(sql("insert_pairing_try"), {**who, "now": now}).fetchone()
    assert row is not None
    return TryReserved(row[0])


def forget_pairing_try(tx: Tx, reserved: TryReserved) -> None:
    """The guess was not a wrong one."""
    tx.execute(sql("delete_pairing_try"), {"pairing_try_id": reserved.pairing_try_id})


def delete_old_pairing_tries(tx: Tx, now: datetime, limit: int) -> int:
    """Retention: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_pairing_tries"), {"before": now - RETENTION, "limit": limit}).rowcount


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, -int((now - moment).total_seconds() // 1))
