"""Reads along between cart-ingest and its broker.

An acknowledgement must be of a message that came on the same connection and was not acknowledged yet: any other one may
lose somebody else's message (docs/reliability.md d.1). And a cart's state is never published below a version that was
published before; what a broker that lost its last second makes of that is not ours.
"""

import json
from collections.abc import Iterator

from tests.fault_proxy import Way

PUBLISH, PUBACK = 3, 4
TOLD_MAX = 100  # findings told one by one


class WireWatch:
    """A `watch` for a FaultProxy; each finding is one line, its kind before the colon. `most_due`: how many messages
    were on the way to cart-ingest, or held by it, at once."""

    def __init__(self) -> None:
        self.most_due = 0
        self.findings: list[str] = []
        self._unread: dict[tuple[int, Way], bytes] = {}
        self._due: dict[int, set[int]] = {}
        self._published: dict[bytes, int] = {}

    def __call__(self, connection: int, way: Way, chunk: bytes) -> None:
        unread = self._unread.get((connection, way), b"") + chunk
        taken = 0
        for first, body, taken in _packets(unread):  # noqa: B007
            kind, qos = first >> 4, first >> 1 & 0b11
            if kind == PUBLISH:
                self._note_publish(connection, way, qos, body)
            elif kind == PUBACK and way is Way.UP:
                self._note_acknowledgement(connection, int.from_bytes(body[:2]))
        self._unread[connection, way] = unread[taken:]

    def _note_publish(self, connection: int, way: Way, qos: int, body: bytes) -> None:
        topic_end = 2 + int.from_bytes(body[:2])
        if way is Way.DOWN and qos:
            due = self._due.setdefault(connection, set())
            due.add(int.from_bytes(body[topic_end : topic_end + 2]))
            self.most_due = max(self.most_due, len(due))
        topic = body[2:topic_end]
        if way is Way.UP and topic.endswith(b"/state"):
            version = json.loads(body[topic_end + (2 if qos else 0) :])["version"]
            before = self._published.get(topic, 0)
            if version < before:
                self._find(f"backwards: {topic.decode()} was published with version {version} after {before}")
            self._published[topic] = max(version, before)

    def _note_acknowledgement(self, connection: int, packet_id: int) -> None:
        due = self._due.setdefault(connection, set())
        if packet_id not in due:
            self._find(f"stale acknowledgement: {packet_id} on connection {connection}, where it was not due")
        due.discard(packet_id)

    def _find(self, finding: str) -> None:
        if len(self.findings) < TOLD_MAX:
            self.findings.append(finding)


def _packets(stream: bytes) -> Iterator[tuple[int, bytes, int]]:
    """First byte and body of each whole packet, and where the next one begins (MQTT 3.1.1, section 2.2)."""
    at = 0
    while at + 2 <= len(stream):
        length = shift = 0
        body = at + 1
        while body < len(stream):
            byte = stream[body]
            length |= (byte & 0x7F) << shift
            shift += 7
            body += 1
            if not byte & 0x80:
                break
        else:
            return
        if body + length > len(stream):
            return
        first, at = stream[at], body + length
        yield first, stream[body:at], at
