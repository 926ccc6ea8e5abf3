"""Refresh tokens: they rotate, one of several simultaneous rotations wins, and reuse of an old one ends the login."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.db.ended_logins import EndedLogin, end_login
from shared.db.queries import sql
from shared.db.types import Tx

# A phone that sends the same token twice at once is in a hurry, and one that sends it again has lost the answer;
# neither is a thief (docs/reliability.md S11). It counts before and after this moment, because a clock may be set back.
REUSE_GRACE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rotated:
    """The old token is replaced; the new one is kept."""

    family_id: UUID
    shopper_id: int
    is_profile_complete: bool


@dataclass(frozen=True, slots=True)
class ReplacedJustNow:
    """The successor was given a moment ago: whoever holds the old token may have it again, while it is live."""

    family_id: UUID
    shopper_id: int
    is_profile_complete: bool
    successor_sealed: bytes


@dataclass(frozen=True, slots=True)
class NotAToken:
    """Unknown, expired or revoked."""


@dataclass(frozen=True, slots=True)
class FamilyRevoked:
    """An old token came back: the whole login is ended."""

    login: EndedLogin


def insert_refresh_token(
    tx: Tx, token_hash: bytes, family_id: UUID, shopper_id: int, now: datetime, ttl: timedelta
) -> None:
    """Keep a token's hash."""
    tx.execute(
        sql("insert_refresh_token"),
        {
            "token_hash": token_hash,
            "family_id": family_id,
            "shopper_id": shopper_id,
            "now": now,
            "expires_at": now + ttl,
        },
    )


def rotate_refresh_token(
    tx: Tx, old_hash: bytes, new_hash: bytes, successor_sealed: bytes, now: datetime, ttl: timedelta
) -> Rotated | ReplacedJustNow | NotAToken | FamilyRevoked:
    """Replace a token by the next one; commit whatever comes out, because a revocation must last."""
    replaced = {"token_hash": old_hash, "successor_sealed": successor_sealed, "now": now}
    row = tx.execute(sql("replace_refresh_token"), replaced).fetchone()
    if row is not None:
        rotated = Rotated(*row)
        insert_refresh_token(tx, new_hash, rotated.family_id, rotated.shopper_id, now, ttl)
        return rotated
    reused = tx.execute(
        sql("find_replaced_refresh_token"), {"token_hash": old_hash, "now": now, "grace": REUSE_GRACE}
    ).fetchone()
    if reused is None:
        return NotAToken()
    family_id, shopper_id, is_profile_complete, sealed, is_recent = reused
    if is_recent:
        return ReplacedJustNow(family_id, shopper_id, is_profile_complete, sealed) if sealed else NotAToken()
    login = EndedLogin(shopper_id, family_id)
    revoke_family(tx, login, now)
    return FamilyRevoked(login)


def refresh_token_is_live(tx: Tx, token_hash: bytes, now: datetime) -> bool:
    """Whether a token could be used now."""
    row = tx.execute(sql("refresh_token_is_live"), {"token_hash": token_hash, "now": now}).fetchone()
    assert row is not None
    return bool(row[0])


def revoke_family(tx: Tx, login: EndedLogin, now: datetime) -> None:
    """End a login with all its tokens; harmless when it has ended."""
    tx.execute(sql("revoke_refresh_family"), {"family_id": login.family_id, "now": now})
    end_login(tx, login)


def delete_old_refresh_tokens(tx: Tx, now: datetime, limit: int) -> int:
    """Retention: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_refresh_tokens"), {"before": now, "limit": limit}).rowcount
