"""One cart's rows in memory: does what the database layer does with a change, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from shared.domain.cart_record import (
    Arrival,
    CartRecord,
    Change,
    Entry,
    Verdict,
    close_session,
    open_session,
    refold,
    settle,
    settle_phone_change,
)
from shared.domain.frontier import give_up_gap
from shared.domain.session_cart import Fact, Key, Refusal, SessionCart
from tests.unit.domain.shop import NOON


@dataclass
class MemoryStore:
    """The log of one cart, its record, and the carts of its closed sessions."""

    record: CartRecord = field(default_factory=lambda: CartRecord(cart_id=7))
    log: dict[Key, Entry] = field(default_factory=dict)
    closed: dict[UUID, SessionCart] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    sessions_made: int = 0

    def arrive(self, arrivals: Iterable[Fact | Arrival]) -> Change:
        """One batch, as one transaction."""
        batch = [each if isinstance(each, Arrival) else Arrival(each) for each in arrivals]
        change = settle(self.record, batch, NOON, self.new_session_id)
        self.record = change.record
        for settled in change.settled:
            if settled.entry is None:
                self.received[settled.admission] += 1
            else:
                self.received["new"] += 1
                self._append(settled.entry)
        if change.must_refold:
            self.refold()
        return change

    def connect(self, shopper_id: int = 1) -> None:
        """A phone opens a session."""
        must_refold = self.record.has_unclaimed
        self.record = open_session(self.record, self.new_session_id(), shopper_id, NOON)
        if must_refold:
            self.refold()

    def change_by_phone(self, fact_at: Callable[[Key], Fact]) -> Entry:
        self.record, entry = settle_phone_change(self.record, fact_at)
        self.received["phone"] += 1
        self._append(entry)
        return entry

    def close(self) -> UUID:
        """Checkout, release or abandonment."""
        assert self.record.session is not None
        session_id = self.record.session.session_id
        self.closed[session_id] = self.record.session.cart
        self.record = close_session(self.record)
        return session_id

    def give_up_gap(self) -> None:
        self.record = replace(self.record, frontier=give_up_gap(self.record.frontier))

    def refold(self) -> None:
        """Fold the open session again and correct what the log says about its facts."""
        self.record, decisions = refold(self.record, self.facts_of_open_session())
        for key, refusal in decisions.items():
            verdict = Verdict.REFUSED if refusal else Verdict.APPLIED
            self.log[key] = self.log[key]._replace(verdict=verdict, reason=refusal)

    def facts_of_open_session(self) -> list[Fact]:
        """Rows with its id, and rows nobody had claimed when it opened."""
        session = self.record.session
        assert session is not None
        return [
            entry.fact
            for key, entry in self.log.items()
            if entry.session_id == session.session_id
            or (
                entry.session_id is None
                and key > session.after
                and entry.fact.type in ("weight", "remove")
                and entry.reason != Refusal.UNKNOWN_SESSION
            )
        ]

    @property
    def cart(self) -> SessionCart | None:
        return None if self.record.session is None else self.record.session.cart

    def verdicts(self) -> dict[Key, tuple[Verdict, str | None]]:
        return {key: (entry.verdict, entry.reason) for key, entry in sorted(self.log.items())}

    def new_session_id(self) -> UUID:
        self.sessions_made += 1
        return UUID(int=self.sessions_made)

    def _append(self, entry: Entry) -> None:
        assert entry.fact.key not in self.log, "the log's key decides what is new"
        self.log[entry.fact.key] = entry
