"""What happens to carts although nobody touches them: idle trips end, old gaps are given up, pairing codes rotate. Each
chore looks first without a lock, then locks what it found and looks again, so that several may run at once.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from shared.db.alerts import Alert, raise_alerts
from shared.db.cart_records import lock_carts, mark_incomplete, save_carts, save_sessions
from shared.db.queries import sql
from shared.db.sessions import close_locked_session, new_pairing_code
from shared.db.types import Tx
from shared.domain.frontier import give_up_gap


def abandon_idle_sessions(tx: Tx, idle_since: datetime, now: datetime) -> int:
    """Close trips without an event since `idle_since`; goods left in a cart call staff. Gives how many."""
    carts = lock_carts(tx, _list_idle_carts(tx, idle_since))
    still_idle = carts.keys() & _list_idle_carts(tx, idle_since) if carts else set()
    for cart_id in sorted(still_idle):
        cart = carts[cart_id]
        session = cart.record.session
        assert session is not None, "it was listed as open under our lock"
        close_locked_session(tx, cart, "abandoned", now)
        if session.cart.lines:
            detail = f"{session.cart.total_items} pieces left in the cart"
            raise_alerts(tx, [Alert("abandoned", cart.store_id, cart_id, session.session_id, detail)], now)
    return len(still_idle)


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A cart that has not sent what is before its newest event; one that is offline may still have it."""

    store: str
    cart_id: int
    epoch: int
    seq: int
    is_online: bool


def list_open_gaps(tx: Tx) -> list[OpenGap]:
    """What is missing of carts that have sent something later."""
    return [OpenGap(*row) for row in tx.execute(sql("list_open_gaps")).fetchall()]


def give_up_old_gaps(tx: Tx, gap_since: datetime, now: datetime, watched: Collection[OpenGap]) -> list[int]:
    """Move past gaps that stand since before `gap_since` although the cart is online: the trip is flagged incomplete
    and staff are called. Gives the carts.

    Only those that the caller has `watched` for as long: by a clock that was set an hour wrong and then right, a gap of
    now stands since an hour, and what is moved past is settled for its cart, which then forgets it (RELIABILITY R14).
    """
    ids = [cart_id for (cart_id,) in tx.execute(sql("list_old_gaps"), {"gap_since": gap_since}).fetchall()]
    given_up = []
    for cart in lock_carts(tx, ids).values():
        if cart.gap_since is None or cart.gap_since >= gap_since:
            continue
        missing = cart.record.frontier.first_missing
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


def rotate_pairing_codes(tx: Tx, shown_since: datetime, now: datetime) -> int:
    """New codes for free carts that are online and have shown theirs since before `shown_since`."""
    rows = tx.execute(sql("list_old_pairing_codes"), {"shown_since": shown_since}).fetchall()
    carts = sorted(lock_carts(tx, [cart_id for (cart_id,) in rows])) if rows else []
    if not carts:
        return 0
    codes = [new_pairing_code() for _ in carts]
    parameters = {"cart_ids": carts, "pairing_codes": codes, "shown_since": shown_since, "now": now}
    return tx.execute(sql("rotate_pairing_codes"), parameters).rowcount


def _list_idle_carts(tx: Tx, idle_since: datetime) -> set[int]:
    return {cart_id for (cart_id,) in tx.execute(sql("list_idle_sessions"), {"idle_since": idle_since}).fetchall()}
