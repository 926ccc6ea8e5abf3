"""Roles of which there is one holder per database, whatever the number of workers: advisory locks of a connection."""

from enum import IntEnum

from shared.db.queries import sql
from shared.db.types import Tx


class Singleton(IntEnum):
    """The numbers are ours to choose; nobody else locks on this database."""

    PUBLISHER = 0x736D0001
    HOUSEKEEPER = 0x736D0002
    GATEWAY_CHORES = 0x736D0003


def try_lead(connection: Tx, role: Singleton) -> bool:
    """Whether this connection holds the role from now on, until it ends. Ask once per connection."""
    row = connection.execute(sql("try_lead"), {"role": int(role)}).fetchone()
    return row is not None and bool(row[0])


def try_lead_once(tx: Tx, role: Singleton) -> bool:
    """Whether this transaction holds the role, until its end."""
    row = tx.execute(sql("try_lead_once"), {"role": int(role)}).fetchone()
    return row is not None and bool(row[0])
