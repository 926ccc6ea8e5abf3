"""Compares what the carts and shoppers remember with what the backend holds after a storm. Every finding is a
broken promise in one line: lost, phantom, altered, refused, different, stale, backwards …"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from services.cart_ingest.state_message import to_state_message
from shared.contracts.state import CartState
from shared.db.cart_states import read_cart_snapshots
from shared.db.replay import verify_log
from tests.storms.crew import POISON_CODE, Crew, Hand
from tests.storms.stage import Stage

CURRENCY = "EUR"

Connection = psycopg.Connection[tuple[Any, ...]]


def find_broken_promises(crew: Crew, stage: Stage, connection: Connection) -> list[str]:
    """Everything that is not as it was promised; call it when all is settled and nobody shops any more."""
    found: list[str] = []
    for hand in crew.hands:
        found += _compare_events(hand, connection)
        found += _judge_trips(hand)
        if stage.broker == "embedded":
            found += _judge_display(hand)
    found += _compare_orders(crew, connection)
    found += _compare_log_with_tables(crew, connection)
    found += _listen_to_parts(stage)
    found += stale_states(crew, connection)
    return found


def stale_states(crew: Crew, connection: Connection) -> list[str]:
    """Carts whose last received state is not what the database says now, version and content."""
    ids = [hand.cart.cart_id for hand in crew.hands]
    with connection.transaction():
        snapshots = {one.cart_id: one for one in read_cart_snapshots(connection, ids)}
    found = []
    for hand in crew.hands:
        said = to_state_message(snapshots[hand.cart.cart_id], CURRENCY, datetime.now(UTC), for_phone=False)
        truth, heard = CartState.model_validate_json(said), hand.device.last
        if heard is None or heard.model_copy(update={"at": truth.at}) != truth:
            shown = None if heard is None else heard.version
            found.append(f"stale: cart {hand.cart.cart_id} shows version {shown}, the database says {truth.version}")
    return found


def _compare_events(hand: Hand, connection: Connection) -> Iterator[str]:
    cart_id, numbered = hand.cart.cart_id, hand.journal.numbered
    rows = connection.execute(
        "SELECT epoch, seq, payload, verdict, coalesce(reason, '') FROM cart_event WHERE cart_id = %s AND sub = 0",
        (cart_id,),
    ).fetchall()
    logged = {(epoch, seq): (bytes(payload), verdict, reason) for epoch, seq, payload, verdict, reason in rows}
    for key in sorted(numbered.keys() - logged.keys()):
        yield f"lost: cart {cart_id} event {key}"
    for key in sorted(logged.keys() - numbered.keys()):
        yield f"phantom: cart {cart_id} event {key}"
    for key in sorted(numbered.keys() & logged.keys()):
        payload, verdict, reason = logged[key]
        if payload != numbered[key]:
            yield f"altered: cart {cart_id} event {key}"
        expected = "quarantined" if _is_poison(numbered[key]) else "applied"
        if verdict != expected:
            yield f"{verdict}: cart {cart_id} event {key} {reason}"
    if len(hand.journal):
        yield f"unsettled: cart {cart_id} holds {len(hand.journal)} events"


def _judge_trips(hand: Hand) -> Iterator[str]:
    for result in hand.results:
        for one in result.differences:
            yield f"different: trip {one.trip}, {one.what}: ours {one.ours}, theirs {one.theirs}"
        if result.outcome == "unfinished":
            yield f"unfinished: trip {result.trip}: {result.reason}"


def _judge_display(hand: Hand) -> Iterator[str]:
    """Not after Mosquitto was killed: it comes back with states that are a second old, and carts drop them."""
    for before, after in hand.device.regressions:
        yield f"backwards: cart {hand.cart.cart_id} was shown version {after} after {before}"


def _compare_orders(crew: Crew, connection: Connection) -> Iterator[str]:
    paid = sum(result.ordered for hand in crew.hands for result in hand.results)
    row = connection.execute("SELECT count(*), count(DISTINCT session_id) FROM purchase_order").fetchone()
    if row != (paid, paid):
        yield f"orders: shoppers paid {paid} times, the store has {row}"
    left = connection.execute("SELECT session_id FROM cart_session WHERE status = 'open'").fetchall()
    if left:
        yield f"orders: {len(left)} trips are still open"


def _compare_log_with_tables(crew: Crew, connection: Connection) -> Iterator[str]:
    with connection.transaction():
        verified = verify_log(connection, lambda done: None)
    for one in verified.differences:
        yield f"replay: cart {one.cart_id}, {one.what}: tables {one.in_tables}, log {one.in_log}"
    if not verified.conservation.holds:
        yield f"conservation: {verified.conservation}"
    rows = connection.execute("SELECT cart_id, epoch, seq, payload, reason FROM dead_letter").fetchall()
    kept = {(cart_id, (epoch, seq)): bytes(payload) for cart_id, epoch, seq, payload, reason in rows}
    poison = {
        (hand.cart.cart_id, key): payload
        for hand in crew.hands
        for key, payload in hand.journal.numbered.items()
        if _is_poison(payload)
    }
    for cart_id, key in sorted(kept.keys() ^ poison.keys(), key=str):
        yield f"dead letters: cart {cart_id} event {key}, poison {(cart_id, key) in poison}"
    for cart_id, key in sorted(kept.keys() & poison.keys()):
        if kept[cart_id, key] != poison[cart_id, key]:
            yield f"dead letters: cart {cart_id} event {key} is not kept as it came"


def _is_poison(payload: bytes) -> bool:
    return POISON_CODE.encode() in payload


def _listen_to_parts(stage: Stage) -> Iterator[str]:
    for line in stage.log("postgres").splitlines():
        if "deadlock detected" in line:
            yield f"deadlocks: {line}"
    yield from stage.wire.findings
