"""One client's connection: bytes in, packets answered in order, time and rate limits kept.

The transport below may be TCP or WebSocket (`Link`). A packet that the standard forbids ends the connection
before anything happened; a publish or filter that the policy denies is answered, counted and goes nowhere.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol

import structlog

from broker.embedded import packets
from broker.embedded.allowance import Allowance
from broker.embedded.broker import Broker, message_of
from broker.embedded.door import Refusal, Rights, Unsure, connack_code
from broker.embedded.packets import Connect, MalformedPacket, UnsupportedProtocolLevel
from broker.embedded.session import Message, Session

log = structlog.get_logger()

REMEMBERED_TOPICS = 4_096
_EVERYDAY = frozenset(("disconnect", "connection lost", "taken over", "broker stops"))
# What costs us work and is not an answer to something we sent.
_RATED = frozenset((packets.PUBLISH, packets.SUBSCRIBE, packets.UNSUBSCRIBE, packets.PINGREQ))


class Link(Protocol):
    """A byte stream to one client."""

    def write(self, data: bytes) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def close(self, *, at_once: bool) -> None:
        """End it, after what was written has gone out unless `at_once`."""
        ...


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic this client publishes to, with what it may do there."""

    name: str
    raw: bytes
    allowed: bool
    may_retain: bool


class Connection:
    """The protocol of one connection (MQTT 3.1.1 chapters 3 and 4)."""

    def __init__(self, broker: Broker, link: Link, address: str) -> None:
        self.congested = False
        self._broker, self._link, self._address = broker, link, address
        self._limits = broker.limits
        self._loop = asyncio.get_running_loop()
        self._rights: Rights | None = None
        self._session: Session | None = None
        self._will: Message | None = None
        self._ended = False
        self._buffer = b""
        self._outbox: list[bytes] = []
        self._topics: dict[bytes, _Topic] = {}
        now_s = monotonic()
        self._heard_at_s = now_s
        self._silence_max_s = self._limits.connect_timeout_s
        self._congested_since_s = now_s
        self._throttled = False
        self._undecided = False  # a CONNECT waits for the carts' table
        self._allowance: Allowance | None = None
        self._handlers: dict[int, Callable[[bytes], None]] = {
            packets.PUBACK: self._on_puback,
            packets.PUBREC: self._on_pubrec,
            packets.PUBREL: self._on_pubrel,
            packets.PUBCOMP: self._on_pubcomp,
            packets.SUBSCRIBE: self._on_subscribe,
            packets.UNSUBSCRIBE: self._on_unsubscribe,
            packets.PINGREQ: self._on_pingreq,
            packets.DISCONNECT: self._on_disconnect,
        }
        if not broker.welcome(self, address):
            self.end("too many connections", with_will=False)

    # -- called by the link

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._ended:
            return
        self._buffer = self._buffer + data if self._buffer else data
        self._work()

    def lost(self) -> None:
        """The client is gone without a word."""
        self.end("connection lost", with_will=True)

    def congest(self, congested: bool) -> None:
        """The client stopped, or went on, taking what was written; who does not take answers is not read either."""
        self.congested = congested
        if self._ended:
            return
        if congested:
            self._congested_since_s = monotonic()
            self._link.pause_reading()
            return
        if self._session is not None:
            self._session.send_waiting()
        self._go_on_reading()

    # -- called by the broker and the session

    def send(self, packet: bytes) -> None:
        """Write soon: everything of one turn of the event loop goes out together."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(packet)

    def check(self, now_s: float, now: datetime) -> None:
        """End the connection when it was silent, stuck or is no longer entitled."""
        if self.congested:
            if now_s - self._congested_since_s > self._limits.stalled_s:
                self.end("reads too slowly", with_will=True)
        elif not self._throttled and now_s - self._heard_at_s > self._silence_max_s:
            self.end("no CONNECT in time" if self._session is None else "keep-alive", with_will=True)
        if self._rights is not None and not self._rights.still_hold(now):
            self.end("rights ended", with_will=False)

    def end(self, reason: str, *, with_will: bool) -> None:
        """Close, once; the will is heard when `with_will` and its topic is still allowed."""
        if self._ended:
            return
        self._ended = True
        self._broker.counts["ended: " + reason] += 1
        self._broker.farewell(self, self._address)
        self._flush()
        self._link.close(at_once=self.congested)
        self._buffer = b""
        if self._session is not None:
            will = self._will if with_will and self._rights_hold() else None
            self._broker.leave_session(self._session, self, will)
            if reason not in _EVERYDAY:
                log.info("client_ended", client=self._session.client_id, reason=reason)

    # -- reading

    def _work(self) -> None:
        """Handle the complete packets in the buffer, until the client has to wait."""
        if self._throttled or self._undecided or self.congested:
            return
        buffer, at, limit = self._buffer, 0, self._limits.packet_max_bytes
        try:
            while (frame := packets.next_frame(buffer, at, limit)) is not None:
                first, start, end = frame
                if first >> 4 in _RATED and not self._may_go_on():
                    break
                at = end
                self._handle(first, buffer[start:end])
                if self._ended:
                    return
                if self._undecided:
                    break
        except MalformedPacket as problem:
            if self._session is not None:
                self._broker.refusals.note(self._session.client_id, "packet", f"malformed: {problem}")
            self.end(f"malformed: {problem}", with_will=True)
            return
        self._buffer = buffer[at:]

    def _handle(self, first: int, body: bytes) -> None:
        kind = first >> 4
        self._heard_at_s = monotonic()
        if self._session is None:
            if kind != packets.CONNECT:
                raise MalformedPacket("first packet is not CONNECT")
            self._on_connect(body)
        elif kind == packets.PUBLISH:
            self._on_publish(self._session, first, body)
        elif kind == packets.CONNECT:
            raise MalformedPacket("second CONNECT")
        else:
            self._handlers[kind](body)

    def _may_go_on(self) -> bool:
        """Take one from the allowance; False pauses reading until there is one again, so nothing is lost."""
        wait_s = self._allowance.take(monotonic()) if self._allowance is not None else 0.0
        if wait_s == 0:
            return True
        self._broker.counts["delayed"] += 1
        self._throttled = True
        self._link.pause_reading()
        self._loop.call_later(wait_s, self._unthrottle)
        return False

    def _unthrottle(self) -> None:
        self._throttled = False
        self._go_on_reading()

    def _go_on_reading(self) -> None:
        if self._ended or self._throttled or self._undecided or self.congested:
            return
        self._heard_at_s = monotonic()
        self._link.resume_reading()
        self._work()

    def _flush(self) -> None:
        if self._outbox:
            self._link.write(self._outbox[0] if len(self._outbox) == 1 else b"".join(self._outbox))
            self._outbox.clear()

    # -- packets

    def _on_connect(self, body: bytes) -> None:
        """Authenticate first; only then is any session looked at, and the older connection of it ended."""
        try:
            request = packets.decode_connect(body)
        except UnsupportedProtocolLevel:
            self._refuse(packets.BAD_PROTOCOL_LEVEL, "protocol level")
            return
        if not request.client_id and not request.clean_session:  # section 3.1.3.1
            self._broker.refusals.note(request.username or "", "connect", "no_client_id_and_no_clean_session")
            self._refuse(packets.IDENTIFIER_REJECTED, "client id")
            return
        self._decide(request, may_ask=True)

    def _decide(self, request: Connect, *, may_ask: bool) -> None:
        """Let the client in or refuse it; once, when memory refuses it, only after the carts' table was read again."""
        broker = self._broker
        rights = broker.door.admit(request.client_id, request.username, request.password, broker.now())
        if isinstance(rights, Unsure):
            if may_ask and rights.ask(lambda known: self._answer_soon(request, known)):
                self._undecided = True
                self._link.pause_reading()
                return
            rights = rights.refusal
        if isinstance(rights, Refusal):
            if rights is not Refusal.UNAVAILABLE:
                claimed = request.username if request.username is not None else request.client_id
                detail = f"client id {request.client_id}" if rights is Refusal.WRONG_CLIENT_ID else ""
                broker.refusals.note(claimed, "connect", rights.value, detail=detail)
            self._refuse(connack_code(rights), rights.value)
            return
        will = request.will
        if will is not None and not (rights.may_retain if will.retain else rights.may_publish)(will.topic):
            broker.refusals.note(request.client_id, "connect", "will_not_granted", will.topic)
            self._refuse(packets.NOT_AUTHORISED, "will")
            return
        self._rights = rights
        self._will = message_of(will) if will is not None else None
        self._silence_max_s = _keep_alive_s(request.keep_alive_s, rights) * self._limits.keep_alive_factor
        if rights.limits.publish_per_s is not None:
            self._allowance = Allowance.full(rights.limits.publish_per_s, rights.limits.publish_burst, monotonic())
        # Without an id of its own a client gets one that no other client can name (NUL is not allowed in ids).
        client_id = request.client_id or f"\0{id(self):x}"
        self._session, present = broker.open_session(client_id, request.clean_session, rights, self)
        self.send(packets.encode_connack(packets.ACCEPTED, present))
        broker.counts["accepted"] += 1
        self._session.connected(self)

    def _answer_soon(self, request: Connect, known: bool) -> None:
        """Called by the thread that reads the table; the event loop may be gone by then."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, request, known)

    def _answer(self, request: Connect, known: bool) -> None:
        if self._ended:
            return
        self._undecided = False
        if known:
            self._decide(request, may_ask=False)
        else:
            self._refuse(packets.SERVER_UNAVAILABLE, Refusal.UNAVAILABLE.value)
        self._go_on_reading()

    def _refuse(self, code: int, reason: str) -> None:
        self.send(packets.encode_connack(code))
        self.end(f"refused: {reason}", with_will=False)

    def _on_publish(self, session: Session, first: int, body: bytes) -> None:
        raw, packet_id, payload = packets.decode_publish(first, body)
        topic = self._topics.get(raw) or self._learn_topic(raw)
        qos = first >> 1 & 3
        if qos == 2 and packet_id in session.received_qos2:
            self.send(packets.encode_acknowledgement(packets.PUBREC, packet_id))
            return
        counts = self._broker.counts
        counts["published"] += 1
        if topic.allowed:
            retain = bool(first & 1)
            if retain and not topic.may_retain:
                counts["retain_stripped"] += 1
                self._broker.refusals.note(session.client_id, "retain", "not_kept_here", topic.name)
                retain = False
            self._broker.publish(Message(topic.name, topic.raw, payload, qos, retain))
        else:
            counts["publish_denied"] += 1
            self._broker.refusals.note(session.client_id, "publish", "not_granted", topic.name)
        if qos == 1:
            self.send(packets.encode_acknowledgement(packets.PUBACK, packet_id))
        elif qos == 2:
            session.received_qos2.add(packet_id)
            self.send(packets.encode_acknowledgement(packets.PUBREC, packet_id))

    def _learn_topic(self, raw: bytes) -> _Topic:
        name = packets.decode_topic(raw)
        rights = self._entitled()
        if len(self._topics) >= REMEMBERED_TOPICS:
            self._topics.clear()
        topic = self._topics[raw] = _Topic(name, raw, rights.may_publish(name), rights.may_retain(name))
        return topic

    def _on_puback(self, body: bytes) -> None:
        if not self._joined().acknowledged(packets.decode_acknowledgement(body)):
            raise MalformedPacket("PUBACK of nothing")

    def _on_pubrec(self, body: bytes) -> None:
        if not self._joined().received(packets.decode_acknowledgement(body)):
            raise MalformedPacket("PUBREC of nothing")

    def _on_pubrel(self, body: bytes) -> None:
        """Always answered: after a lost session the client repeats the PUBREL of an older life (section 4.3.3)."""
        packet_id = packets.decode_acknowledgement(body)
        self._joined().received_qos2.discard(packet_id)
        self.send(packets.encode_acknowledgement(packets.PUBCOMP, packet_id))

    def _on_pubcomp(self, body: bytes) -> None:
        if not self._joined().completed(packets.decode_acknowledgement(body)):
            raise MalformedPacket("PUBCOMP of nothing")

    def _on_subscribe(self, body: bytes) -> None:
        session, rights = self._joined(), self._entitled()
        packet_id, wanted = packets.decode_subscribe(body)
        codes = [
            self._broker.subscribe(session, rights, topic_filter, qos)
            if position < rights.limits.filters_max  # not even looked at beyond it: looking costs us time
            else packets.SUBSCRIBE_REFUSED
            for position, (topic_filter, qos) in enumerate(wanted)
        ]
        self.send(packets.encode_suback(packet_id, codes))
        for (topic_filter, _), code in zip(wanted, codes, strict=True):
            if code != packets.SUBSCRIBE_REFUSED:
                self._broker.send_retained(session, rights, topic_filter, code)

    def _on_unsubscribe(self, body: bytes) -> None:
        session = self._joined()
        packet_id, filters = packets.decode_unsubscribe(body)
        for topic_filter in filters:
            self._broker.unsubscribe(session, topic_filter)
        self.send(packets.encode_acknowledgement(packets.UNSUBACK, packet_id))

    def _on_pingreq(self, body: bytes) -> None:
        packets.decode_empty(body)
        self.send(packets.PINGRESP_PACKET)

    def _on_disconnect(self, body: bytes) -> None:
        packets.decode_empty(body)
        self.end("disconnect", with_will=False)

    def _joined(self) -> Session:
        assert self._session is not None
        return self._session

    def _entitled(self) -> Rights:
        assert self._rights is not None
        return self._rights

    def _rights_hold(self) -> bool:
        return self._rights is not None and self._rights.still_hold(self._broker.now())


def _keep_alive_s(wanted_s: int, rights: Rights) -> float:
    """What the client asked for, forced into its limits; 0 asks for "never" and gets the longest."""
    limits = rights.limits
    if wanted_s == 0:
        return limits.keep_alive_max_s
    return min(max(wanted_s, limits.keep_alive_min_s), limits.keep_alive_max_s)
