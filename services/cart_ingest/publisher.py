"""Says what carts look like now: every version that was committed and not yet confirmed by the broker is
published, read fresh at that moment, retained, and noted as published only when the broker has confirmed it.

One publisher speaks per database. Killed anywhere, the next one finds `version > published_version` and says it
again; receivers drop what they know. Nothing is left to paho's memory: after a reconnect it would send what it
still holds, which is older than what the database says by then.

Why it reads what the worker has just written: between the worker's commit and the publication the gateway, or another
worker, may have committed more. Read last and by one publisher, a version never follows a newer one.
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
from services.cart_ingest.gated_client import GatedClient, Said
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.service_client import fatal_when_it_raises
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

AWAITED_TOGETHER = 200  # carts listed, awaited and noted as published together …
SLICE = 50  # … read and sent in parts, so that the first of many are on their way while the next are read
POLL_S = 0.1  # how soon a change of the gateway, or of another worker, is noticed
STORM_ROUND_S = 0.5  # in a storm each cart is told its newest state so often; otherwise at once
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
        self._heard = threading.Condition()
        self._awaited: set[int] = set()  # packets sent on `_line` that the broker has not confirmed
        self._line = 0
        self._recent: deque[tuple[float, list[int]]] = deque()
        self._storm_until_s = 0.0
        self.took_a_breath_s = time.monotonic()
        self.is_leading = False
        self._client = client = GatedClient(
            url, name, password, ca_file, clean_session=True, on_confirmed=fatal_when_it_raises(self._on_confirmed)
        )
        client.on_connect = fatal_when_it_raises(self._on_connect)
        client.on_disconnect = fatal_when_it_raises(self._on_disconnect)

    def wake(self, in_storm: bool = False) -> None:
        """Something was committed; in a storm, so much that the same carts will have changed again in a moment."""
        if in_storm:
            self._storm_until_s = time.monotonic() + STORM_ROUND_S
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
        line = self._client.connection
        self._say_recent_again(connection)
        while not self._stopping.is_set() and self._client.connection == line and self._online.is_set():
            self.took_a_breath_s = began_s = time.monotonic()
            if self._say_all.is_set():
                self._request_everything(connection)
            self._publish_all(connection)
            self._wake.wait(POLL_S)
            if time.monotonic() < self._storm_until_s:
                self._stopping.wait(max(0.0, began_s + STORM_ROUND_S - time.monotonic()))
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
            cart_ids = list_unpublished_carts(connection, after, AWAITED_TOGETHER)
            if not cart_ids:
                return
            after = cart_ids[-1]
            said = self._say_all_of(connection, cart_ids)
            if said is None or not self._are_confirmed():
                return
            mark_published(connection, [(one.cart_id, one.version) for one in said])
            self._metrics.published.inc(len(said))
            self._remember(cart_ids)
            if len(cart_ids) < AWAITED_TOGETHER:
                return

    def _say_all_of(self, connection: Tx, cart_ids: list[int]) -> list[CartSnapshot] | None:
        """Read and send slice by slice: the broker is at work on one while the next is read. None: it hears no more."""
        with self._heard:
            self._line = self._client.connection
            self._awaited = set()
        said: list[CartSnapshot] = []
        for start in range(0, len(cart_ids), SLICE):
            self.took_a_breath_s = time.monotonic()
            snapshots, farewells = self._read(connection, cart_ids[start : start + SLICE])
            if not self._say(snapshots, farewells):
                return None
            said += snapshots
        return said

    def _remember(self, cart_ids: list[int]) -> None:
        now_s = time.monotonic()
        self._recent.append((now_s, cart_ids))
        while now_s - self._recent[0][0] > FORGOTTEN_S:
            self._recent.popleft()

    def _read(self, connection: Tx, cart_ids: list[int]) -> tuple[list[CartSnapshot], list[CartSnapshot]]:
        """These carts and the farewells that they owe, of one moment."""
        snapshots = read_cart_snapshots(connection, cart_ids)
        if not any(one.owes_farewell for one in snapshots):
            return snapshots, []
        with connection.transaction():
            connection.execute(sql("read_only_snapshot"))
            snapshots = read_cart_snapshots(connection, cart_ids)
            return snapshots, read_farewells(connection, snapshots)

    def _say(self, snapshots: Sequence[CartSnapshot], farewells: Sequence[CartSnapshot]) -> bool:
        """Send these; False when there is no connection, or another one than before."""
        now = datetime.now(UTC)
        said = [self._for_phone(one, now) for one in farewells]
        for one in snapshots:
            payload = to_state_message(one, self._currency, now, for_phone=False)
            said.append(Said(STATE.topic(store=one.store, cart=one.cart_id), payload, retain=True))
            if one.shopper_id is not None:  # a cart that is held does not show its pairing code either
                said.append(Said(SHOPPER_CART.topic(shopper=one.shopper_id), payload, SHOPPER_CART.retain))
        if not said:
            return True
        with self._heard:
            awaited = self._client.say(said) if self._client.connection == self._line else []
            self._awaited.update(awaited)
        return bool(awaited)

    def _for_phone(self, snapshot: CartSnapshot, now: datetime) -> Said:
        payload = to_state_message(snapshot, self._currency, now, for_phone=True)
        assert snapshot.shopper_id is not None
        return Said(SHOPPER_CART.topic(shopper=snapshot.shopper_id), payload, SHOPPER_CART.retain)

    def _are_confirmed(self) -> bool:
        """Wait until all that is awaited is confirmed, on the connection on which it was sent, in time."""
        deadline = time.monotonic() + CONFIRM_WITHIN_S
        with self._heard:
            while self._awaited and self._is_on(self._line) and not self._stopping.is_set():
                if time.monotonic() > deadline:
                    break
                self._heard.wait(0.25)
            missing = len(self._awaited)
        if missing and not self._stopping.is_set():
            log.warning("states_not_confirmed", states=missing)
        return not missing

    def _is_on(self, line: int) -> bool:
        return self._client.live and self._client.connection == line

    def _on_confirmed(self, mids: list[int]) -> None:
        with self._heard:
            self._awaited.difference_update(mids)
            if not self._awaited:
                self._heard.notify_all()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("broker_refused_publisher", reason=str(reason))
            return
        with self._client.gate:
            self._client.live = True
        self._online.set()

    def _on_disconnect(self, *_about: Any) -> None:
        self._online.clear()
        with self._client.gate:
            self._client.live = False
        with self._heard:
            self._heard.notify_all()
