"""Rows of the log on their way into the table, and decisions that are written over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.cart_record import Entry, Verdict
from shared.domain.session_cart import Key


@dataclass(frozen=True, slots=True)
class EventRow:
    """A new entry with what the log keeps of its delivery."""

    cart_id: int
    entry: Entry
    source: str
    payload: bytes
    received_at: datetime
    weight_g: int | None = None
    device_at: datetime | None = None
    ts_suspect: bool = False


class LogDisagrees(RuntimeError):
    """The frontier called a number new that the log already holds: a bug, or a hand in the tables."""

    code = "log_disagrees"


def insert_event_rows(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Append these; raises LogDisagrees when the log holds one of them already."""
    if not rows:
        return
    inserted = tx.execute(sql("insert_events"), {"rows": json.dumps([_row(row) for row in rows])})
    if inserted.rowcount != len(rows):
        raise LogDisagrees(f"{len(rows) - inserted.rowcount} of {len(rows)} numbers were in the log already")


def _row(row: EventRow) -> dict[str, object]:
    entry = row.entry
    fact, product = entry.fact, entry.fact.product
    kept: dict[str, object] = {
        "cart_id": row.cart_id,
        "epoch": fact.key[0],
        "seq": fact.key[1],
        "sub": fact.key[2],
        "source": row.source,
        "type": fact.type,
        "session_id": entry.session_id and entry.session_id.hex,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "code": fact.code,
        "quantity": fact.quantity if fact.type in ("scan", "remove") else None,
        "weight_g": row.weight_g,
        "total_g": fact.total_g,
        "device_at": row.device_at and row.device_at.isoformat(),
        "ts_suspect": row.ts_suspect,
        "received_at": row.received_at.isoformat(),
        "payload_hex": row.payload.hex(),
    }
    if product is not None:
        kept["product_id"] = product.product_id
        kept["unit_price_minor"] = product.unit_price_minor
        kept["unit_paid_minor"] = product.unit_paid_minor
        kept["unit_weight_g"] = product.unit_weight_g
    return kept


@dataclass(frozen=True, slots=True)
class Decision:
    """What a session that was folded again says about an older row."""

    cart_id: int
    key: Key
    session_id: UUID
    verdict: Verdict
    reason: str | None


def update_verdicts(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Write decisions over older ones."""
    if not decisions:
        return
    tx.execute(
        sql("update_verdicts"),
        {
            "cart_ids": [decision.cart_id for decision in decisions],
            "epochs": [decision.key[0] for decision in decisions],
            "seqs": [decision.key[1] for decision in decisions],
            "subs": [decision.key[2] for decision in decisions],
            "session_ids": [decision.session_id for decision in decisions],
            "verdicts": [decision.verdict.value for decision in decisions],
            "reasons": [decision.reason for decision in decisions],
        },
    )


def find_first_payloads(tx: Tx, numbers: Sequence[tuple[int, int, int]]) -> Mapping[tuple[int, int, int], bytes]:
    """The bytes first seen under these (cart, epoch, seq); numbers older than the log's keeping time are absent."""
    if not numbers:
        return {}
    rows = tx.execute(
        sql("list_known_payloads"),
        {
            "cart_ids": [number[0] for number in numbers],
            "epochs": [number[1] for number in numbers],
            "seqs": [number[2] for number in numbers],
        },
    )
    return {(cart_id, epoch, seq): payload for cart_id, epoch, seq, payload in rows.fetchall()}
