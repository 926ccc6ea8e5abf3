"""What a backup says of a database, and what has to happen to one that was restored before anybody works on it.

The backup does not know what was said, shown and given out after it. Carts and phones do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.db.alerts import Alert, raise_alerts
from shared.db.migrate import apply_pending_migrations, list_migrations
from shared.db.queries import sql
from shared.db.types import Tx

# Carts drop a state whose version is not above the newest they have shown. A cart at an event a second needs 30 years
# for so many; two restores stay below 2^31, and nine million within the integers of JSON.
VERSIONS = 1_000_000_000
# What may have been given out after the backup. Identities are 32 bits wide: room for two thousand restores.
SHOPPERS = ORDERS = 1_000_000
CARTS = 1_000
RECEIPTS = 10_000


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A row of the schema's history."""

    name: str
    digest: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the database that stays visible to others, as `snapshot`, while the transaction is open."""

    snapshot: str
    at: datetime
    server_version: str
    schema: tuple[AppliedMigration, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Readied:
    """What was done to a restored database. `trips` were open in the backup and are flagged incomplete."""

    carts: int
    trips: int
    logins: int
    codes: int


def read_moment(tx: Tx) -> Moment:
    """Everything that a manifest tells, of one moment: the transaction reads one snapshot from here on."""
    tx.execute(sql("read_only_snapshot"))
    row = tx.execute(sql("export_snapshot")).fetchone()
    assert row is not None
    schema = tuple(AppliedMigration(*one) for one in tx.execute(sql("list_applied_migrations")).fetchall())
    snapshot, at, server_version = row
    return Moment(snapshot, at, server_version, schema, count_what_is_kept(tx))


def count_what_is_kept(tx: Tx) -> dict[str, int]:
    """Rows by what they are: carts, sessions, orders, shoppers, events."""
    cursor = tx.execute(sql("count_what_is_kept"))
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return {column.name: count for column, count in zip(cursor.description, row, strict=True)}


def is_empty(tx: Tx) -> bool:
    """Whether nobody has made anything in this database."""
    return tx.execute(sql("count_objects")).fetchone() == (0,)


def unknown_migrations(schema: Sequence[AppliedMigration]) -> list[str]:
    """Names of migrations that this program does not have, or has with another text."""
    ours = {migration.name: migration.digest for migration in list_migrations()}
    return [one.name for one in schema if ours.get(one.name) != one.digest]


def take_up_again(tx: Tx, schema: Sequence[AppliedMigration], backup_at: datetime, now: datetime) -> Readied:
    """Bring restored tables to this program's schema, lift what was shown or given out since the backup, end what may
    have ended since, and call staff to the trips that were under way.

    The backup leaves the rows of `schema_migration` out: until this transaction commits, no program of ours starts on
    the database.
    """
    for one in schema:
        tx.execute(sql("note_migration"), {"name": one.name, "digest": one.digest, "applied_at": one.applied_at})
    apply_pending_migrations(tx)
    carts = tx.execute(sql("lift_carts"), {"versions": VERSIONS}).rowcount
    open_trips = tx.execute(sql("flag_open_sessions")).fetchall()
    detail = f"restored from the backup of {backup_at:%Y-%m-%d %H:%M} UTC: what was done since may be missing"
    alerts = [Alert("gap", store_id, cart_id, session_id, detail) for store_id, cart_id, session_id in open_trips]
    raise_alerts(tx, alerts, now)
    logins = tx.execute(sql("revoke_all_refresh_tokens"), {"now": now}).rowcount
    codes = tx.execute(sql("use_up_all_codes"), {"now": now}).rowcount
    tx.execute(sql("end_all_operator_sessions"))
    tx.execute(sql("lift_numbers"), {"carts": CARTS, "shoppers": SHOPPERS, "orders": ORDERS})
    tx.execute(sql("lift_receipt_numbers"), {"receipts": RECEIPTS})
    return Readied(carts, len(open_trips), logins, codes)
