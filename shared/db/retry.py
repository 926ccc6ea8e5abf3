"""Tries a dead letter again with the same number: after a fix of ours, or when the cart is welcome now."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.channels import EVENTS
from shared.contracts.decode import decode_event
from shared.db.cart_log import apply_events
from shared.db.cart_records import lock_carts
from shared.db.dead_letters import (
    KeptLetter,
    find_dead_letter,
    free_quarantined_number,
    record_retry,
)
from shared.db.incoming import Incoming
from shared.db.queries import sql
from shared.db.types import Tx

RETRY_WORKER = "retry"


@dataclass(frozen=True, slots=True)
class Retried:
    """What it came to: applied, refused, late, duplicate, or the reason why it stays dead."""

    outcome: str


@dataclass(frozen=True, slots=True)
class NoSuchLetter:
    pass


@dataclass(frozen=True, slots=True)
class NotRetriable:
    """Its bytes were cut, or its topic names no cart's events."""

    why: str


def retry_dead_letter(tx: Tx, dead_letter_id: int, now: datetime) -> Retried | NoSuchLetter | NotRetriable:
    """Apply the kept bytes as if the cart had sent them again. Running it twice changes nothing the second time."""
    letter = find_dead_letter(tx, dead_letter_id)
    if letter is None:
        return NoSuchLetter()
    ids = EVENTS.parse(letter.topic)
    if ids is None or not ids["cart"].isdecimal():
        return NotRetriable("its topic is not one of a cart's events")
    if letter.payload_bytes != len(letter.payload):
        return NotRetriable("only its beginning was kept")
    cart_id = int(ids["cart"])
    _free_number(tx, letter, cart_id)
    event = decode_event(letter.payload, cart_id)
    incoming = Incoming(letter.topic, ids["store"], cart_id, letter.payload, event, now)
    applied = apply_events(tx, [incoming], [], now, RETRY_WORKER)
    record_retry(tx, dead_letter_id, applied.outcomes[0], now)
    return Retried(applied.outcomes[0])


def _free_number(tx: Tx, letter: KeptLetter, cart_id: int) -> None:
    """The quarantined row of this very event gives its number back; a number that was taken by another stays taken."""
    if letter.epoch is None or letter.seq is None:
        return
    if lock_carts(tx, [cart_id]):
        free_quarantined_number(tx, cart_id, letter.epoch, letter.seq, letter.payload)
        tx.execute(sql("bump_version"), {"cart_id": cart_id})
