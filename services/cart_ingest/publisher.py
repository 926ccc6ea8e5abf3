"""Says what carts look like now: every version that was committed and not yet confirmed by the broker is
published, retained, and noted as published only when the broker has confirmed it.

What the worker has just committed is said at once, when it follows from what was said before (`told`). Everything else
is found in the tables and read fresh: what the gateway or another worker changed, what shows a notice, what was missed
or lost. One publisher speaks per database. Killed anywhere, the next one finds `version > published_version` and says
it again; receivers drop what they know. Nothing is left to paho's memory: after a reconnect it would send what it
still holds, which is older than what the database says by then.
"""

import random
import time
from collections import deque
from threading import Event
from typing import Any

import structlog

from services.cart_ingest.database import FIRST_PAUSE_S, LONGEST_PAUSE_S, open_connection
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.gated_client import GatedClient
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.service_client import fatal_when_it_raises
from services.cart_ingest.told import TOGETHER, Telling, Told
from shared.db.cart_log import Applied
from shared.db.cart_states import (
    CartSnapshot,
    list_unpublished_carts,
    mark_published,
    publish_everything_again,
    publish_some_again,
    read_cart_snapshots,
    read_farewells,
)
from shared.db.leadership import Singleton, try_lead
from shared.db.queries import sql
from shared.db.types import Tx

log = structlog.get_logger()

LISTED_TOGETHER = 500  # carts; most of them are on their way already
POLL_S = 0.1  # how soon a change of the gateway, or of another worker, is noticed
NOTE_EVERY_S = 0.5  # how soon what was confirmed is noted as published; nobody waits for that
STORM_ROUND_S = 0.5  # in a storm each cart is told its newest state so often; otherwise at once
CONFIRM_WITHIN_S = 5.0
CANDIDATE_WAIT_S = 1.0
SWEEP_EVERY_S = 300.0  # a state that the broker lost, or that an older leader wrote over, is whole again within this
SWEEP_STEP_S = 1.0
SWEPT_TOGETHER = 50  # carts a step: what the others wait for them is not felt
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
        self._stopping = stopping
        self._wake = Event()
        # Set from the start: whoever was here before may have been killed while it owed the broker everything.
        self._say_all = Event()
        self._say_all.set()
        self._online = Event()
        self._told = told = Told(currency, metrics)
        self._noted_s = time.monotonic()
        self._recent: deque[tuple[float, list[int]]] = deque()
        self._storm_until_s = 0.0
        self._swept_to = 0
        self._sweep_began_s = time.monotonic()
        self._sweep_due_s = self._sweep_began_s + SWEEP_EVERY_S
        self.took_a_breath_s = time.monotonic()
        self.is_leading = False
        self._client = client = GatedClient(
            url, name, password, ca_file, clean_session=True, on_confirmed=fatal_when_it_raises(told.confirm)
        )
        client.on_connect = fatal_when_it_raises(self._on_connect)
        client.on_disconnect = fatal_when_it_raises(self._on_disconnect)

    def tell(self, applied: Applied, in_storm: bool) -> None:
        """Say what a worker has just committed, as far as that may be said without reading; the rest follows soon. In a
        storm all of it is read, later: the same carts will have changed again in a moment, and the worker is busy."""
        if in_storm:
            self._storm_until_s = time.monotonic() + STORM_ROUND_S
        else:
            follows = self._told.follow(applied.steps, applied.names)
            if self._told.say_steps() and follows and len(applied.steps) == len(applied.changed_carts):
                return
        self._wake.set()

    def wake(self) -> None:
        """Somebody else has changed carts."""
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
        self._client.leave(LEAVE_WITHIN_S)

    def _candidate(self, connection: Tx) -> None:
        """Lead once; whom the broker does not hear does not lead, so that another worker may."""
        self._say_recent_again(connection)
        while not self._stopping.is_set():
            self.took_a_breath_s = time.monotonic()
            if not self._online.wait(CANDIDATE_WAIT_S):
                continue
            if try_lead(connection, Singleton.PUBLISHER):
                log.info("publisher_leads")
                self.is_leading = True
                try:
                    self._lead(connection)
                finally:
                    self.is_leading = False
                    self._recent.append((time.monotonic(), self._told.end()))
                return
            self._stopping.wait(CANDIDATE_WAIT_S)

    def _lead(self, connection: Tx) -> None:
        line = self._client.connection
        self._told.begin(self._client, line)
        while not self._stopping.is_set() and self._client.connection == line and self._online.is_set():
            self.took_a_breath_s = began_s = time.monotonic()
            if self._say_all.is_set():
                self._request_everything(connection)
            self._sweep(connection)
            self._publish_all(connection)
            self._wake.wait(POLL_S)
            if time.monotonic() < self._storm_until_s:
                self._stopping.wait(max(0.0, began_s + STORM_ROUND_S - time.monotonic()))
            self._wake.clear()

    def _sweep(self, connection: Tx) -> None:
        """Now and then each state is said again, a few carts at a time (docs/reliability.md d.8)."""
        now_s = time.monotonic()
        if now_s < self._sweep_due_s:
            return
        if not self._swept_to:
            self._sweep_began_s = now_s
        last = publish_some_again(connection, self._swept_to, SWEPT_TOGETHER)
        self._swept_to = last or 0
        self._sweep_due_s = now_s + SWEEP_STEP_S if last else self._sweep_began_s + SWEEP_EVERY_S

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
        """After a lost connection: the broker may have been killed before it kept what it had confirmed. And another
        may lead by now, after whom we said something older: whoever leads says it again."""
        cart_ids = sorted({cart_id for _, some_ids in self._recent for cart_id in some_ids})
        if cart_ids:
            with connection.transaction():
                connection.execute(sql("request_publication"), {"cart_ids": cart_ids})
        self._recent.clear()  # from the commit on the tables remember it

    def _publish_all(self, connection: Tx) -> None:
        """Every cart once; what changes meanwhile waits for the next round, so that no cart starves."""
        said = self._say_all_there_is(connection)
        if said:
            self._told.wait_for(said, time.monotonic() + CONFIRM_WITHIN_S)
        if said or time.monotonic() - self._noted_s > NOTE_EVERY_S:
            self._note_published(connection)
        lost = self._told.forget_overdue(CONFIRM_WITHIN_S)
        if lost:
            log.warning("states_not_confirmed", states=lost)

    def _say_all_there_is(self, connection: Tx) -> list[Telling]:
        """Gives what was read and said."""
        said: list[Telling] = []
        after = 0
        while self._say_steps() and not self._stopping.is_set():
            listed = list_unpublished_carts(connection, after, LISTED_TOGETHER)
            unsaid = self._told.unsaid(listed)
            for start in range(0, len(unsaid), TOGETHER):
                self.took_a_breath_s = time.monotonic()
                told = self._read_and_say(connection, unsaid[start : start + TOGETHER])
                if told is None:
                    return said
                said += told
            if len(listed) < LISTED_TOGETHER:
                break
            after = listed[-1][0]
        return said

    def _say_steps(self) -> bool:
        while not self._told.say_steps():
            self.took_a_breath_s = time.monotonic()
            if not self._told.wait_for_room(time.monotonic() + CONFIRM_WITHIN_S):
                return False
        return True

    def _read_and_say(self, connection: Tx, cart_ids: list[int]) -> list[Telling] | None:
        """None when the broker hears no more."""
        if not self._told.wait_for_room(time.monotonic() + CONFIRM_WITHIN_S):
            return None
        return self._told.say(*self._read(connection, cart_ids))

    def _read(self, connection: Tx, cart_ids: list[int]) -> tuple[list[CartSnapshot], list[CartSnapshot]]:
        """These carts and the farewells that they owe, of one moment."""
        snapshots = read_cart_snapshots(connection, cart_ids)
        if not any(one.owes_farewell for one in snapshots):
            return snapshots, []
        with connection.transaction():
            connection.execute(sql("read_only_snapshot"))
            snapshots = read_cart_snapshots(connection, cart_ids)
            return snapshots, read_farewells(connection, snapshots)

    def _note_published(self, connection: Tx) -> None:
        self._noted_s = time.monotonic()
        confirmed = self._told.list_confirmed()
        if confirmed:
            mark_published(connection, confirmed)
            self._told.published(confirmed)
            self._recent.append((self._noted_s, [cart_id for cart_id, _ in confirmed]))
            while self._noted_s - self._recent[0][0] > FORGOTTEN_S:
                self._recent.popleft()

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
        self._told.confirm(())  # whoever waits looks up
