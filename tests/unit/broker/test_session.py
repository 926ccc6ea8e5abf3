"""A session under any order of delivery, acknowledgement, loss of connection and congestion.

The laws: what was taken at QoS 1 or 2 is sent until it is acknowledged, in the order taken, marked DUP when it
was sent before, never more than a window at once.
"""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.embedded import packets
from broker.embedded.limits import ClientLimits
from broker.embedded.session import Message, Session

WINDOW = 3


@dataclass
class Ear:
    """A client's end of the wire: what it was sent and has not answered."""

    congested: bool = False
    publishes: list[tuple[int, bytes, bool, int]] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)

    def send(self, packet: bytes) -> None:
        frame = packets.next_frame(packet, 0, 16_384)
        assert frame is not None
        first, start, end = frame
        if first >> 4 == packets.PUBREL:
            self.releases.append(packets.decode_acknowledgement(packet[start:end]))
            return
        _, packet_id, payload = packets.decode_publish(first, packet[start:end])
        self.publishes.append((packet_id, payload, bool(first & 8), first >> 1 & 3))


class SessionUnderStress(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.session = Session("x", True, ClientLimits(inflight_max=WINDOW), Counter())
        self.ear: Ear | None = None
        self.taken: list[bytes] = []
        self.first_seen: list[bytes] = []
        self.acknowledged: set[bytes] = set()
        self.received: set[int] = set()

    @rule(qos=st.integers(1, 2))
    def take(self, qos: int) -> None:
        payload = b"%d" % len(self.taken)
        self.taken.append(payload)
        self.session.deliver(Message("t", b"t", payload, qos, False), qos)
        self._look()

    @precondition(lambda self: self.ear is None)
    @rule()
    def connect(self) -> None:
        expected = [seen for seen in self.first_seen if seen not in self.acknowledged]
        self.ear = Ear()
        self.session.connected(self.ear)
        again = [payload for _, payload, duplicate, _ in self.ear.publishes if duplicate]
        # What was received at QoS 2 is not sent again, only released.
        assert again == [payload for payload in expected if payload not in self._half_done()]
        self._look()

    @precondition(lambda self: self.ear is not None)
    @rule()
    def lose(self) -> None:
        self.session.disconnected()
        self.ear = None

    @precondition(lambda self: self.ear is not None and self.ear.publishes)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        assert self.ear is not None
        entry = self.ear.publishes.pop(data.draw(st.integers(0, len(self.ear.publishes) - 1)))
        packet_id, payload, _, qos = entry
        if qos == 1:
            assert self.session.acknowledged(packet_id)
            assert not self.session.acknowledged(packet_id), "once"
            self.acknowledged.add(payload)
        else:
            assert not self.session.acknowledged(packet_id), "PUBACK is for QoS 1"
            assert self.session.received(packet_id)
            self.half_done = {**getattr(self, "half_done", {}), packet_id: payload}
        self._look()

    @precondition(lambda self: self.ear is not None and self.ear.releases)
    @rule()
    def complete(self) -> None:
        assert self.ear is not None
        packet_id = self.ear.releases.pop(0)
        self.acknowledged.add(self.half_done.pop(packet_id))
        assert self.session.completed(packet_id)
        assert not self.session.completed(packet_id)
        self._look()

    @precondition(lambda self: self.ear is not None)
    @rule()
    def congest_and_go_on(self) -> None:
        assert self.ear is not None
        self.ear.congested = not self.ear.congested
        if not self.ear.congested:
            self.session.send_waiting()
        self._look()

    @invariant()
    def nothing_is_lost_or_reordered(self) -> None:
        if not hasattr(self, "taken"):
            return
        assert self.first_seen == self.taken[: len(self.first_seen)]
        on_the_way = len(self.first_seen) - len(self.acknowledged)
        assert on_the_way <= WINDOW
        assert self.session.waiting == len(self.taken) - len(self.first_seen)
        if self.ear is not None and not self.ear.congested:
            assert on_the_way == WINDOW or self.session.waiting == 0

    def _look(self) -> None:
        """Note messages seen for the first time."""
        if self.ear is not None:
            for _, payload, duplicate, _ in self.ear.publishes:
                if payload not in self.first_seen:
                    assert not duplicate
                    self.first_seen.append(payload)

    def _half_done(self) -> set[bytes]:
        return set(getattr(self, "half_done", {}).values())


TestSession = SessionUnderStress.TestCase
TestSession.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
