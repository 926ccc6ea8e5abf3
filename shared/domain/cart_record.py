"""What one cart knows of its events and its open session, and how arrivals change that. Pure: the store loads a
record, lets `settle` decide, and writes the change back in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.domain.frontier import Admission, Frontier, admit, within_reach
from shared.domain.session_cart import Fact, Key, Refusal, SessionCart, fold, step


class Verdict(StrEnum):
    """What the log says about a fact."""

    APPLIED = "applied"
    REFUSED = "refused"
    LATE = "late"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The trip a cart is on. It takes in the cart's facts after `after`, and those that name it."""

    session_id: UUID
    after: Key
    shopper_id: int | None
    opened_at: datetime
    incomplete: bool = False
    cart: SessionCart = field(default_factory=SessionCart)


@dataclass(frozen=True, slots=True)
class CartRecord:
    """One cart. `closed` is the newest key at the last close: what comes at or before it is late, unless it names the
    trip that is open now.

    `head_sub` counts the phone's changes behind the newest event. `has_unclaimed`: facts after `closed` belong to
    no session yet, and the next one to open takes them in. `restored`: this is from a backup, and the cart has said
    more since; until its next trip has ended, no number is too far ahead, and a trip that nobody knows is the open one.
    """

    cart_id: int
    frontier: Frontier = field(default_factory=Frontier)
    head_sub: int = 0
    closed: Key = (0, 0, 0)
    has_unclaimed: bool = False
    session: OpenSession | None = None
    restored: bool = False

    @property
    def head(self) -> Key:
        """The newest key this cart knows."""
        return self.frontier.epoch, self.frontier.head_seq, self.head_sub


class Arrival(NamedTuple):
    """An event that reached us, and what became of the session that it names, if it names one."""

    fact: Fact
    session_ref: UUID | None = None
    is_open_ref: bool = False
    is_closed_ref: bool = False
    is_unknown_ref: bool = False


class Entry(NamedTuple):
    """A new row of the log."""

    fact: Fact
    session_id: UUID | None
    verdict: Verdict
    reason: str | None


class Settled(NamedTuple):
    """How one arrival ended: `entry` is set when it was new."""

    admission: Admission
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Change:
    """The record after some arrivals. `must_refold`: the session's facts have to be folded again from the log,
    because something came out of order or because a new session takes in what nobody had claimed. `passed_over`: the
    restored frontier was moved past numbers that the cart has settled since the backup."""

    record: CartRecord
    settled: tuple[Settled, ...]
    must_refold: bool = False
    lost_gap: bool = False
    passed_over: bool = False


def settle(
    record: CartRecord, arrivals: Sequence[Arrival], now: datetime, new_session_id: Callable[[], UUID]
) -> Change:
    """Let `arrivals` of one cart happen, in the order in which they came.

    Entries of a change that must be folded again carry provisional verdicts; `refold` gives the true ones.
    """
    settled: list[Settled] = []
    must_refold = lost_gap = passed_over = False
    while len(settled) < len(arrivals):
        record = _settle_in_line(record, arrivals, settled)
        if len(settled) == len(arrivals):
            break
        arrival = arrivals[len(settled)]
        epoch, seq, _ = arrival.fact.key
        before = record.frontier
        frontier, admission = admit(before, epoch, seq)
        if admission is Admission.WINDOW and record.restored:
            frontier, admission = admit(within_reach(before, epoch, seq), epoch, seq)
            passed_over |= admission.is_new
        if not admission.is_new:
            settled.append(Settled(admission, None))
            continue
        lost_gap |= before.has_gap and frontier.epoch != before.epoch
        moved_head = frontier.epoch != before.epoch or frontier.head_seq != before.head_seq
        record = replace(record, frontier=frontier, head_sub=0 if moved_head else record.head_sub)
        record, entry, out_of_order = _assign(record, arrival, admission, now, new_session_id)
        must_refold |= out_of_order
        settled.append(Settled(admission, entry))
    return Change(record, tuple(settled), must_refold, lost_gap, passed_over)


def _settle_in_line(record: CartRecord, arrivals: Sequence[Arrival], settled: list[Settled]) -> CartRecord:
    """The common case, several times faster: the next numbers of a cart without a gap, on its open trip.

    Settles arrivals behind those in `settled` up to the first that is anything else; says of each what the rest of
    `settle` would say, and makes one record at the end instead of two for each.
    """
    session, frontier = record.session, record.frontier
    if session is None or frontier.ahead:
        return record
    (epoch, seq, _, skipped), session_id, cart = frontier, session.session_id, session.cart
    for arrival in arrivals[len(settled) :]:
        fact, _, is_open_ref, is_closed_ref, is_unknown_ref = arrival
        key = fact.key
        if key[1] != seq + 1 or key[0] != epoch or fact.type == "unreadable":
            break
        if is_closed_ref or is_unknown_ref or (key <= record.closed and not is_open_ref):
            break
        seq += 1
        cart, refusal = step(cart, fact)
        verdict = Verdict.REFUSED if refusal else Verdict.APPLIED
        settled.append(Settled(Admission.NEXT, Entry(fact, session_id, verdict, refusal)))
    if seq == frontier.seq:
        return record
    if cart is not session.cart:
        session = OpenSession(
            session_id, session.after, session.shopper_id, session.opened_at, session.incomplete, cart
        )
    return CartRecord(
        record.cart_id,
        Frontier(epoch, seq, (), skipped),
        0,
        record.closed,
        record.has_unclaimed,
        session,
        record.restored,
    )


def settle_phone_change(record: CartRecord, fact_at: Callable[[Key], Fact]) -> tuple[CartRecord, Entry]:
    """Put a change made on the phone behind the newest event of the open session; needs an open session."""
    assert record.session is not None, "a phone changes only the cart it holds"
    record = replace(record, head_sub=record.head_sub + 1)
    return _append(record, fact_at(record.head))


def open_session(record: CartRecord, session_id: UUID, shopper_id: int | None, now: datetime) -> CartRecord:
    """A new trip; it starts behind the last closed one and must be folded when `has_unclaimed` was set."""
    assert record.session is None, "a cart is on one trip at a time"
    session = OpenSession(session_id, record.closed, shopper_id, now)
    return replace(record, session=session, has_unclaimed=False)


def close_session(record: CartRecord) -> CartRecord:
    """The trip ends: everything known so far, and whatever still fills a gap below it, belongs to the past."""
    assert record.session is not None, "only an open trip ends"
    return replace(record, session=None, closed=record.head, has_unclaimed=False, restored=False)


def refold(record: CartRecord, facts: Sequence[Fact]) -> tuple[CartRecord, dict[Key, Refusal | None]]:
    """Fold the open session again from all its facts; gives the decision about each."""
    assert record.session is not None, "only an open session is folded again"
    cart, decisions = fold(facts)
    return replace(record, session=replace(record.session, cart=cart)), decisions


def _assign(
    record: CartRecord,
    arrival: Arrival,
    admission: Admission,
    now: datetime,
    new_session_id: Callable[[], UUID],
) -> tuple[CartRecord, Entry, bool]:
    """Give a new fact its session and its verdict; the flag says that the session must be folded again."""
    fact = arrival.fact
    if fact.type == "unreadable":
        return record, Entry(fact, None, Verdict.QUARANTINED, None), False
    if arrival.is_closed_ref or (fact.key <= record.closed and not arrival.is_open_ref):
        session_id = arrival.session_ref if arrival.is_closed_ref else None
        return record, Entry(fact, session_id, Verdict.LATE, "session_closed"), False
    if arrival.is_unknown_ref and not record.restored:
        return record, Entry(fact, None, Verdict.REFUSED, Refusal.UNKNOWN_SESSION), False
    claimed = False
    if record.session is None:
        if fact.type != "scan":
            unclaimed = replace(record, has_unclaimed=record.has_unclaimed or fact.type != "help")
            refusal = fact.refusal or (Refusal.NOT_IN_CART if fact.type == "remove" else None)
            verdict = Verdict.REFUSED if refusal else Verdict.APPLIED
            return unclaimed, Entry(fact, None, verdict, refusal), False
        claimed = record.has_unclaimed
        record = open_session(record, new_session_id(), None, now)
    record, entry = _append(record, fact)
    return record, entry, claimed or admission is Admission.FILLS_GAP


def _append(record: CartRecord, fact: Fact) -> tuple[CartRecord, Entry]:
    """The fast path: one more fact behind all others."""
    assert record.session is not None
    cart, refusal = step(record.session.cart, fact)
    if cart is not record.session.cart:
        record = replace(record, session=replace(record.session, cart=cart))
    verdict = Verdict.REFUSED if refusal else Verdict.APPLIED
    return record, Entry(fact, record.session.session_id, verdict, refusal)  # type: ignore[union-attr]
