"""The broker's memory and its rules: sessions, subscriptions, retained messages, who takes over from whom.

No sockets here; a Connection asks, and everything happens at once, without awaiting: there is no moment in
which a message can fall between two subscribers (stock amqtt iterates a live dict across awaits).
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from broker.embedded.door import Door, Rights
from broker.embedded.limits import Limits
from broker.embedded.packets import SUBSCRIBE_REFUSED, Will
from broker.embedded.refusals import Refusals
from broker.embedded.session import Message, Session
from broker.embedded.subscriptions import Subscriptions, is_valid_filter
from shared.access import matches


class Client(Protocol):
    """A connection as the broker sees it."""

    @property
    def congested(self) -> bool: ...

    def send(self, packet: bytes) -> None: ...

    def check(self, now_s: float, now: datetime) -> None:
        """End itself when a time limit has passed or its rights no longer hold."""
        ...

    def end(self, reason: str, *, with_will: bool) -> None:
        """Close; says nothing more to the client."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


class Broker:
    """One broker; all calls come from the one event loop."""

    def __init__(self, door: Door, limits: Limits | None = None, now: Callable[[], datetime] = _now) -> None:
        self.door = door
        self.limits = limits or Limits()
        self.now = now
        self.counts: Counter[str] = Counter()
        self.refusals = Refusals()
        self._open: set[Client] = set()
        self._connected: dict[str, Client] = {}
        self._sessions: dict[str, Session] = {}
        self._offline_since_s: dict[str, float] = {}
        self._subscriptions: Subscriptions[Session] = Subscriptions()
        self._retained: dict[str, Message] = {}
        self._addresses: Counter[str] = Counter()

    # -- connections

    def welcome(self, client: Client, address: str) -> bool:
        """Count a new connection in; False when there are too many, in all or from this address."""
        per_address = self.limits.connections_per_address
        if len(self._open) >= self.limits.connections_max:
            self.counts["refused_too_many"] += 1
            return False
        if per_address is not None and not _is_loopback(address) and self._addresses[address] >= per_address:
            self.counts["refused_address_full"] += 1
            return False
        self._open.add(client)
        self._addresses[address] += 1
        self.counts["connections"] += 1
        return True

    def farewell(self, client: Client, address: str) -> None:
        """Count a connection out; once per connection, harmless for one that was never in."""
        if client in self._open:
            self._open.remove(client)
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    def check_clients(self) -> None:
        """Time limits, revoked rights, and sessions nobody came back for; call it a few times a second."""
        now_s, now = monotonic(), self.now()
        for client in list(self._open):
            client.check(now_s, now)
        for client_id, since_s in list(self._offline_since_s.items()):
            if now_s - since_s > self._sessions[client_id].limits.session_expiry_s:
                self.counts["sessions_expired"] += 1
                self._drop_session(self._sessions[client_id])

    def close_all(self) -> None:
        """The broker stops: connections end, wills stay silent."""
        for client in list(self._open):
            client.end("broker stops", with_will=False)

    @property
    def sizes(self) -> dict[str, int]:
        """How much is held right now."""
        return {
            "open": len(self._open),
            "connected": len(self._connected),
            "sessions": len(self._sessions),
            "retained": len(self._retained),
            "waiting": sum(session.waiting for session in self._sessions.values()),
        }

    # -- sessions

    def open_session(self, client_id: str, clean: bool, rights: Rights, client: Client) -> tuple[Session, bool]:
        """The session for an admitted client, and whether it existed; an older connection of it ends silently."""
        older = self._connected.pop(client_id, None)
        if older is not None:
            self.counts["taken_over"] += 1
            older.end("taken over", with_will=False)
        session = self._sessions.get(client_id)
        if session is not None and (clean or not session.persistent):
            self._drop_session(session)
            session = None
        present = session is not None
        if session is None:
            session = Session(client_id, not clean, rights.limits, self.counts)
            self._sessions[client_id] = session
        else:
            session.limits = rights.limits
            self._narrow(session, rights)
        self._offline_since_s.pop(client_id, None)
        self._connected[client_id] = client
        return session, present

    def leave_session(self, session: Session, client: Client, will: Message | None) -> None:
        """The connection has ended: the session waits or goes; then the will, when there is one, is heard."""
        session.disconnected()
        if self._connected.get(session.client_id) is client:
            del self._connected[session.client_id]
            if session.persistent:
                self._offline_since_s[session.client_id] = monotonic()
            else:
                self._drop_session(session)
        if will is not None:
            self.counts["wills"] += 1
            self.publish(will)

    def _narrow(self, session: Session, rights: Rights) -> None:
        """Take from an old session what its owner may no longer hear, for example after a move to another store."""
        for topic_filter in [known for known in session.filters if not rights.may_subscribe(known)]:
            self.unsubscribe(session, topic_filter)
        forbidden = frozenset(topic for topic in session.topics_held() if not rights.may_receive(topic))
        if forbidden:
            session.forget_topics(forbidden)

    def _drop_session(self, session: Session) -> None:
        for topic_filter in session.filters:
            self._subscriptions.remove(topic_filter, session)
        session.filters.clear()
        self._sessions.pop(session.client_id, None)
        self._offline_since_s.pop(session.client_id, None)

    # -- messages

    def subscribe(self, session: Session, rights: Rights, topic_filter: str, qos: int) -> int:
        """The SUBACK code for one filter: the QoS granted, or 0x80 when it is malformed, denied or one too many."""
        reason = _why_not_subscribed(session, rights, topic_filter)
        if reason is not None:
            self.counts["subscribe_denied"] += 1
            self.refusals.note(session.client_id, "subscribe", reason, topic_filter)
            return SUBSCRIBE_REFUSED
        session.filters[topic_filter] = qos
        self._subscriptions.add(topic_filter, session, qos)
        return qos

    def unsubscribe(self, session: Session, topic_filter: str) -> None:
        """End one subscription; what is already on its way still arrives (section 3.10.4)."""
        if session.filters.pop(topic_filter, None) is not None:
            self._subscriptions.remove(topic_filter, session)

    def send_retained(self, session: Session, rights: Rights, topic_filter: str, qos: int) -> None:
        """Retained messages for this filter of this client, and only those it may hear."""
        if "+" not in topic_filter and "#" not in topic_filter:
            found = [self._retained[topic_filter]] if topic_filter in self._retained else []
        else:
            found = [kept for topic, kept in self._retained.items() if matches(topic_filter, topic)]
        for kept in found:
            if rights.may_receive(kept.topic):
                session.deliver(kept, min(qos, kept.qos), retained=True)

    def publish(self, message: Message) -> None:
        """Keep it when retained, and hand it to everyone who hears its topic. The caller has checked the right."""
        if message.retain:
            self._retain(message)
        for session, granted in self._subscriptions.hearers(message.topic):
            session.deliver(message, granted if granted < message.qos else message.qos)

    def _retain(self, message: Message) -> None:
        if not message.payload:  # section 3.3.1.3: an empty retained message clears
            self._retained.pop(message.topic, None)
        elif message.topic in self._retained or len(self._retained) < self.limits.retained_max:
            self._retained[message.topic] = message
        else:
            self.counts["retained_full"] += 1


def _why_not_subscribed(session: Session, rights: Rights, topic_filter: str) -> str | None:
    """Why this filter is refused, None when it is not."""
    if not is_valid_filter(topic_filter):
        return "malformed_filter"
    if topic_filter.startswith("$share/"):  # one ingest worker here; shared subscriptions need another broker
        return "no_shared_subscriptions"
    if not rights.may_subscribe(topic_filter):
        return "not_granted"
    if topic_filter not in session.filters and len(session.filters) >= rights.limits.filters_max:
        return "too_many_filters"
    return None


def message_of(will: Will) -> Message:
    """A will as the message it becomes."""
    return Message(will.topic, will.topic.encode(), will.payload, will.qos, will.retain)


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
