"""Challenges of one-time codes: how many are sent, and the one statement that decides who used a code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.db.queries import sql
from shared.db.types import Tx

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAILURE_WINDOW = timedelta(days=30)  # NIST SP 800-63B, 5.2.2: at most 100 failures in a row
MAX_FAILURES = 100
CHALLENGE_RETENTION = DAY  # docs/reliability.md S24; what is counted must be there
CLOCKS_APART = timedelta(seconds=5)  # several gateways may differ by this
EVERYBODY = 0x736D6F74  # the lock behind the budget of all numbers; any constant


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How many codes may be sent (docs/reliability.md S14); `per_minute` to all numbers together."""

    seconds_between: int
    per_number_hour: int
    per_number_day: int
    per_address_hour: int
    per_minute: int


@dataclass(frozen=True, slots=True)
class NewChallenge:
    """A code about to be sent; only its hash is kept."""

    challenge_id: UUID
    phone_hash: bytes
    address_hash: bytes
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class ChallengeStored:
    """The code may be sent."""


@dataclass(frozen=True, slots=True)
class TooManySends:
    """The number, the address or everybody together has had his share."""

    retry_after_s: int


@dataclass(frozen=True, slots=True)
class CodeAccepted:
    """This try, and no other, used the code."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """Wrong, expired, used before, or never sent."""


@dataclass(frozen=True, slots=True)
class TooManyTries:
    """The tries of this challenge, or of this number, are used up."""

    retry_after_s: int


def store_challenge(
    tx: Tx, challenge: NewChallenge, limits: SendLimits, ttl: timedelta, now: datetime
) -> ChallengeStored | TooManySends:
    """Keep a challenge unless too many were sent; the counts are in the database and survive restarts."""
    hashes = {"phone_hash": challenge.phone_hash, "address_hash": challenge.address_hash}
    tx.execute(sql("lock_code_senders"), {"keys": [EVERYBODY, *(_lock_key(value) for value in hashes.values())]})
    free_at = _next_send(tx, hashes, limits, now)
    if free_at is not None and free_at > now:
        return TooManySends(_seconds_until(free_at, now))
    tx.execute(
        sql("insert_challenge"),
        {
            **hashes,
            "challenge_id": challenge.challenge_id,
            "code_hash": challenge.code_hash,
            "now": now,
            "expires_at": now + ttl,
        },
    )
    return ChallengeStored()


def _next_send(tx: Tx, hashes: Mapping[str, bytes], limits: SendLimits, now: datetime) -> datetime | None:
    """When no limit stands in the way any more; None when none does."""
    since = {"minute_ago": now - MINUTE, "hour_ago": now - HOUR, "day_ago": now - DAY, "latest": now + CLOCKS_APART}
    ranks = {
        "per_number_hour": limits.per_number_hour,
        "per_number_day": limits.per_number_day,
        "per_address_hour": limits.per_address_hour,
        "per_minute": limits.per_minute,
    }
    row = tx.execute(sql("find_code_sends_that_count"), {**hashes, **since, **ranks}).fetchone()
    assert row is not None
    windows = (timedelta(seconds=limits.seconds_between), HOUR, DAY, HOUR, MINUTE)
    return max((sent + window for sent, window in zip(row, windows, strict=True) if sent is not None), default=None)


def find_newest_challenge(tx: Tx, phone_hash: bytes) -> UUID | None:
    """The challenge a code for this number is tried against."""
    row = tx.execute(sql("find_newest_challenge"), {"phone_hash": phone_hash}).fetchone()
    return row[0] if row else None


def try_code(
    tx: Tx, phone_hash: bytes, challenge_id: UUID, code_hash: bytes, max_tries: int, now: datetime
) -> CodeAccepted | WrongCode | TooManyTries:
    """Try a code; commit whatever comes out, because a wrong try counts."""
    month = {"phone_hash": phone_hash, "window_start": now - FAILURE_WINDOW}
    failures = tx.execute(sql("find_code_failures"), month).fetchone()
    if failures and failures[0] >= MAX_FAILURES:
        return TooManyTries(_seconds_until(failures[1] + FAILURE_WINDOW, now))
    attempt = {"challenge_id": challenge_id, "code_hash": code_hash, "max_tries": max_tries, "now": now}
    tried = tx.execute(sql("try_code"), attempt).fetchone()
    if tried is None:
        exhausted = tx.execute(sql("find_exhausted_challenge"), attempt).fetchone()
        return TooManyTries(_seconds_until(exhausted[0], now)) if exhausted else WrongCode()
    if tried[0]:
        tx.execute(sql("forget_code_failures"), {"phone_hash": phone_hash})
        return CodeAccepted()
    tx.execute(sql("count_code_failure"), {**month, "now": now})
    return WrongCode()


def delete_old_challenges(tx: Tx, now: datetime, limit: int) -> int:
    """Retention of challenges: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_challenges"), {"before": now - CHALLENGE_RETENTION, "limit": limit}).rowcount


def delete_old_code_failures(tx: Tx, now: datetime, limit: int) -> int:
    """Retention of failures: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_code_failures"), {"before": now - FAILURE_WINDOW, "limit": limit}).rowcount


def _lock_key(hashed: bytes) -> int:
    return int.from_bytes(hashed[:8], "big", signed=True)


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, -int((now - moment).total_seconds() // 1))
