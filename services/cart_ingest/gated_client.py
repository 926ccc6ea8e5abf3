"""paho, many messages at a time, and only on the connection they belong to.

paho reads each packet with three calls of `recv`, and wakes its thread by a system call for each message that leaves:
34 microseconds to hear a message and acknowledge it, 4 here (measured). One `recv` reads all that has come, one `send`
writes all that goes; whatever there is little of, such as CONNACK, is still read by paho itself. Packets are
those of MQTT 3.1.1, chapters 2 and 3.

paho also keeps no record of unacknowledged messages, and lets any thread say anything at any time. Two accidents
follow (both measured, docs/reliability.md d.1): what is said during a reconnect goes out before CONNECT, and an
acknowledgement from an ended connection acknowledges, so loses, whatever message has that packet id now. The gate
prevents both.
"""

import threading
import time
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import NamedTuple, Protocol

from paho.mqtt.enums import MQTTErrorCode

from services.cart_ingest.service_client import ServiceClient

READ_BYTES = 65_536
_PUBLISH, _PUBACK = 0x30, 0x40


class Heard(NamedTuple):
    """A PUBLISH as it came; `mid` is 0 with quality of service 0. `topic` may be no UTF-8."""

    topic: bytes
    payload: bytes
    qos: int
    mid: int


class Said(NamedTuple):
    """A message to be published with quality of service 1."""

    topic: str
    payload: bytes
    retain: bool


class Owed(Protocol):
    """A message that waits for its acknowledgement. `connection` numbers the one that brought it."""

    connection: int
    mid: int
    qos: int
    settled: bool


class GatedClient(ServiceClient):
    """A client that is `live` from the CONNACK of one connection to its end. `connection` counts them."""

    def __init__(
        self,
        url: str,
        name: str,
        password: str,
        ca_file: str | None,
        *,
        clean_session: bool,
        on_messages: Callable[[list[Heard]], None] | None = None,
        on_confirmed: Callable[[list[int]], None] | None = None,
    ) -> None:
        self.gate = threading.Lock()
        self.connection = 0
        self.live = False
        self._on_messages = on_messages
        self._on_confirmed = on_confirmed
        self._mids = cycle(range(1, 65_536))
        self._begun = b""  # of a packet that has not come whole
        self._handed = b""  # of the packet that paho is to read
        self._is_over = False  # the stream
        super().__init__(url, name, password, ca_file, clean_session=clean_session, manual_ack=True)

    def reconnect(self) -> MQTTErrorCode:
        """Called by paho's thread before the out-queue is cleared: from here on nothing old is said."""
        with self.gate:
            self.connection += 1
            self.live = False
        self._begun = self._handed = b""
        self._is_over = False
        return super().reconnect()

    def hang_up(self) -> None:
        """Nothing more is accepted, or said, on this connection."""
        with self.gate:
            self.live = False
        super().hang_up()

    def settle(self, deliveries: Iterable[Owed]) -> int:
        """Acknowledge these in order, once; gives how many were of an ended connection and so were left alone."""
        owed = [one for one in deliveries if one.qos and not one.settled]
        with self.gate:
            here = [one for one in owed if one.connection == self.connection] if self.live else []
            if here:
                packets = [b"\x40\x02" + one.mid.to_bytes(2, "big") for one in here]
                self._packet_queue(_PUBACK, b"".join(packets), 0, 1)
        for one in here:
            one.settled = True
        return len(owed) - len(here)

    def say(self, messages: Iterable[Said]) -> list[int]:
        """Publish these; gives their packet ids, which come to `on_confirmed`, or none while there is no connection.

        What is not confirmed on this connection is forgotten with it.
        """
        numbered = [(next(self._mids), message) for message in messages]
        packets = b"".join([_publish(mid, message) for mid, message in numbered])
        with self.gate:
            if not self.live:
                return []
            self._packet_queue(_PUBLISH, packets, 0, 1)
        return [mid for mid, _ in numbered]

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take all that has come. Called by paho's thread when there is something to read."""
        try:
            arrived = super()._sock_recv(READ_BYTES)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            arrived = b""
        if not arrived:
            self._is_over = True
            return super().loop_read()
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        data = self._begun + arrived
        packets, end = split_packets(data)
        self._begun = data[end:]
        return self._take(data, packets)

    def _take(self, data: bytes, packets: list[tuple[int, int, int]]) -> MQTTErrorCode:
        """Tell messages and confirmations to who asked for them, the rest to paho; all in the order of arrival."""
        messages: list[Heard] = []
        confirmed: list[int] = []
        for start, body, end in packets:
            kind = data[start] & 0xF0
            if kind == _PUBLISH and self._on_messages and (message := read_message(data, start, body, end)):
                messages.append(message)
            elif kind == _PUBACK and self._on_confirmed:
                confirmed.append(int.from_bytes(data[body:end], "big"))
            else:
                self._tell(messages, confirmed)
                messages, confirmed = [], []
                self._handed = data[start:end]
                outcome = super().loop_read()
                if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return outcome
        self._tell(messages, confirmed)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _tell(self, messages: list[Heard], confirmed: list[int]) -> None:
        if messages and self._on_messages:
            self._on_messages(messages)
        if confirmed and self._on_confirmed:
            self._on_confirmed(confirmed)

    def _sock_recv(self, bufsize: int) -> bytes:
        """What paho reads for itself: the packet that it was handed, and the end of the stream."""
        if not self._handed and not self._is_over:
            raise BlockingIOError
        taken, self._handed = self._handed[:bufsize], self._handed[bufsize:]
        return taken


def split_packets(data: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Where whole packets begin, have their body and end; and where the one begins that is not whole.

    A length that is none (section 2.2.3) ends the search: what follows goes to paho in one piece, which refuses it.
    """
    packets: list[tuple[int, int, int]] = []
    at, have = 0, len(data)
    while at + 2 <= have:
        length, body, shift = data[at + 1], at + 2, 7
        if length > 127:
            length &= 127
            while body < have:
                digit = data[body]
                body += 1
                length |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    break
                if shift > 21:
                    return [*packets, (at, have, have)], have
            else:
                break
        if body + length > have:
            break
        packets.append((at, body, body + length))
        at = body + length
    return packets, at


def read_message(data: bytes, start: int, body: int, end: int) -> Heard | None:
    """A PUBLISH of quality of service 0 or 1 (section 3.3); None when it is anything else."""
    topic = body + 2
    if topic > end:
        return None
    qos, after = data[start] >> 1 & 3, topic + (data[body] << 8 | data[body + 1])
    if qos == 0 and after <= end:
        return Heard(data[topic:after], data[after:end], 0, 0)
    mid = int.from_bytes(data[after : after + 2], "big")
    if qos != 1 or after + 2 > end or mid == 0:
        return None
    return Heard(data[topic:after], data[after + 2 : end], 1, mid)


def _publish(mid: int, message: Said) -> bytes:
    topic = message.topic.encode()
    body = b"".join((len(topic).to_bytes(2, "big"), topic, mid.to_bytes(2, "big"), message.payload))
    length, head = len(body), bytearray((_PUBLISH | 2 | message.retain,))
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + body
