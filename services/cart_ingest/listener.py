"""Hears the carts: an MQTT session whose messages are acknowledged by us, after the commit, in the order of
their arrival, and only on the connection that brought them."""

import contextlib
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from operator import attrgetter
from typing import Any

import structlog
from paho.mqtt.reasoncodes import ReasonCode

from services.cart_ingest.gated_client import GatedClient, Heard
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.service_client import EX_SOFTWARE, fatal_when_it_raises
from shared.access import ingest_filters
from shared.contracts.canary import Canary
from shared.contracts.channels import CANARY

log = structlog.get_logger()

START_APART_S = 0.2  # workers that start together connect a random part of this apart; paho has no jitter
ROOM_WITHIN_S = 3.0  # how long a full inbox holds the broker back by not reading; well below the keep-alive


@dataclass(slots=True)
class Delivery:
    """One message as it arrived. `connection` numbers the connection that brought it."""

    connection: int
    mid: int
    topic: bytes
    payload: bytes
    qos: int
    received_at: datetime
    settled: bool = False


class Listener:
    """The inbox of the worker. Callbacks only enqueue; whatever goes wrong in one ends the process.

    What must be acknowledged waits in `_inbox`, where a full one holds the broker back and then hangs up: the
    broker, and behind it the carts, hold the rest. What came with QoS 0 waits apart, and the oldest gives way.
    """

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
        self._name = name
        self._canary_topic = CANARY.topic(service=name)
        self._own_topic = self._canary_topic.encode()
        # The canary comes at QoS 0: it needs no acknowledgement, so it neither waits behind a full window nor
        # overtakes the others' acknowledgements, which go out in order (MQTT 3.1.1, section 4.6).
        self._wanted = [*((one, 1) for one in ingest_filters(share)), (self._canary_topic, 0)]
        self._inbox: deque[Delivery] = deque()
        self._perishable: deque[Delivery] = deque(maxlen=inbox_max)
        self._changed = threading.Condition()
        self._inbox_max = inbox_max
        self._metrics = metrics
        metrics.inbox.set_function(lambda: self.waiting)
        self._on_forgetful_broker = on_forgetful_broker
        self._granted = False
        self._leaving = False
        self._heard_s = time.monotonic()
        self._client = client = GatedClient(
            url, name, password, ca_file, clean_session=False, on_messages=fatal_when_it_raises(self._on_messages)
        )
        client.on_connect = fatal_when_it_raises(self._on_connect)
        client.on_disconnect = fatal_when_it_raises(self._on_disconnect)
        client.on_subscribe = fatal_when_it_raises(self._on_subscribe)

    def start(self) -> None:
        """Connect in the background, and keep connecting."""
        time.sleep(random.uniform(0, START_APART_S))
        self._client.begin()

    def take(self, most: int, wait_s: float) -> list[Delivery]:
        """What has arrived, at most `most` of either kind, in order; waits for the first one only."""
        with self._changed:
            if not self._inbox and not self._perishable:
                self._changed.wait(wait_s)
            assured = [self._inbox.popleft() for _ in range(min(most, len(self._inbox)))]
            perishable = [self._perishable.popleft() for _ in range(min(most, len(self._perishable)))]
            waiting = len(self._inbox)
            self._changed.notify_all()
        if waiting <= self._inbox_max // 2:
            self._client.call_again()
        # Each kind stays in its own order, whatever the clock does.
        return list(merge(assured, perishable, key=attrgetter("received_at"))) if perishable else assured

    @property
    def waiting(self) -> int:
        """Deliveries that `take` would find now."""
        return len(self._inbox)

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge what was committed."""
        self._metrics.stale_acks.inc(self._client.settle(deliveries))

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        """Say something that may get lost, a hint; False while there is no connection, then nothing is queued."""
        if not self._client.is_connected():
            return False
        self._client.publish(topic, payload, qos)
        return True

    def send_canary(self, n: int, nonce: str) -> None:
        """Send ourselves a note through the broker."""
        self.publish(self._canary_topic, Canary(nonce=nonce, n=n).model_dump_json().encode(), CANARY.qos)

    @property
    def silent_for_s(self) -> float:
        """How long nothing has come, not even our own canary; 0 while there is no connection."""
        return time.monotonic() - self._heard_s if self._client.live else 0.0

    @property
    def is_connected(self) -> bool:
        """Connected and subscribed."""
        return self._client.live and self._granted

    def stop(self, within_s: float) -> None:
        """Leave behind the last acknowledgements, without unsubscribing: the broker keeps what arrives meanwhile.

        A socket that is closed with something unread is reset, and a reset takes away what the broker has not read
        yet. So one more note follows the acknowledgements; when the broker confirms it, it has read them.
        """
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        if self.is_connected:
            with contextlib.suppress(RuntimeError, ValueError):
                self._client.publish(self._canary_topic, b"", CANARY.qos).wait_for_publish(within_s / 2)
        self._client.leave(within_s / 2)

    def _on_connect(self, client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            log.error("broker_refused", reason=str(reason))
            return
        log.info("broker_connected", session_present=flags.session_present)
        self._heard_s = time.monotonic()
        with self._client.gate:
            self._client.live = True
        self._client.subscribe(self._wanted)  # always: what a session kept may be of an older version of us
        if not flags.session_present:
            self._on_forgetful_broker()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, granted: list[ReasonCode], _props: Any) -> None:
        if [code.value for code in granted] != [qos for _, qos in self._wanted]:
            log.critical("subscription_refused", user=self._name, granted=[code.value for code in granted])
            os._exit(EX_SOFTWARE)
        self._granted = True

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        with self._client.gate:
            self._client.live = False
        self._granted = False
        log.info("broker_disconnected", reason=str(reason))

    def _on_messages(self, messages: list[Heard]) -> None:
        now = datetime.now(UTC)
        self._heard_s = time.monotonic()
        connection = self._client.connection
        with self._changed:
            for topic, payload, qos, mid in messages:
                if not self._client.live:
                    return
                if topic == self._own_topic:
                    continue
                if qos == 0:
                    self._perishable.append(Delivery(connection, mid, topic, payload, qos, now))
                elif self._has_room() or self._gets_room():
                    self._inbox.append(Delivery(connection, mid, topic, payload, qos, now))
                else:
                    self._refuse_more()
            self._changed.notify_all()

    def _gets_room(self) -> bool:
        """Let the worker take what has come so far, and wait for it to."""
        self._changed.notify_all()
        return self._changed.wait_for(self._has_room, ROOM_WITHIN_S)

    def _has_room(self) -> bool:
        return self._leaving or len(self._inbox) < self._inbox_max

    def _refuse_more(self) -> None:
        """Too much for too long: hang up unacknowledged, until half is done."""
        self._metrics.overflows.inc()
        log.warning("inbox_full", most=self._inbox_max)
        self._client.hang_up()
