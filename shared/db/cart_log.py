"""Applies what carts said, exactly once: the one way into the log, for MQTT and for boards that speak HTTP.

One call is one transaction of the caller's. Carts are locked first, in id order; the frontier decides what is new;
the fold decides what it does to the cart; everything else is kept as a dead letter with its reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from shared.contracts.decode import Undecodable
from shared.db.alerts import Alert, AlertKind, raise_alerts
from shared.db.cart_memory import CartMemory
from shared.db.cart_records import (
    LockedCart,
    list_session_facts,
    lock_carts,
    mark_incomplete,
    save_carts,
    save_sessions,
)
from shared.db.dead_letters import DeadLetter, insert_dead_letters
from shared.db.event_rows import (
    Decision,
    EventRow,
    find_first_payloads,
    insert_event_rows,
    update_verdicts,
)
from shared.db.incoming import Incoming, arrival_of, code_of, number_of, row_of, same_content, session_ref_of
from shared.db.priced_products import Codes, ProductName, ask_codes
from shared.db.queries import sql
from shared.db.round_trips import in_one_go
from shared.db.types import Tx
from shared.domain.cart_record import CartRecord, Change, Entry, Verdict, refold, settle
from shared.domain.frontier import Admission
from shared.domain.session_cart import Refusal

DUPLICATE = "duplicate"


class Resend(NamedTuple):
    """A cart that should publish again from (epoch, seq) on."""

    store: str
    cart_id: int
    epoch: int
    seq: int


class Step(NamedTuple):
    """A cart one version further by nothing but facts that were applied to its open trip: what there is to say of it
    follows from what there was to say `after_version`. `cart` is as the commit leaves it."""

    after_version: int
    cart: LockedCart


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch came to. `outcomes` stand in the order of the deliveries: applied, refused, late, duplicate, or
    the reason of a dead letter; received = the sum of `counts`. `carts` are as the commit leaves them. `steps` are of
    those changed carts of which nothing else need be read, `names` of the products that the batch is about. Of `unkept`
    dead letters only the number is kept."""

    outcomes: tuple[str, ...]
    counts: Counter[str]
    changed_carts: frozenset[int]
    resends: tuple[Resend, ...]
    carts: tuple[LockedCart, ...] = ()
    steps: tuple[Step, ...] = ()
    names: Mapping[int, ProductName] = field(default_factory=dict)
    unkept: int = 0


def apply_events(
    tx: Tx,
    incoming: Sequence[Incoming],
    strays: Sequence[DeadLetter],
    now: datetime,
    worker: str,
    memory: CartMemory | None = None,
) -> Applied:
    """Apply a batch in the caller's transaction. `strays` are deliveries on topics that name no cart. With a `memory`
    only carts that somebody else has changed are loaded; after the commit the caller gives it `Applied.carts`. A few
    events are applied soonest inside a pipeline, many of them outside.

    Raises psycopg.Error; then nothing has happened and the same batch may be run again.
    """
    cart_ids = {one.cart_id for one in incoming}
    found = ask_codes(tx, {code for one in incoming if (code := code_of(one.event)) is not None})
    batch = _Batch(incoming, memory.lock(tx, cart_ids) if memory else lock_carts(tx, cart_ids), now)
    batch.turn_away()
    codes, names = found()
    batch.settle(codes, _find_session_states(tx, batch.session_refs()))
    batch.tell_duplicates_from_conflicts(find_first_payloads(tx, batch.known_numbers()))
    for cart_id, change in batch.to_refold():
        _refold(tx, batch, cart_id, change)
    saved = _save(tx, batch, strays, worker)
    return batch.result(strays, saved, names)


@dataclass
class _Batch:
    """The deliveries of one transaction on their way to an outcome each."""

    incoming: Sequence[Incoming]
    carts: Mapping[int, LockedCart]
    now: datetime
    outcomes: dict[int, str] = field(default_factory=dict)
    by_cart: dict[int, list[int]] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    rows: dict[int, EventRow] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    unkept: int = 0

    def turn_away(self) -> None:
        """Deliveries that belong to no cart of ours, or have no readable number, end here."""
        for index, one in enumerate(self.incoming):
            cart = self.carts.get(one.cart_id)
            if cart is None:
                self._bury(index, "unknown_cart", "no such cart")
            elif cart.store != one.store:
                self._bury(index, "wrong_store", f"cart {one.cart_id} belongs to another store")
            elif cart.is_revoked:
                self._bury(index, "revoked_cart", f"cart {one.cart_id} was revoked")
            elif isinstance(one.event, Undecodable) and one.event.key is None:
                self._bury(index, one.event.reason.value, one.event.detail)
            else:
                self.by_cart.setdefault(one.cart_id, []).append(index)

    def session_refs(self) -> set[tuple[UUID, int]]:
        """Sessions that carts name and that are not their open one."""
        refs = set()
        for cart_id, indexes in self.by_cart.items():
            session = self.carts[cart_id].record.session
            for index in indexes:
                ref = session_ref_of(self.incoming[index].event)
                if isinstance(ref, UUID) and (session is None or session.session_id != ref):
                    refs.add((ref, cart_id))
        return refs

    def settle(self, codes: Codes, is_open: Mapping[tuple[UUID, int], bool]) -> None:
        """Let each cart's deliveries happen in the order in which they came."""
        for cart_id, indexes in self.by_cart.items():
            record = self.carts[cart_id].record
            arrivals = [arrival_of(self.incoming[index], record, codes, is_open) for index in indexes]
            change = settle(record, arrivals, self.now, uuid4)
            if change.lost_gap:
                change = replace(change, record=mark_incomplete(change.record))
                self._alert("gap", cart_id, "the cart's storage was reset before a gap was closed")
            if change.passed_over:
                change = replace(change, record=mark_incomplete(change.record))
                self._alert("gap", cart_id, _passed_over(record, change.record))
            self.changes[cart_id] = change
            for index, settled in zip(indexes, change.settled, strict=True):
                if settled.entry is not None:
                    self.rows[index] = row_of(self.incoming[index], settled.entry)
                elif settled.admission is Admission.KNOWN:
                    self.known.append(index)
                else:
                    self._bury(index, settled.admission.value, "its number is outside the accepted window")

    def known_numbers(self) -> list[tuple[int, int, int]]:
        return [self._number(index) for index in self.known]

    def tell_duplicates_from_conflicts(self, payloads: Mapping[tuple[int, int, int], bytes]) -> None:
        """A known number with the same content is a duplicate; with other content the first wins."""
        if not self.known:
            return
        first = dict(payloads)
        for index in self.rows:
            first[self._number(index)] = self.rows[index].payload
        for index in self.known:
            one = self.incoming[index]
            known_as = first.get(self._number(index))
            if known_as is None or same_content(known_as, one):
                self.outcomes[index] = DUPLICATE
            else:
                self._bury(index, "conflict", "this number was used for another event")
                self._alert("conflict", one.cart_id, "one number, two different events")

    def to_refold(self) -> list[tuple[int, Change]]:
        return [(cart_id, change) for cart_id, change in self.changes.items() if change.must_refold]

    def changed(self) -> list[tuple[LockedCart, CartRecord]]:
        """Carts that learned something new."""
        fresh = {row.cart_id for row in self.rows.values()}
        return [(self.carts[cart_id], self.changes[cart_id].record) for cart_id in sorted(fresh)]

    def finish(self) -> None:
        """Turn each row's verdict into its delivery's outcome, and call staff where they are needed."""
        for index, row in self.rows.items():
            entry, one = row.entry, self.incoming[index]
            if isinstance(one.event, Undecodable):
                self._bury(index, one.event.reason.value, one.event.detail)
                continue
            self.outcomes[index] = entry.verdict
            if entry.verdict is Verdict.LATE:
                self._alert("late", one.cart_id, f"{entry.fact.type} after its session was closed", entry.session_id)
            elif entry.fact.type == "help":
                self._alert("help", one.cart_id, "the shopper calls for staff", entry.session_id)

    def result(
        self, strays: Sequence[DeadLetter], saved: Sequence[LockedCart], names: Mapping[int, ProductName]
    ) -> Applied:
        gaps = [
            Resend(cart.store, record.cart_id, *record.frontier.first_missing)
            for cart, record in ((self.carts[cart_id], change.record) for cart_id, change in self.changes.items())
            if record.frontier.has_gap
        ]
        outcomes = tuple(self.outcomes[index] for index in range(len(self.incoming)))
        counts = Counter(outcomes)
        counts.update(stray.reason for stray in strays)
        carts = {**self.carts, **{cart.record.cart_id: cart for cart in saved}}
        steps = self._steps(saved)
        return Applied(
            outcomes, counts, frozenset(self.changes), tuple(gaps), tuple(carts.values()), steps, names, self.unkept
        )

    def _steps(self, saved: Sequence[LockedCart]) -> tuple[Step, ...]:
        """Whatever shows in a state besides the cart itself, such as a notice, has to be read."""
        told = {row.cart_id for row in self.rows.values() if row.entry.verdict is not Verdict.APPLIED}
        steps = []
        for cart in saved:
            cart_id, session = cart.record.cart_id, cart.record.session
            before, change = self.carts[cart_id], self.changes[cart_id]
            same_trip = session and before.record.session and session.session_id == before.record.session.session_id
            if same_trip and cart_id not in told and not change.must_refold:
                steps.append(Step(before.version, cart))
        return tuple(steps)

    def _number(self, index: int) -> tuple[int, int, int]:
        one = self.incoming[index]
        return (one.cart_id, *number_of(one.event))

    def _bury(self, index: int, reason: str, detail: str) -> None:
        one = self.incoming[index]
        number = number_of(one.event) if not isinstance(one.event, Undecodable) or one.event.key else (None, None)
        cart_id = one.cart_id if one.cart_id in self.carts else None
        self.outcomes[index] = reason
        self.dead.append(DeadLetter(one.topic, one.payload, reason, detail, cart_id, *number))

    def _alert(self, kind: AlertKind, cart_id: int, detail: str, session_id: UUID | None = None) -> None:
        record = self.changes[cart_id].record if cart_id in self.changes else self.carts[cart_id].record
        if session_id is None and record.session is not None:
            session_id = record.session.session_id
        self.alerts.append(Alert(kind, self.carts[cart_id].store_id, cart_id, session_id, detail))


def _passed_over(before: CartRecord, after: CartRecord) -> str:
    epoch, seq = before.frontier.first_missing
    return f"events from {epoch}/{seq} to {after.frontier.epoch}/{after.frontier.seq} are younger than the backup"


def _find_session_states(tx: Tx, refs: set[tuple[UUID, int]]) -> dict[tuple[UUID, int], bool]:
    """For each known (session, cart): whether it is open."""
    if not refs:
        return {}
    asked = sorted(refs)
    rows = tx.execute(
        sql("find_session_states"),
        {"session_ids": [session_id for session_id, _ in asked], "cart_ids": [cart_id for _, cart_id in asked]},
    )
    return {(session_id, cart_id): is_open for session_id, cart_id, is_open in rows.fetchall()}


def _refold(tx: Tx, batch: _Batch, cart_id: int, change: Change) -> None:
    """Fold a session again from the log and from this batch, and write the decisions over the older ones."""
    session = change.record.session
    if session is None:
        return
    logged = list_session_facts(tx, cart_id, session.session_id, session.after)
    fresh = {
        row.entry.fact.key: index
        for index, row in batch.rows.items()
        if row.cart_id == cart_id and _belongs(row, session.session_id)
    }
    facts = [one.fact for one in logged] + [batch.rows[index].entry.fact for index in fresh.values()]
    record, decided = refold(change.record, facts)
    batch.changes[cart_id] = replace(change, record=record)
    for key, index in fresh.items():
        verdict = Verdict.REFUSED if decided[key] else Verdict.APPLIED
        row = batch.rows[index]
        entry = Entry(row.entry.fact, session.session_id, verdict, decided[key])
        batch.rows[index] = row._replace(entry=entry)
    for one in logged:
        reason = decided[one.fact.key]
        verdict = Verdict.REFUSED if reason else Verdict.APPLIED
        if (one.session_id, one.verdict, one.reason) != (session.session_id, verdict.value, reason):
            batch.decisions.append(Decision(cart_id, one.fact.key, session.session_id, verdict, reason))


def _belongs(row: EventRow, session_id: UUID) -> bool:
    """Whether a fresh row is of this session, or unclaimed and so taken in by it."""
    entry = row.entry
    if entry.session_id is not None or entry.verdict in (Verdict.LATE, Verdict.QUARANTINED):
        return entry.session_id == session_id and entry.verdict is not Verdict.LATE
    return entry.fact.type in ("weight", "remove") and entry.reason != Refusal.UNKNOWN_SESSION


def _save(tx: Tx, batch: _Batch, strays: Sequence[DeadLetter], worker: str) -> list[LockedCart]:
    batch.finish()
    changed = batch.changed()
    insert_event_rows(tx, list(batch.rows.values()))
    silent = set(batch.changes) - {record.cart_id for _, record in changed}
    duplicates = sum(1 for outcome in batch.outcomes.values() if outcome == DUPLICATE)
    with in_one_go(tx):
        save_sessions(tx, changed, batch.now)
        update_verdicts(tx, batch.decisions)
        saved = save_carts(tx, changed, batch.now)
        if silent:
            tx.execute(sql("request_publication"), {"cart_ids": sorted(silent)})
        batch.unkept = insert_dead_letters(tx, [*batch.dead, *strays], batch.now)
        raise_alerts(tx, batch.alerts, batch.now)
        tx.execute(
            sql("count_deliveries"),
            {"worker": worker, "received": len(batch.incoming) + len(strays), "duplicates": duplicates},
        )
    return saved
