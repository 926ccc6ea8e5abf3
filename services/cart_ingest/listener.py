"""Hears the carts: an MQTT session whose messages are acknowledged by us, after the commit, in the order of
their arrival, and only on the connection that brought them.

paho keeps no record of unacknowledged messages and lets any thread acknowledge at any time. Two accidents
follow (both measured, RELIABILITY d.1): an acknowledgement during a reconnect goes out before CONNECT, and one
from an ended connection acknowledges, so loses, whatever message has that packet id now. The gate below
prevents both."""

import os
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from services.cart_ingest.metrics import Metrics
from shared.access import ingest_filters
from shared.contracts.canary import Canary
from shared.contracts.channels import CANARY

log = structlog.get_logger()

KEEPALIVE_S = 15
RECONNECT_CAP_S = 10  # RELIABILITY R10
EX_SOFTWARE = 70  # sysexits.h
SUBACK_FAILURE = 0x80


@dataclass(slots=True)
class Delivery:
    """One message as it arrived. `connection` numbers the connection that brought it."""

    connection: int
    mid: int
    topic: bytes
    payload: bytes
    qos: int
    received_at: datetime
    arrived_s: float
    settled: bool = False


class GatedClient(mqtt.Client):
    """A paho client that acknowledges only on the connection that brought a message."""

    def __init__(self, client_id: str) -> None:
        self.gate = threading.Lock()
        self.connection = 0
        self.live = False
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )

    def reconnect(self) -> MQTTErrorCode:
        """Called by paho's loop before the out-queue is cleared: from here on old messages stay unacknowledged."""
        with self.gate:
            self.connection += 1
            self.live = False
        return super().reconnect()

    def settle(self, deliveries: Sequence[Delivery]) -> int:
        """Acknowledge these in order; gives how many were of an ended connection and so were left alone."""
        stale = 0
        with self.gate:
            for delivery in deliveries:
                if delivery.qos == 0 or delivery.settled:
                    continue
                if self.live and delivery.connection == self.connection:
                    delivery.settled = True
                    self.ack(delivery.mid, delivery.qos)
                else:
                    stale += 1
        return stale


class Listener:
    """The inbox of the worker. Callbacks only enqueue; whatever goes wrong in one ends the process, because
    paho's thread would die silently."""

    def __init__(
        self,
        *,
        url: str,
        name: str,
        password: str,
        ca_file: str | None,
        share: bool,
        inbox_max: int,
        metrics: Metrics,
        on_forgetful_broker: Callable[[], None],
    ) -> None:
        self._where = urlsplit(url)
        self._name = name
        self._filters = ingest_filters(share)
        self._inbox: deque[Delivery] = deque()
        self._arrived = threading.Condition()
        self._inbox_max = inbox_max
        self._metrics = metrics
        self._on_forgetful_broker = on_forgetful_broker
        self._overflowed = False
        self._granted = False
        self.canary_heard_s = time.monotonic()
        self._canary_topic = CANARY.topic(service=name)
        self._client = client = GatedClient(name)
        client.username_pw_set(name, password)
        client.reconnect_delay_set(1, RECONNECT_CAP_S)
        client.on_connect = fatal_when_it_raises(self._on_connect)
        client.on_disconnect = fatal_when_it_raises(self._on_disconnect)
        client.on_subscribe = fatal_when_it_raises(self._on_subscribe)
        client.on_message = fatal_when_it_raises(self._on_message)
        if self._where.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context(cafile=ca_file))

    def start(self) -> None:
        """Connect in the background, and keep connecting; a random delay keeps many workers apart."""
        port = self._where.port or (8883 if self._where.scheme == "mqtts" else 1883)
        self._client.connect_async(self._where.hostname or "127.0.0.1", port, KEEPALIVE_S)
        threading.Timer(random.uniform(0, 0.2), self._client.loop_start).start()

    def take(self, most: int, wait_s: float) -> list[Delivery]:
        """What has arrived, at most `most`, in order; waits for the first one only."""
        with self._arrived:
            if not self._inbox:
                self._arrived.wait(wait_s)
            taken = [self._inbox.popleft() for _ in range(min(most, len(self._inbox)))]
            waiting = len(self._inbox)
        self._metrics.inbox.set(waiting)
        if self._overflowed and waiting <= self._inbox_max // 2:
            self._overflowed = False
            log.info("inbox_drained")
            self._client.loop_stop()
            self._client.reconnect_delay_set(1, RECONNECT_CAP_S)
            self._client.loop_start()
        return taken

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge what was committed."""
        self._metrics.stale_acks.inc(self._client.settle(deliveries))

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Say something that may get lost, a hint; nothing is queued while there is no connection."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos)

    def send_canary(self, n: int, nonce: str) -> None:
        """Send ourselves a note; `canary_heard_s` tells when the last one came back."""
        if not self._client.is_connected():
            self.canary_heard_s = time.monotonic()
            return
        self.publish(self._canary_topic, Canary(nonce=nonce, n=n).model_dump_json().encode(), CANARY.qos)

    @property
    def is_connected(self) -> bool:
        """Connected and subscribed."""
        return self._client.is_connected() and self._granted

    @property
    def is_alive(self) -> bool:
        """False when paho's thread has died: `is_connected` would not tell (RELIABILITY, fact 9)."""
        thread = self._client._thread
        return self._overflowed or thread is None or thread.is_alive()

    def stop(self) -> None:
        """Leave without unsubscribing, so that the broker keeps what arrives meanwhile."""
        self._client.disconnect()
        deadline = time.monotonic() + 1.0
        while self._client.want_write() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._client.loop_stop()

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            log.error("broker_refused", reason=str(reason))
            return
        with self._client.gate:
            self._client.live = True
        log.info("broker_connected", session_present=flags.session_present)
        self._client.subscribe([*((one, 1) for one in self._filters), (self._canary_topic, CANARY.qos)])
        self.canary_heard_s = time.monotonic()
        if not flags.session_present:
            self._on_forgetful_broker()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, granted: list[ReasonCode], _props: Any) -> None:
        if any(code.value >= SUBACK_FAILURE for code in granted):
            log.critical("subscription_refused", user=self._name)
            os._exit(EX_SOFTWARE)
        self._granted = True

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        with self._client.gate:
            self._client.live = False
        self._granted = False
        log.info("broker_disconnected", reason=str(reason))

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        topic: bytes = message._topic  # the property decodes UTF-8 and may raise
        now = time.monotonic()
        if topic == self._canary_topic.encode():
            self.canary_heard_s = now
            self._client.ack(message.mid, message.qos)
            return
        delivery = Delivery(
            self._client.connection, message.mid, topic, bytes(message.payload), message.qos, datetime.now(UTC), now
        )
        with self._arrived:
            if len(self._inbox) >= self._inbox_max:
                self._refuse_more()
                return
            self._inbox.append(delivery)
            self._arrived.notify()

    def _refuse_more(self) -> None:
        """Too much at once: hang up unacknowledged. The broker, and behind it the carts, hold the rest."""
        if not self._overflowed:
            self._overflowed = True
            self._metrics.overflows.inc()
            log.warning("inbox_full", most=self._inbox_max)
            self._client.disconnect()


def fatal_when_it_raises(callback: Callable[..., None]) -> Callable[..., None]:
    """End the process when a callback raises: paho's thread would die silently and `is_connected` stay true."""

    def guarded(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except BaseException:
            log.critical("callback_failed", exc_info=True)
            os._exit(EX_SOFTWARE)

    return guarded
