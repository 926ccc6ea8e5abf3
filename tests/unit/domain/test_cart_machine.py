"""One cart lives through anything in any order: after every step its cart is the fold of its facts, and all adds up."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.domain.cart_record import Arrival, Verdict
from shared.domain.frontier import MAX_AHEAD, MAX_EPOCH_JUMP
from shared.domain.session_cart import Fact, Key, Refusal, SessionCart, fold
from tests.unit.domain.memory_store import MemoryStore
from tests.unit.domain.naive import NaiveCart, NaiveFrontier, assert_same_frontier, rows_of
from tests.unit.domain.shop import KNOWN_PRODUCTS, QUANTITIES, facts_at, remove, scan

UNKNOWN_SESSION = UUID(int=10**9)
Believed = st.sampled_from(["nothing", "nothing", "nothing", "the open one", "a closed one", "an unknown one"])


@dataclass
class ClosedTrip:
    """A trip that is over: its cart then, and the keys between which its facts stand."""

    cart: SessionCart
    after: Key
    until: Key


@dataclass
class ExpectedCart:
    """What one cart should be, from the arrivals alone: no claiming, no fast path, no folding again."""

    frontier: NaiveFrontier = field(default_factory=NaiveFrontier)
    keys: set[Key] = field(default_factory=lambda: {(0, 0, 0)})
    closed: Key = (0, 0, 0)
    is_open: bool = False
    trip: dict[Key, Fact] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    without_effect: Counter[str] = field(default_factory=Counter)

    def arrive(self, arrival: Arrival) -> None:
        epoch, seq, _ = arrival.fact.key
        said = self.frontier.admit(epoch, seq)
        if said in ("known", "stale", "window"):
            self.without_effect[said] += 1
            return
        self.keys.add(arrival.fact.key)
        if arrival.fact.type == "unreadable":
            self.kept["quarantined"] += 1
        elif arrival.fact.key <= self.closed or arrival.is_closed_ref:
            self.kept["late"] += 1
        elif arrival.is_unknown_ref:
            self.kept["of an unknown trip"] += 1
        else:
            self.trip[arrival.fact.key] = arrival.fact
            self.kept["of a trip"] += 1
            self.is_open = self.is_open or arrival.fact.type == "scan"

    def change_by_phone(self, fact: Fact) -> None:
        self.keys.add(fact.key)
        self.trip[fact.key] = fact
        self.kept["of a trip"] += 1

    def close(self) -> None:
        self.closed = max(self.keys)
        self.is_open = False
        self.trip = {}

    @property
    def head(self) -> Key:
        return max(self.keys)


class CartMachine(RuleBasedStateMachine):
    """Arrivals in any order, duplicates, connects, phone changes, closes, gaps given up, storage resets."""

    store: MemoryStore
    expected: ExpectedCart
    closed_trips: dict[UUID, ClosedTrip]
    sent: int

    @initialize()
    def a_new_cart(self) -> None:
        self.store = MemoryStore()
        self.expected = ExpectedCart()
        self.closed_trips = {}
        self.sent = 0

    @rule(data=st.data(), offsets=st.lists(st.integers(-6, 4), min_size=1, max_size=5), believed=Believed)
    def events_arrive(self, data: st.DataObject, offsets: list[int], believed: str) -> None:
        epoch, newest = max(1, self.store.record.frontier.epoch), self.store.record.frontier.head_seq
        self._arrive([data.draw(facts_at((epoch, max(1, newest + offset), 0))) for offset in offsets], believed)

    @rule(data=st.data(), seqs=st.permutations(range(1, 6)), believed=Believed)
    def the_first_five_numbers_arrive(self, data: st.DataObject, seqs: list[int], believed: str) -> None:
        epoch = max(1, self.store.record.frontier.epoch)
        self._arrive([data.draw(facts_at((epoch, seq, 0))) for seq in seqs], believed)

    @rule(data=st.data(), raised_by=st.sampled_from([1, 2, MAX_EPOCH_JUMP, MAX_EPOCH_JUMP + 1]), seq=st.integers(1, 3))
    def storage_was_reset(self, data: st.DataObject, raised_by: int, seq: int) -> None:
        self._arrive([data.draw(facts_at((self.store.record.frontier.epoch + raised_by, seq, 0)))], "nothing")

    @rule(data=st.data(), seq=st.sampled_from([1, 2, MAX_AHEAD, 2**63 - 1]), lowered_by=st.integers(0, 1))
    def an_unlikely_number_arrives(self, data: st.DataObject, seq: int, lowered_by: int) -> None:
        epoch = max(0, self.store.record.frontier.epoch - lowered_by)
        self._arrive([data.draw(facts_at((epoch, seq, 0)))], "nothing")

    @precondition(lambda self: self.store.record.session is None)
    @rule()
    def a_phone_connects(self) -> None:
        self.store.connect()
        self.expected.is_open = True

    @precondition(lambda self: self.store.record.session is not None)
    @rule(product=KNOWN_PRODUCTS, quantity=QUANTITIES, takes_out=st.booleans())
    def the_phone_changes_the_cart(self, product: object, quantity: int, takes_out: bool) -> None:
        newest = self.expected.head
        make = remove if takes_out else scan
        entry = self.store.change_by_phone(lambda key: make(key, product, quantity))  # type: ignore[arg-type]
        assert entry.fact.key == (*newest[:2], newest[2] + 1)
        self.expected.change_by_phone(entry.fact)
        self.sent += 1

    @precondition(lambda self: self.store.record.session is not None)
    @rule()
    def the_trip_ends(self) -> None:
        session, cart = self.store.record.session, self.store.cart
        assert session is not None
        assert cart is not None
        session_id = self.store.close()
        self.expected.close()
        self.closed_trips[session_id] = ClosedTrip(cart, session.after, self.store.record.closed)

    @precondition(lambda self: self.store.record.frontier.has_gap)
    @rule()
    def the_gap_is_given_up(self) -> None:
        self.store.give_up_gap()
        self.expected.frontier.give_up_gap()

    @invariant()
    def the_open_cart_is_the_fold_of_its_facts(self) -> None:
        assert (self.store.cart is not None) == self.expected.is_open
        if self.store.cart is None:
            return
        naive = NaiveCart.of(self.expected.trip.values())
        assert rows_of(self.store.cart) == naive.rows
        assert self.store.cart.measured_g == naive.measured_g
        assert self.store.cart.next_line == naive.numbers_used + 1
        logged = fold(self.store.facts_of_open_session())
        assert logged[0] == self.store.cart
        for key, refusal in logged[1].items():
            verdict = Verdict.REFUSED if refusal else Verdict.APPLIED
            assert (self.store.log[key].verdict, self.store.log[key].reason) == (verdict, refusal)

    @invariant()
    def the_frontier_is_that_of_plain_sets(self) -> None:
        assert_same_frontier(self.store.record.frontier, self.expected.frontier)
        assert self.store.record.head == self.expected.head
        assert self.store.record.closed == self.expected.closed <= self.store.record.head

    @invariant()
    def everything_received_is_kept_once_or_told_why_not(self) -> None:
        assert self.sent == self.store.received.total()
        kept = Counter(entry.verdict for entry in self.store.log.values())
        assert self.sent == kept.total() + self.expected.without_effect.total()
        assert kept[Verdict.LATE] == self.expected.kept["late"]
        assert kept[Verdict.QUARANTINED] == self.expected.kept["quarantined"]
        unknown = [entry for entry in self.store.log.values() if entry.reason == Refusal.UNKNOWN_SESSION]
        assert len(unknown) == self.expected.kept["of an unknown trip"]
        assert {name: self.store.received[name] for name in ("known", "stale", "window")} == {
            name: self.expected.without_effect[name] for name in ("known", "stale", "window")
        }

    @invariant()
    def closed_trips_can_be_folded_again_from_the_log(self) -> None:
        """What `replay --verify` does: the log alone gives the cart that was paid for."""
        for session_id, trip in self.closed_trips.items():
            facts = [
                entry.fact
                for key, entry in self.store.log.items()
                if entry.verdict in (Verdict.APPLIED, Verdict.REFUSED)
                and trip.after < key <= trip.until
                and (
                    entry.session_id == session_id
                    or (
                        entry.session_id is None
                        and entry.fact.type in ("weight", "remove")
                        and entry.reason != Refusal.UNKNOWN_SESSION
                    )
                )
            ]
            assert fold(facts)[0] == trip.cart

    def _arrive(self, facts: list[Fact], believed: str) -> None:
        arrivals = [self._arrival(fact, believed) for fact in facts]
        self.store.arrive(arrivals)
        for arrival in arrivals:
            self.expected.arrive(arrival)
        self.sent += len(arrivals)

    def _arrival(self, fact: Fact, believed: str) -> Arrival:
        session = self.store.record.session
        if believed == "the open one" and session is not None:
            return Arrival(fact, session_ref=session.session_id)
        if believed == "a closed one" and self.closed_trips:
            return Arrival(fact, session_ref=max(self.closed_trips), is_closed_ref=True)
        if believed == "an unknown one":
            return Arrival(fact, session_ref=UNKNOWN_SESSION, is_unknown_ref=True)
        return Arrival(fact)


TestCartMachine = CartMachine.TestCase
TestCartMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
