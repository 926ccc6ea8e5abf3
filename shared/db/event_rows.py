"""Rows of the log on their way into the table, and decisions that are written over."""

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
    facts = [row.entry.fact for row in rows]
    products = [fact.product for fact in facts]
    inserted = tx.execute(
        sql("insert_events"),
        {
            "cart_ids": [row.cart_id for row in rows],
            "epochs": [fact.key[0] for fact in facts],
            "seqs": [fact.key[1] for fact in facts],
            "subs": [fact.key[2] for fact in facts],
            "sources": [row.source for row in rows],
            "types": [fact.type for fact in facts],
            "session_ids": [row.entry.session_id for row in rows],
            "verdicts": [row.entry.verdict.value for row in rows],
            "reasons": [row.entry.reason for row in rows],
            "product_ids": [product and product.product_id for product in products],
            "codes": [fact.code for fact in facts],
            "quantities": [fact.quantity if fact.type in ("scan", "remove") else None for fact in facts],
            "unit_prices": [product and product.unit_price_minor for product in products],
            "unit_paids": [product and product.unit_paid_minor for product in products],
            "unit_weights": [product and product.unit_weight_g for product in products],
            "weights": [row.weight_g for row in rows],
            "totals": [fact.total_g for fact in facts],
            "device_ats": [row.device_at for row in rows],
            "ts_suspects": [row.ts_suspect for row in rows],
            "received_ats": [row.received_at for row in rows],
            "payloads": [row.payload for row in rows],
        },
    )
    if inserted.rowcount != len(rows):
        raise LogDisagrees(f"{len(rows) - inserted.rowcount} of {len(rows)} numbers were in the log already")


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
