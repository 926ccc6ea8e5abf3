"""Says what carts look like now: every version that was committed and not yet confirmed by the broker is
published, read fresh at that moment, retained, and noted as published only when the broker has confirmed it.

One publisher speaks per database. Killed anywhere, the next one finds `version > published_version` and says it
again; receivers drop what they know.
"""

import random
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from services.cart_ingest.database import FIRST_PAUSE_S, LONGEST_PAUSE_S, open_connection
from services.cart_ingest.listener import KEEPALIVE_S, RECONNECT_CAP_S, fatal_when_it_raises
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.state_message import to_state_message
from shared.contracts.channels import SHOPPER_CART, STATE
from shared.db.cart_states import (
    CartSnapshot,
    list_unpublished_carts,
    mark_published,
    publish_everything_again,
    read_cart_snapshots,
    read_farewells,
)
from shared.db.leadership import Singleton, try_lead
from shared.db.queries import sql
from shared.db.types import Tx

log = structlog.get_logger()

SLICE = 200  # carts read and published together
POLL_S = 0.1  # how soon a change of the gateway, or of another worker, is noticed
CONFIRM_WITHIN_S = 5.0
CANDIDATE_WAIT_S = 1.0


class Publisher:
    """A thread with a connection and an MQTT client of its own."""

    def __init__(
        self,
        *,
        url: str,
        name: str,
        password: str,
        ca_file: str | None,
        database_url: str,
        currency: str,
        metrics: Metrics,
        stopping: Event,
    ) -> None:
        self._where = urlsplit(url)
        self._database_url = database_url
        self._name = name
        self._currency = currency
        self._metrics = metrics
        self._stopping = stopping
        self._wake = Event()
        self._say_all = Event()
        self._confirmation = threading.Condition()
        self._confirmed: set[int] = set()
        self.took_a_breath_s = time.monotonic()
        self.is_leading = False
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=True, protocol=mqtt.MQTTv311
        )
        client.username_pw_set(name, password)
        client.max_inflight_messages_set(SLICE * 2)
        client.max_queued_messages_set(SLICE * 4)
        client.reconnect_delay_set(1, RECONNECT_CAP_S)
        client.on_publish = fatal_when_it_raises(self._on_publish)
        client.on_connect = fatal_when_it_raises(self._on_connect)
        if self._where.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context(cafile=ca_file))

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    def say_everything_again(self) -> None:
        """The broker has lost its memory."""
        self._say_all.set()
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    @property
    def is_alive(self) -> bool:
        """False when paho's thread has died."""
        thread = self._client._thread
        return thread is None or thread.is_alive()

    def run(self) -> None:
        """Lead when nobody else does, and publish, until asked to stop."""
        port = self._where.port or (8883 if self._where.scheme == "mqtts" else 1883)
        self._client.connect_async(self._where.hostname or "127.0.0.1", port, KEEPALIVE_S)
        self._client.loop_start()
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                with open_connection(self._database_url, self._name) as connection:
                    pause_s = FIRST_PAUSE_S
                    self._candidate(connection)
            except psycopg.OperationalError as problem:
                self.took_a_breath_s = time.monotonic()
                log.warning("publisher_database_away", problem=type(problem).__name__, again_in_s=pause_s)
                self._stopping.wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            finally:
                self.is_leading = False
        self._client.disconnect()
        self._client.loop_stop()

    def _candidate(self, connection: Tx) -> None:
        while not self._stopping.is_set():
            self.took_a_breath_s = time.monotonic()
            if try_lead(connection, Singleton.PUBLISHER):
                log.info("publisher_leads")
                self.is_leading = True
                self._lead(connection)
                return
            self._stopping.wait(CANDIDATE_WAIT_S)

    def _lead(self, connection: Tx) -> None:
        while not self._stopping.is_set():
            self._wake.wait(POLL_S)
            self._wake.clear()
            self.took_a_breath_s = time.monotonic()
            if not self._client.is_connected():
                continue
            if self._say_all.is_set():
                self._say_all.clear()
                with connection.transaction():
                    log.info("publishing_everything_again", carts=publish_everything_again(connection))
            self._publish_all(connection)

    def _publish_all(self, connection: Tx) -> None:
        """Every cart once; what changes meanwhile waits for the next round, so that no cart starves."""
        after = 0
        while not self._stopping.is_set():
            cart_ids = list_unpublished_carts(connection, after, SLICE)
            if not cart_ids:
                return
            after = cart_ids[-1]
            self.took_a_breath_s = time.monotonic()
            with connection.transaction():
                connection.execute(sql("read_only_snapshot"))
                snapshots = read_cart_snapshots(connection, cart_ids)
                farewells = read_farewells(connection, snapshots)
            if not self._publish(snapshots, farewells):
                return
            with connection.transaction():
                mark_published(connection, [(one.cart_id, one.version) for one in snapshots])
            self._metrics.published.inc(len(snapshots))

    def _publish(self, snapshots: Sequence[CartSnapshot], farewells: Sequence[CartSnapshot]) -> bool:
        """Send these and wait for the broker's confirmations; False when some did not come."""
        now = datetime.now(UTC)
        awaited: list[int] = []
        for one in farewells:
            awaited.append(self._send_to_phone(one, now))
        for one in snapshots:
            payload = to_state_message(one, self._currency, now, for_phone=False)
            awaited.append(self._send(STATE.topic(store=one.store, cart=one.cart_id), payload, retain=True))
            if one.shopper_id is not None:
                awaited.append(self._send_to_phone(one, now))
        return self._wait_for(awaited)

    def _send_to_phone(self, snapshot: CartSnapshot, now: datetime) -> int:
        assert snapshot.shopper_id is not None
        payload = to_state_message(snapshot, self._currency, now, for_phone=True)
        return self._send(SHOPPER_CART.topic(shopper=snapshot.shopper_id), payload, retain=SHOPPER_CART.retain)

    def _send(self, topic: str, payload: bytes, *, retain: bool) -> int:
        # No lock of ours is held here: paho takes its own, and holds it while it calls `_on_publish`.
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def _wait_for(self, awaited: Sequence[int]) -> bool:
        mine = set(awaited)
        with self._confirmation:
            self._confirmation.wait_for(
                lambda: mine <= self._confirmed or self._stopping.is_set(), timeout=CONFIRM_WITHIN_S
            )
            missing = mine - self._confirmed
            self._confirmed.clear()
        if missing and not self._stopping.is_set():
            log.warning("states_not_confirmed", states=len(missing))
        return not missing

    def _on_publish(self, _client: Any, _data: Any, mid: int, *_more: Any) -> None:
        with self._confirmation:
            self._confirmed.add(mid)
            self._confirmation.notify()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("broker_refused_publisher", reason=str(reason))
            return
        self._wake.set()
