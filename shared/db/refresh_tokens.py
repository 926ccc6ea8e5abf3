"""Refresh tokens: they rotate, one of several simultaneous rotations wins, and reuse of an old one ends the login."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.db.queries import sql
from shared.db.types import Tx

# A phone that sends the same token twice at once is in a hurry, not a thief (docs/reliability.md S11).
REUSE_GRACE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rotated:
    """The old token is replaced; the new one is kept."""

    family_id: UUID
    shopper_id: int
    is_profile_complete: bool


@dataclass(frozen=True, slots=True)
class NotAToken:
    """Unknown, expired, revoked, or replaced a moment ago."""


@dataclass(frozen=True, slots=True)
class FamilyRevoked:
    """An old token came back: the whole login is ended."""

    family_id: UUID


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
    tx: Tx, old_hash: bytes, new_hash: bytes, now: datetime, ttl: timedelta
) -> Rotated | NotAToken | FamilyRevoked:
    """Replace a token by the next one; commit whatever comes out, because a revocation must last."""
    row = tx.execute(sql("replace_refresh_token"), {"token_hash": old_hash, "now": now}).fetchone()
    if row is not None:
        rotated = Rotated(*row)
        insert_refresh_token(tx, new_hash, rotated.family_id, rotated.shopper_id, now, ttl)
        return rotated
    reused = tx.execute(
        sql("find_replaced_refresh_token"), {"token_hash": old_hash, "before": now - REUSE_GRACE}
    ).fetchone()
    if reused is None:
        return NotAToken()
    revoke_family(tx, reused[0], now)
    return FamilyRevoked(reused[0])


def revoke_family(tx: Tx, family_id: UUID, now: datetime) -> None:
    """End a login; harmless when it has ended."""
    tx.execute(sql("revoke_refresh_family"), {"family_id": family_id, "now": now})


def delete_old_refresh_tokens(tx: Tx, now: datetime, limit: int) -> int:
    """Retention: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_refresh_tokens"), {"before": now, "limit": limit}).rowcount
