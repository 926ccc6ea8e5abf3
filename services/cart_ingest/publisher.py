"""Says what carts look like now: every version that was committed and not yet confirmed by the broker is
published, read fresh at that moment, retained, and noted as published only when the broker has confirmed it.

One publisher speaks per database. Killed anywhere, the next one finds `version > published_version` and says it
again; receivers drop what they know. Nothing is left to paho's memory: after a reconnect it would send what it
still holds, which is older than what the database says by then.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any

import structlog

from services.cart_ingest.database import FIRST_PAUSE_S, LONGEST_PAUSE_S, open_connection
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.service_client import ServiceClient, fatal_when_it_raises
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
FORGOTTEN_S = 5.0  # what a killed broker may have confirmed and lost: Mosquitto writes once a second
LEAVE_WITHIN_S = 1.0


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
        self._database_url = database_url
        self._name = name
        self._currency = currency
        self._metrics = metrics
        self._stopping = stopping
        self._wake = Event()
        # Set from the start: whoever was here before may have been killed while it owed the broker everything.
        self._say_all = Event()
        self._say_all.set()
        self._online = Event()
        self._line = 0  # counts connections to the broker: what was sent on one is confirmed on it, or not at all
        # Never held while calling paho: it calls on_publish under the very lock that publish needs.
        self._heard = threading.Condition()
        self._confirmed: set[int] = set()
        self._awaited: set[int] = set()
        self._recent: deque[tuple[float, list[int]]] = deque()
        self.took_a_breath_s = time.monotonic()
        self.is_leading = False
        self._client = client = ServiceClient(url, name, password, ca_file, clean_session=True)
        client.max_inflight_messages_set(SLICE * 2)
        client.on_publish = fatal_when_it_raises(self._on_publish)
        client.on_connect = fatal_when_it_raises(self._on_connect)
        client.on_disconnect = fatal_when_it_raises(self._on_disconnect)

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    def say_everything_again(self) -> None:
        """The broker has lost its memory."""
        self._say_all.set()
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        return self._online.is_set()

    def run(self) -> None:
        """Lead when nobody else does, and publish, until asked to stop. Raises what only a person can mend."""
        self._client.begin()
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                with open_connection(self._database_url, self._name) as connection:
                    pause_s = FIRST_PAUSE_S
                    self._candidate(connection)
            except Exception as problem:
                if classify(problem) is not Fault.PASSING:
                    raise
                self.took_a_breath_s = time.monotonic()
                log.warning("publisher_database_away", problem=type(problem).__name__, again_in_s=pause_s)
                self._stopping.wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            finally:
                self.is_leading = False
        self._client.leave(LEAVE_WITHIN_S)

    def _candidate(self, connection: Tx) -> None:
        """Lead once; whom the broker does not hear does not lead, so that another worker may."""
        while not self._stopping.is_set():
            self.took_a_breath_s = time.monotonic()
            if not self._online.wait(CANDIDATE_WAIT_S):
                continue
            if try_lead(connection, Singleton.PUBLISHER):
                log.info("publisher_leads")
                self.is_leading = True
                self._lead(connection)
                return
            self._stopping.wait(CANDIDATE_WAIT_S)

    def _lead(self, connection: Tx) -> None:
        line = self._line
        self._say_recent_again(connection)
        while not self._stopping.is_set() and self._line == line and self._online.is_set():
            self.took_a_breath_s = time.monotonic()
            if self._say_all.is_set():
                self._request_everything(connection)
            self._publish_all(connection)
            self._wake.wait(POLL_S)
            self._wake.clear()

    def _request_everything(self, connection: Tx) -> None:
        """From the commit on the tables remember it; until then we do, whatever the database does."""
        self._say_all.clear()
        try:
            with connection.transaction():
                log.info("publishing_everything_again", carts=publish_everything_again(connection))
        except BaseException:
            self._say_all.set()
            raise

    def _say_recent_again(self, connection: Tx) -> None:
        """After a reconnect: the broker may have been killed before it kept what it had confirmed."""
        cart_ids = sorted({cart_id for _, slice_ids in self._recent for cart_id in slice_ids})
        if cart_ids:
            with connection.transaction():
                connection.execute(sql("request_publication"), {"cart_ids": cart_ids})

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
            self._remember(cart_ids)

    def _remember(self, cart_ids: list[int]) -> None:
        now_s = time.monotonic()
        self._recent.append((now_s, cart_ids))
        while now_s - self._recent[0][0] > FORGOTTEN_S:
            self._recent.popleft()

    def _publish(self, snapshots: Sequence[CartSnapshot], farewells: Sequence[CartSnapshot]) -> bool:
        """Send these and wait for the broker's confirmations; False when some did not come."""
        now = datetime.now(UTC)
        with self._heard:
            line = self._line
            self._confirmed.clear()
        sent: set[int] = set()
        for one in farewells:
            sent.add(self._send_to_phone(one, now))
        for one in snapshots:
            payload = to_state_message(one, self._currency, now, for_phone=False)
            sent.add(self._send(STATE.topic(store=one.store, cart=one.cart_id), payload, retain=True))
            if one.shopper_id is not None:
                sent.add(self._send_to_phone(one, now))
        return self._are_confirmed(sent, line)

    def _send_to_phone(self, snapshot: CartSnapshot, now: datetime) -> int:
        assert snapshot.shopper_id is not None
        payload = to_state_message(snapshot, self._currency, now, for_phone=True)
        return self._send(SHOPPER_CART.topic(shopper=snapshot.shopper_id), payload, retain=SHOPPER_CART.retain)

    def _send(self, topic: str, payload: bytes, *, retain: bool) -> int:
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def _are_confirmed(self, sent: set[int], line: int) -> bool:
        """Wait until all of these are confirmed, on the connection on which they were sent, in time."""
        deadline = time.monotonic() + CONFIRM_WITHIN_S
        with self._heard:
            self._awaited = sent - self._confirmed
            while self._awaited and self._line == line and not self._stopping.is_set():
                if time.monotonic() > deadline:
                    break
                self._heard.wait(0.25)
            missing = len(self._awaited) if self._line == line else len(sent)
        if missing and not self._stopping.is_set():
            log.warning("states_not_confirmed", states=missing)
        return not missing

    def _on_publish(self, _client: Any, _data: Any, mid: int, *_more: Any) -> None:
        with self._heard:
            self._confirmed.add(mid)
            self._awaited.discard(mid)
            if not self._awaited:
                self._heard.notify_all()

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("broker_refused_publisher", reason=str(reason))
            return
        client.drop_out_messages()
        self._online.set()

    def _on_disconnect(self, *_about: Any) -> None:
        self._online.clear()
        with self._heard:
            self._line += 1
            self._heard.notify_all()
