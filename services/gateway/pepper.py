"""Whether this gateway's pepper is the one under which its database keeps phone numbers."""

import psycopg

from services.gateway.phones import PhoneVault
from shared.db.pepper import find_mark, find_sealed_number, keep_mark, mark_of

WRONG_PEPPER = (
    "CODE_PEPPER: not the one under which this database keeps phone numbers; under another one every known shopper is a"
    " stranger: set the old one again"
)


def find_wrong_pepper(database_url: str, pepper: str) -> str | None:
    """Why the gateway must not start, in one line; None when it may, or when no database answers.

    The first pepper is remembered by its mark. A database without a mark was made before there were any: then the
    last known number must open.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=3) as tx, tx.transaction():
            if find_mark(tx) is None and _is_strange(find_sealed_number(tx), pepper):
                return WRONG_PEPPER
            keep_mark(tx, pepper)
            return None if find_mark(tx) == mark_of(pepper) else WRONG_PEPPER
    except psycopg.Error:
        return None


def _is_strange(sealed: bytes | None, pepper: str) -> bool:
    return sealed is not None and PhoneVault(pepper).open_number(sealed) is None
