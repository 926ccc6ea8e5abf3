"""Shoppers: who they are, what they eat, and how they are forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import errors
from psycopg.rows import class_row, dict_row

from shared.db.ended_logins import EndedLogin, end_login
from shared.db.queries import sql
from shared.db.types import Tx


@dataclass(frozen=True, slots=True)
class Login:
    """A shopper who has just shown a right code."""

    shopper_id: int
    is_profile_complete: bool


@dataclass(frozen=True, slots=True)
class Shopper:
    """A profile; the phone number is sealed."""

    shopper_id: int
    user_name: str | None
    email: str | None
    phone_sealed: bytes
    is_profile_complete: bool
    created_at: datetime
    food_type_ids: list[int]
    allergen_ids: list[int]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a shopper may change; the first food type and allergen are the ones that older apps show."""

    user_name: str | None
    email: str | None
    is_profile_complete: bool
    food_type_ids: Sequence[int]
    allergen_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Saved:
    """The profile is as asked."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Another shopper uses this address."""


@dataclass(frozen=True, slots=True)
class UnknownChoice:
    """A food type or allergen that does not exist."""


@dataclass(frozen=True, slots=True)
class ShopperSession:
    """One trip, for the export."""

    session_id: UUID
    cart_id: int
    store_id: int
    status: str
    total_items: int
    total_minor: int
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Traces:
    """What we hold about a shopper besides profile, list, trips and orders."""

    logins: list[dict[str, Any]]
    pairing_tries: list[dict[str, Any]]
    keyed_requests: list[dict[str, Any]]
    code_sends: list[dict[str, Any]]


def upsert_shopper(tx: Tx, phone_hash: bytes, phone_sealed: bytes) -> Login:
    """The shopper of this number, new or known."""
    row = tx.execute(sql("upsert_shopper"), {"phone_hash": phone_hash, "phone_sealed": phone_sealed}).fetchone()
    assert row is not None
    return Login(*row)


def find_or_make_shopper(
    tx: Tx, phone_hash: bytes, older_hashes: Sequence[bytes], phone_sealed: bytes
) -> tuple[Login, list[EndedLogin]]:
    """The shopper of a number, new or known, also one that an older version kept under another spelling of it.

    An account found so takes the number's one hash. Of several the one that has it stays, else one that holds a cart,
    else the oldest: orders, past trips, list and allergies of the others come to it, and they are deleted; gives what
    ended so. One that holds a cart meanwhile is left until its trip is over.
    """
    found = tx.execute(
        sql("lock_shoppers_of_spellings"), {"phone_hash": phone_hash, "older_hashes": list(older_hashes)}
    ).fetchall()
    joined = []
    if found:
        (kept, has_it, _), *others = found
        if not has_it:
            tx.execute(sql("give_shopper_number"), {"shopper_id": kept, "phone_hash": phone_hash})
        for other in [shopper_id for shopper_id, _, holds_cart in others if not holds_cart]:
            both = {"kept": kept, "other": other}
            for move in ("move_orders", "move_trips", "move_checklist", "move_allergens", "move_name"):
                tx.execute(sql(move), both)
            joined.append(EndedLogin(other, None))
            end_login(tx, joined[-1])
            tx.execute(sql("delete_shopper"), {"shopper_id": other})
    return upsert_shopper(tx, phone_hash, phone_sealed), joined


def find_shopper(tx: Tx, shopper_id: int) -> Shopper | None:
    """A profile, or None for a shopper who is gone."""
    with tx.cursor(row_factory=class_row(Shopper)) as cursor:
        return cursor.execute(sql("find_shopper"), {"shopper_id": shopper_id}).fetchone()


def save_profile(tx: Tx, shopper_id: int, profile: Profile) -> Saved | EmailTaken | UnknownChoice:
    """Replace the profile whole; nothing of it is changed when a part is refused."""
    who = {"shopper_id": shopper_id}
    try:
        with tx.transaction():
            tx.execute(
                sql("update_shopper"),
                {
                    **who,
                    "user_name": profile.user_name,
                    "email": profile.email,
                    "is_profile_complete": profile.is_profile_complete,
                },
            )
            tx.execute(sql("delete_shopper_food_types"), who)
            tx.execute(sql("insert_shopper_food_types"), {**who, "ids": list(profile.food_type_ids)})
            tx.execute(sql("delete_shopper_allergens"), who)
            tx.execute(sql("insert_shopper_allergens"), {**who, "ids": list(profile.allergen_ids)})
    except errors.UniqueViolation as refused:
        if refused.diag.constraint_name == "one_shopper_per_email":
            return EmailTaken()
        raise
    except errors.ForeignKeyViolation:
        return UnknownChoice()
    return Saved()


def erase_shopper(tx: Tx, shopper_id: int) -> None:
    """Delete the person; sessions and orders stay without them. An open session must have been ended before."""
    who = {"shopper_id": shopper_id}
    row = tx.execute(sql("lock_shopper"), who).fetchone()
    if row is None:
        return
    tx.execute(sql("release_shopper_from_sessions"), who)
    tx.execute(sql("release_shopper_from_orders"), who)
    tx.execute(sql("delete_challenges_of_number"), {"phone_hash": row[0]})
    tx.execute(sql("delete_code_failures_of_number"), {"phone_hash": row[0]})
    tx.execute(sql("delete_shopper"), who)


def list_sessions_of_shopper(tx: Tx, shopper_id: int) -> list[ShopperSession]:
    """All trips, newest first."""
    with tx.cursor(row_factory=class_row(ShopperSession)) as cursor:
        return cursor.execute(sql("list_sessions_of_shopper"), {"shopper_id": shopper_id}).fetchall()


def list_traces(tx: Tx, shopper_id: int) -> Traces:
    """The technical rest of what we hold about a shopper."""
    who = {"shopper_id": shopper_id}
    phone_hash = tx.execute(sql("lock_shopper"), who).fetchone()
    with tx.cursor(row_factory=dict_row) as cursor:
        return Traces(
            logins=cursor.execute(sql("list_logins_of_shopper"), who).fetchall(),
            pairing_tries=cursor.execute(sql("list_pairing_tries_of_shopper"), who).fetchall(),
            keyed_requests=cursor.execute(sql("list_keyed_requests_of_shopper"), who).fetchall(),
            code_sends=cursor.execute(
                sql("list_code_sends_to_number"), {"phone_hash": phone_hash[0] if phone_hash else None}
            ).fetchall(),
        )
