"""Scans from boards that cannot speak MQTT: the same log, the same rules, one event a request."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.events import Scan
from shared.db.cart_log import apply_events
from shared.db.cart_records import lock_carts
from shared.db.incoming import Incoming
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.device_secret import hash_secret, new_secret, secret_matches

WORKER = "gateway"
TOPIC = "http"
_NOBODY = hash_secret(new_secret())


@dataclass(frozen=True, slots=True)
class Number:
    """The board's own number of an event."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The event is in the cart, now or since it was first sent."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The event is kept, without effect on the cart; `reason` as in notices and dead letters."""

    reason: str


def find_store_of_device(tx: Tx, cart_id: int, secret: str, now: datetime) -> str | None:
    """The store of a cart whose secret this is; None for a wrong secret, an unknown or a revoked cart."""
    row = tx.execute(sql("find_cart_credential"), {"cart_id": cart_id}).fetchone()
    if row is None:
        secret_matches(secret, _NOBODY)  # the same work, so that the time tells nothing
        return None
    store: str = row[0]
    _, current, previous, previous_until = row
    if secret_matches(secret, bytes(current)):
        return store
    if previous is not None and previous_until > now and secret_matches(secret, bytes(previous)):
        return store
    return None


def find_code_of_product(tx: Tx, product_id: int) -> str | None:
    """The code that stands for a product in the log."""
    row = tx.execute(sql("find_code_of_product"), {"product_id": product_id}).fetchone()
    return row[0] if row else None


def apply_http_scan(
    tx: Tx, cart_id: int, store: str, code: str, weight_g: int | None, number: Number | None, now: datetime
) -> Taken | NotTaken:
    """Apply one scan; commit whatever comes out, because what was refused is kept too.

    A board without numbers gets the next one: then a repeat is another scan.
    """
    if number is None:
        frontier = lock_carts(tx, [cart_id])[cart_id].record.frontier
        number = Number(max(1, frontier.epoch), frontier.head_seq + 1)
    scan = Scan(epoch=number.epoch, seq=number.seq, code=code, weight_g=weight_g, at=None)
    payload = scan.model_dump_json(exclude_none=True).encode()
    incoming = Incoming(TOPIC, store, cart_id, payload, scan, now, source="http")
    outcome = apply_events(tx, [incoming], [], now, WORKER).outcomes[0]
    if outcome not in ("applied", "refused", "late", "duplicate"):
        return NotTaken(outcome)
    said = tx.execute(sql("find_verdict"), {"cart_id": cart_id, "epoch": number.epoch, "seq": number.seq}).fetchone()
    # A number that was given up, or is older than the log, is a duplicate without a row.
    if said is None or said[0] == "applied":
        return Taken()
    return NotTaken(said[1] or said[0])
