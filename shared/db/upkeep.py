"""What happens to carts although nobody touches them: idle trips end, old gaps are given up, pairing codes rotate. Each
chore looks first without a lock, then locks what it found and looks again, so that several may run at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.db.alerts import Alert, raise_alerts
from shared.db.cart_records import lock_carts, mark_incomplete, save_carts, save_sessions
from shared.db.queries import sql
from shared.db.sessions import close_locked_session, new_pairing_code
from shared.db.types import Tx
from shared.domain.frontier import give_up_gap


def abandon_idle_sessions(
    tx: Tx, idle_s: float, now: datetime, after: int = 0, limit: int = 100
) -> tuple[int, int | None]:
    """Close trips without an event for `idle_s` of running time, of at most `limit` carts beyond `after`; goods left in
    a cart call staff. Gives how many, and the last cart that was looked at when there may be more."""
    asked = {"idle_s": idle_s, "after": after, "limit": limit}
    listed = _cart_ids(tx, "list_idle_sessions", asked)
    carts = lock_carts(tx, listed) if listed else {}
    still_idle = carts.keys() & _cart_ids(tx, "list_idle_sessions", asked) if carts else set()
    for cart_id in sorted(still_idle):
        close_locked_session(tx, carts[cart_id], "abandoned", now)
    return len(still_idle), max(listed) if len(listed) == limit else None


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A cart that has not sent what is before its newest event; one that is offline may still have it."""

    store: str
    cart_id: int
    epoch: int
    seq: int
    is_online: bool


def list_open_gaps(tx: Tx, after: int = 0, limit: int = 1_000) -> list[OpenGap]:
    """What is missing of carts beyond `after` that have sent something later, in the order of their ids."""
    return [OpenGap(*row) for row in tx.execute(sql("list_open_gaps"), {"after": after, "limit": limit}).fetchall()]


def give_up_gaps(tx: Tx, watched: Collection[OpenGap], now: datetime) -> list[int]:
    """Move past those of these gaps that still stand although their cart is online: the trip is flagged incomplete and
    staff are called. Gives the carts.

    The caller has `watched` them for the whole time that a gap may stand, by a clock that nobody sets: what is moved
    past is settled for its cart, which then forgets it (docs/reliability.md R14).
    """
    ids = _cart_ids(tx, "list_online_carts", {"cart_ids": [gap.cart_id for gap in watched]})
    given_up = []
    for cart in lock_carts(tx, ids).values():
        missing = cart.record.frontier.first_missing
        if not cart.record.frontier.has_gap:
            continue
        if OpenGap(cart.store, cart.record.cart_id, *missing, is_online=True) not in watched:
            continue
        record = mark_incomplete(replace(cart.record, frontier=give_up_gap(cart.record.frontier)))
        save_sessions(tx, [(cart, record)], now)
        save_carts(tx, [(cart, record)], now)
        session_id = record.session.session_id if record.session else None
        detail = f"events from {missing[0]}/{missing[1]} never came"
        raise_alerts(tx, [Alert("gap", cart.store_id, record.cart_id, session_id, detail)], now)
        given_up.append(record.cart_id)
    return given_up


def rotate_pairing_codes(
    tx: Tx, shown_s: float, now: datetime, after: int = 0, limit: int = 100
) -> tuple[int, int | None]:
    """New codes for free carts that are online and have shown theirs for `shown_s` of running time, of at most `limit`
    beyond `after`. Gives how many, and the last cart that was looked at when there may be more."""
    listed = _cart_ids(tx, "list_old_pairing_codes", {"shown_s": shown_s, "after": after, "limit": limit})
    carts = sorted(lock_carts(tx, listed)) if listed else []
    if not carts:
        return 0, None
    codes = [new_pairing_code() for _ in carts]
    parameters = {"cart_ids": carts, "pairing_codes": codes, "shown_s": shown_s, "now": now}
    rotated = tx.execute(sql("rotate_pairing_codes"), parameters).rowcount
    return rotated, max(listed) if len(listed) == limit else None


def _cart_ids(tx: Tx, query: str, parameters: Mapping[str, object]) -> set[int]:
    return {cart_id for (cart_id,) in tx.execute(sql(query), parameters).fetchall()}
