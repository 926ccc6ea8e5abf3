"""What the broker remembers of one client: its filters, what is on the way to it, and what still waits.

No I/O: packets go to a Wire, which is there only while the client is connected. Nothing leaves `on the way`
before the client acknowledged it (stock amqtt forgets it after 5 s or with the connection).
"""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Protocol

from broker.embedded.limits import ClientLimits
from broker.embedded.packets import PUBREL, encode_acknowledgement, encode_publish


class Wire(Protocol):
    """The way to a connected client; `congested` while the client does not take what was written."""

    @property
    def congested(self) -> bool: ...

    def send(self, packet: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """An application message as it was published."""

    topic: str
    topic_bytes: bytes
    payload: bytes
    qos: int
    retain: bool

    @property
    def size(self) -> int:
        """Bytes it holds in a queue, roughly."""
        return len(self.topic_bytes) + len(self.payload) + 64


@dataclass(slots=True)
class _Sent:
    """A message on the way; `released` once the client's PUBREC was answered with PUBREL (QoS 2)."""

    message: Message
    qos: int
    retain: bool
    released: bool = False


class Session:
    """One client's session, connected or not (MQTT 3.1.1 section 4.1)."""

    def __init__(self, client_id: str, persistent: bool, limits: ClientLimits, counts: Counter[str]) -> None:
        self.client_id = client_id
        self.persistent = persistent
        self.limits = limits
        self.filters: dict[str, int] = {}
        self.received_qos2: set[int] = set()
        self._wire: Wire | None = None
        self._sent: dict[int, _Sent] = {}
        self._waiting: deque[_Sent] = deque()
        self._waiting_bytes = 0
        self._last_id = 0
        self._counts = counts

    @property
    def waiting(self) -> int:
        """Messages not yet sent."""
        return len(self._waiting)

    def connected(self, wire: Wire) -> None:
        """The client is there: send again what it has not acknowledged, in order, marked DUP, then what waits."""
        self._wire = wire
        for packet_id, sent in self._sent.items():
            if sent.released:
                wire.send(encode_acknowledgement(PUBREL, packet_id))
            else:
                self._counts["redelivered"] += 1
                self._write(wire, packet_id, sent, duplicate=True)
        self.send_waiting()

    def disconnected(self) -> None:
        """The client is gone; everything unacknowledged stays."""
        self._wire = None

    def deliver(self, message: Message, qos: int, retained: bool = False) -> None:
        """Send, or keep for later; at QoS 0 only a client that reads gets it (section 4.3.1)."""
        wire = self._wire
        if qos == 0:
            if wire is None or wire.congested:
                self._counts["dropped_qos0"] += 1
            else:
                wire.send(encode_publish(message.topic_bytes, message.payload, 0, retained, 0, False))
            return
        if wire is not None and not self._waiting and not wire.congested and len(self._sent) < self.limits.inflight_max:
            self._send(wire, _Sent(message, qos, retained))
        elif (
            len(self._waiting) < self.limits.queue_max
            and self._waiting_bytes + message.size <= self.limits.queue_max_bytes
        ):
            self._waiting.append(_Sent(message, qos, retained))
            self._waiting_bytes += message.size
        else:
            self._counts["dropped_queue_full"] += 1

    def send_waiting(self) -> None:
        """Send what waits, as far as the window and the client's reading allow."""
        wire = self._wire
        if wire is None:
            return
        while self._waiting and len(self._sent) < self.limits.inflight_max and not wire.congested:
            following = self._waiting.popleft()
            self._waiting_bytes -= following.message.size
            self._send(wire, following)

    def acknowledged(self, packet_id: int) -> bool:
        """PUBACK. False for a packet id that is not on the way at QoS 1."""
        sent = self._sent.get(packet_id)
        if sent is None or sent.qos != 1:
            return False
        del self._sent[packet_id]
        if self._waiting:
            self.send_waiting()
        return True

    def received(self, packet_id: int) -> bool:
        """PUBREC: answer with PUBREL, also a repeated one. False for a packet id not on the way at QoS 2."""
        sent = self._sent.get(packet_id)
        if sent is None or sent.qos != 2:
            return False
        sent.released = True
        if self._wire is not None:
            self._wire.send(encode_acknowledgement(PUBREL, packet_id))
        return True

    def completed(self, packet_id: int) -> bool:
        """PUBCOMP. False for a packet id that was not released."""
        sent = self._sent.get(packet_id)
        if sent is None or not sent.released:
            return False
        del self._sent[packet_id]
        self.send_waiting()
        return True

    def forget_topics(self, topics: "frozenset[str]") -> None:
        """Drop what is on the way or waiting on topics that the client may no longer hear."""
        self._sent = {key: sent for key, sent in self._sent.items() if sent.message.topic not in topics}
        self._waiting = deque(kept for kept in self._waiting if kept.message.topic not in topics)
        self._waiting_bytes = sum(kept.message.size for kept in self._waiting)

    def topics_held(self) -> frozenset[str]:
        """Topics of everything on the way or waiting."""
        return frozenset(kept.message.topic for kept in (*self._sent.values(), *self._waiting))

    def _send(self, wire: Wire, sent: _Sent) -> None:
        packet_id = self._free_id()
        self._sent[packet_id] = sent
        self._write(wire, packet_id, sent, duplicate=False)

    def _write(self, wire: Wire, packet_id: int, sent: _Sent, *, duplicate: bool) -> None:
        message = sent.message
        wire.send(encode_publish(message.topic_bytes, message.payload, sent.qos, sent.retain, packet_id, duplicate))

    def _free_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._sent:
                self._last_id = packet_id
                return packet_id
