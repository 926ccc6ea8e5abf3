"""Rows of the log on their way into the table, and decisions that are written over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import UniqueViolation

from shared.db.queries import sql
from shared.db.round_trips import is_in_pipeline
from shared.db.types import Tx
from shared.domain.cart_record import Entry, Verdict
from shared.domain.session_cart import Key, PricedProduct


class EventRow(NamedTuple):
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
    """Append these. When the log holds one of them already this raises LogDisagrees, or the end of the pipeline that it
    is called in raises UniqueViolation."""
    if not rows:
        return
    if is_in_pipeline(tx):
        tx.cursor().executemany(sql("insert_event"), [_columns(row) for row in rows])
        return
    try:
        with tx.cursor() as cursor, cursor.copy(sql("copy_events")) as copy:
            copy.write("".join([_copy_line(row) for row in rows]))
    except UniqueViolation as refusal:
        raise LogDisagrees(str(refusal.diag.message_detail)) from refusal


def _columns(row: EventRow) -> dict[str, object]:
    """The parameters of `insert_event`."""
    fact = row.entry.fact
    epoch, seq, sub = fact.key
    moves_goods = fact.type == "scan" or fact.type == "remove"
    product = _NO_COLUMNS if fact.product is None else fact.product._asdict()
    return {
        "cart_id": row.cart_id,
        "epoch": epoch,
        "seq": seq,
        "sub": sub,
        "source": row.source,
        "type": fact.type,
        "session_id": row.entry.session_id,
        "verdict": row.entry.verdict.value,
        "reason": row.entry.reason,
        **product,
        "code": fact.code,
        "quantity": fact.quantity if moves_goods else None,
        "weight_g": row.weight_g,
        "total_g": fact.total_g,
        "device_at": row.device_at,
        "ts_suspect": row.ts_suspect,
        "received_at": row.received_at,
        "payload": row.payload,
    }


_NO_COLUMNS: dict[str, object] = dict.fromkeys(PricedProduct._fields)


def _copy_line(row: EventRow) -> str:
    """A row in COPY's text format, in the order of `copy_events`."""
    cart_id, entry, source, payload, received_at, weight_g, device_at, ts_suspect = row
    fact, session_id, verdict, reason = entry
    (epoch, seq, sub), kind, code, quantity, product, total_g, _ = fact
    moves_goods = kind == "scan" or kind == "remove"
    priced = _NO_PRODUCT if product is None else "\t".join([str(_or_null(value)) for value in product])
    return (
        f"{cart_id}\t{epoch}\t{seq}\t{sub}\t{source}\t{kind}\t{session_id.hex if session_id else _NULL}\t{verdict}"
        f"\t{_or_null(reason)}\t{priced}\t{_or_null(code and _escaped(code))}\t{quantity if moves_goods else _NULL}"
        f"\t{_or_null(weight_g)}\t{_or_null(total_g)}\t{_or_null(device_at)}\t{ts_suspect}\t{received_at}"
        f"\t\\\\x{payload.hex()}\n"
    )


_NULL = "\\N"
_NO_PRODUCT = "\t".join([_NULL] * len(PricedProduct._fields))


def _or_null(value: object) -> object:
    return _NULL if value is None else value


def _escaped(code: str) -> str:
    """Codes are printable by contract, but a barcode typed into the catalogue may be anything."""
    return code.translate(_ESCAPES) if "\\" in code or not code.isprintable() else code


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


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
