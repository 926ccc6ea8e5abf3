"""The store's staff: accounts, logins with their limits, and the log of what was done."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from psycopg.rows import class_row

from shared.db.operator_passwords import HashedPassword
from shared.db.queries import sql
from shared.db.types import Tx

Role = Literal["staff", "manager"]
Action = Literal[
    "logged_in",
    "logged_out",
    "claimed_alert",
    "resolved_alert",
    "retried_dead_letter",
    "blocked_aisle",
    "unblocked_aisle",
]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")  # the constraint operator_names_are_plain
SESSION_LIFE = timedelta(hours=12)  # a shift and its handover
TRY_WINDOW = timedelta(minutes=10)
# Somebody who mistypes; a till room behind one address; an attack on one name from many addresses. Beyond any of them
# tries are slow, and never shut: see `count_login_try`.
MAX_TRIES_OF_BOTH, MAX_TRIES_FROM_ADDRESS, MAX_TRIES_FOR_NAME = 5, 30, 100
SLOW_TRY_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ListedOperator:
    """One who may log in."""

    name: str
    role: Role
    created_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is logged in."""

    operator_id: int
    name: str
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorPassword:
    """An operator with what the password is compared with."""

    operator_id: int
    name: str
    role: Role
    password: HashedPassword


@dataclass(frozen=True, slots=True)
class TryCounted:
    """The password may be compared."""


@dataclass(frozen=True, slots=True)
class TooManyLogins:
    """Too many wrong passwords for this name or from this source: the next one may be tried so much later."""

    retry_after_s: int


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """What somebody did. `subject_id` is the number of the alert, dead letter or block."""

    action_id: int
    operator: str
    action: Action
    subject_id: int | None
    cart_id: int | None
    detail: str
    at: datetime


def add_operator(tx: Tx, name: str, role: Role, password: HashedPassword, now: datetime) -> bool:
    """False when somebody has this name."""
    row = {"name": name, "role": role, "salt": password.salt, "hash": password.hash, "now": now}
    return tx.execute(sql("insert_operator"), row).fetchone() is not None


def list_operators(tx: Tx) -> list[ListedOperator]:
    """Everybody who may log in, by name."""
    return tx.cursor(row_factory=class_row(ListedOperator)).execute(sql("list_operators")).fetchall()


def remove_operator(tx: Tx, name: str, now: datetime) -> bool:
    """End the account and all its logins; False when there is none."""
    removed = tx.execute(sql("remove_operator"), {"name": name, "now": now}).fetchone()
    return _end_sessions(tx, removed)


def change_password(tx: Tx, name: str, password: HashedPassword) -> bool:
    """Another password ends all logins; False when there is no such operator."""
    row = {"name": name, "salt": password.salt, "hash": password.hash}
    return _end_sessions(tx, tx.execute(sql("change_operator_password"), row).fetchone())


def _end_sessions(tx: Tx, operator: tuple[int] | None) -> bool:
    if operator is None:
        return False
    tx.execute(sql("delete_sessions_of_operator"), {"operator_id": operator[0]})
    return True


def find_operator_password(tx: Tx, name: str) -> OperatorPassword | None:
    """What a password for this name is compared with."""
    row = tx.execute(sql("find_operator_password"), {"name": name}).fetchone()
    return OperatorPassword(row[0], row[1], row[2], HashedPassword(bytes(row[3]), bytes(row[4]))) if row else None


def count_login_try(tx: Tx, name: str, source_hash: bytes, now: datetime) -> TryCounted | TooManyLogins:
    """Count a try before it is made; commit it whatever comes out. The source is an address, or a browser in which this
    operator has logged in before.

    Beyond a bound each name may be tried from each source once in `SLOW_TRY_EVERY`, so that no stranger's wrong
    passwords shut out whoever knows the right one. One address then has at most 5 + 10 tries at one name in ten
    minutes, 1,445 a day, and a thousand addresses 1.5 million: a drawn password has 120 bits, a typed one at least 12
    characters.
    """
    hashes = {"name_hash": hash_name(name), "address_hash": source_hash}
    tx.execute(sql("lock_operator_logins"), {"key": int.from_bytes(source_hash[:8], "big", signed=True)})
    row = tx.execute(sql("count_login_tries"), {**hashes, "since": now - TRY_WINDOW}).fetchone()
    assert row is not None
    of_both, from_source, for_name, last_of_both = row
    slow = of_both >= MAX_TRIES_OF_BOTH or from_source >= MAX_TRIES_FROM_ADDRESS or for_name >= MAX_TRIES_FOR_NAME
    if slow and last_of_both is not None and last_of_both + SLOW_TRY_EVERY > now:
        return TooManyLogins(max(1, -int((now - last_of_both - SLOW_TRY_EVERY).total_seconds() // 1)))
    tx.execute(sql("insert_login_try"), {**hashes, "now": now})
    return TryCounted()


def open_session(tx: Tx, operator_id: int, token_hash: bytes, name: str, source_hash: bytes, now: datetime) -> None:
    """A login after a right password: tries are forgotten, old logins swept, the action recorded."""
    tx.execute(sql("forget_login_tries"), {"name_hash": hash_name(name), "address_hash": source_hash})
    tx.execute(sql("delete_old_login_tries"), {"before": now - TRY_WINDOW})
    tx.execute(sql("delete_old_operator_sessions"), {"now": now})
    tx.execute(
        sql("insert_operator_session"),
        {"token_hash": token_hash, "operator_id": operator_id, "now": now, "expires_at": now + SESSION_LIFE},
    )
    record_action(tx, operator_id, "logged_in", now)


def find_session(tx: Tx, token_hash: bytes, now: datetime) -> Operator | None:
    """Who is logged in with this token."""
    cursor = tx.cursor(row_factory=class_row(Operator))
    return cursor.execute(sql("find_operator_session"), {"token_hash": token_hash, "now": now}).fetchone()


def close_session(tx: Tx, operator_id: int, token_hash: bytes, now: datetime) -> None:
    """The end of one login."""
    tx.execute(sql("delete_operator_session"), {"token_hash": token_hash})
    record_action(tx, operator_id, "logged_out", now)


def record_action(
    tx: Tx,
    operator_id: int,
    action: Action,
    now: datetime,
    *,
    subject_id: int | None = None,
    cart_id: int | None = None,
    detail: str = "",
) -> None:
    """Write down who did what, in the transaction that does it."""
    row = {"operator_id": operator_id, "action": action, "now": now}
    tx.execute(
        sql("record_operator_action"), {**row, "subject_id": subject_id, "cart_id": cart_id, "detail": detail[:200]}
    )


def list_actions(tx: Tx, before: int | None, limit: int) -> list[LoggedAction]:
    """The newest first; `before` pages on."""
    cursor = tx.cursor(row_factory=class_row(LoggedAction))
    return cursor.execute(sql("list_operator_actions"), {"before": before, "limit": limit}).fetchall()


def hash_name(name: str) -> bytes:
    """A name as tries are counted by it."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
