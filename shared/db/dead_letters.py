"""What could not be accepted: kept with a reason and enough bytes to try again."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from shared.db.queries import sql
from shared.db.types import Tx

MAX_KEPT_BYTES = 8192  # the constraint dead_letters_are_bounded; the size of the whole is kept beside it

# Of one cart, and of everything that belongs to none together: a broken board sends thousands, all for the same reason.
KEPT_PER_HOUR = 200


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery to keep. `reason` is stable and a metric label; `detail` is for people."""

    topic: str
    payload: bytes
    reason: str
    detail: str = ""
    cart_id: int | None = None
    epoch: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as an operator sees it; `payload` holds at most MAX_KEPT_BYTES."""

    dead_letter_id: int
    topic: str
    cart_id: int | None
    epoch: int | None
    seq: int | None
    reason: str
    detail: str
    payload_bytes: int
    occurrences: int
    received_at: datetime
    last_seen_at: datetime
    retried_at: datetime | None
    outcome: str | None
    payload: bytes = b""


def insert_dead_letters(tx: Tx, letters: Sequence[DeadLetter], now: datetime) -> int:
    """Keep these; the same bytes on the same topic for the same reason are counted once more instead. Gives how many
    are beyond KEPT_PER_HOUR of their cart: of those only their number is kept."""
    if not letters:
        return 0
    times: Counter[tuple[bytes, str, str]] = Counter()
    first: dict[tuple[bytes, str, str], DeadLetter] = {}
    for letter in letters:
        identity = (hashlib.sha256(letter.payload).digest(), letter.topic, letter.reason)
        times[identity] += 1
        first.setdefault(identity, letter)
    kept = list(first.values())
    row = tx.execute(
        sql("insert_dead_letters"),
        {
            "now": now,
            "per_hour": KEPT_PER_HOUR,
            "topics": [letter.topic for letter in kept],
            "cart_ids": [letter.cart_id for letter in kept],
            "epochs": [letter.epoch for letter in kept],
            "seqs": [letter.seq for letter in kept],
            "reasons": [letter.reason for letter in kept],
            "details": [letter.detail for letter in kept],
            "payloads": [letter.payload[:MAX_KEPT_BYTES] for letter in kept],
            "payload_bytes": [len(letter.payload) for letter in kept],
            "payload_sha256s": [digest for digest, _, _ in first],
            "occurrences": [times[identity] for identity in first],
        },
    ).fetchone()
    return int(row[0]) if row else 0


def list_dead_letters(
    tx: Tx, *, reason: str | None = None, before: int | None = None, limit: int = 100
) -> list[KeptLetter]:
    """The newest first, without their bytes; `before` pages on."""
    cursor = tx.cursor(row_factory=class_row(KeptLetter))
    return cursor.execute(sql("list_dead_letters"), {"reason": reason, "before": before, "limit": limit}).fetchall()


def find_dead_letter(tx: Tx, dead_letter_id: int) -> KeptLetter | None:
    """One with its bytes."""
    cursor = tx.cursor(row_factory=class_row(KeptLetter))
    return cursor.execute(sql("find_dead_letter"), {"dead_letter_id": dead_letter_id}).fetchone()


def record_retry(tx: Tx, dead_letter_id: int, outcome: str, now: datetime) -> None:
    """Write down what became of a letter that was tried again."""
    tx.execute(sql("record_retry"), {"dead_letter_id": dead_letter_id, "outcome": outcome, "now": now})


def free_quarantined_number(tx: Tx, cart_id: int, epoch: int, seq: int, payload: bytes) -> None:
    """Let the number of this quarantined event be taken once more. The cart's row must be locked.

    A conflict's number belongs to another event, and stays its own.
    """
    number = {"cart_id": cart_id, "epoch": epoch, "seq": seq}
    freed = tx.execute(sql("release_quarantined_number"), {**number, "payload": payload})
    if freed.rowcount == 1:
        tx.execute(sql("skip_number"), number)


def delete_old_dead_letters(tx: Tx, keep_s: float, limit: int) -> int:
    """Forget at most `limit` letters not seen for `keep_s` of running time; gives how many."""
    row = tx.execute(sql("delete_old_dead_letters"), {"keep_s": keep_s, "limit": limit}).fetchone()
    return int(row[0]) if row else 0
