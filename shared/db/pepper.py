"""The mark of the pepper under which a database keeps phone numbers: another pepper would find nobody again."""

import hashlib
import hmac

import psycopg

from shared.db.queries import sql
from shared.db.types import Tx


def mark_of(pepper: str) -> bytes:
    """Tells peppers apart, and nothing else about them."""
    return hmac.digest(pepper.encode(), b"smartcart/mark", hashlib.sha256)


def find_mark(tx: Tx) -> bytes | None:
    """The mark of the pepper that counts here."""
    row = tx.execute(sql("find_pepper_mark")).fetchone()
    return None if row is None else bytes(row[0])


def keep_mark(tx: Tx, pepper: str) -> None:
    """Remember this pepper, unless somebody is known under another one."""
    tx.execute(sql("keep_pepper_mark"), {"mark": mark_of(pepper)})


def find_sealed_number(tx: Tx) -> bytes | None:
    """The number of whoever came last, sealed under the pepper in force at his last login."""
    row = tx.execute(sql("find_sealed_number")).fetchone()
    return None if row is None else bytes(row[0])


def give_up_old_pepper(database_url: str, pepper: str) -> None:
    """From now on this pepper counts; whoever is known under another one is a stranger."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(sql("replace_pepper_mark"), {"mark": mark_of(pepper)})
