"""A storm in one thread and without time (docs/reliability.md R21): cart-ingest's own pipeline, gate, isolation,
retries and rules, and the carts' own firmware, between a model of a broker and a model of a database. A seed decides
everything.

The broker keeps sessions or loses them, reuses packet ids at once, repeats only after a reconnect and sends no more
than its window. The database commits, refuses, or commits and does not say so.
"""

import contextlib
import itertools
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from threading import Event
from typing import Any
from unittest.mock import patch

import psycopg
from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode
from structlog.testing import capture_logs

from firmware_sim.device import Device, Publish
from firmware_sim.journal import Draft, Journal, Key
from services.cart_ingest.database import Database
from services.cart_ingest.gated_client import GatedClient
from services.cart_ingest.listener import Delivery, Listener
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.pipeline import Pipeline
from services.cart_ingest.presence_buffer import PresenceBuffer
from services.cart_ingest.sorting import sort_deliveries
from shared.contracts.channels import EVENTS, STATE
from shared.contracts.decode import Undecodable
from shared.contracts.events import Remove, Scan, Weight
from shared.contracts.state import Ack, CartState, WeightCheck
from shared.db.cart_log import Applied
from shared.db.incoming import Incoming
from shared.domain.cart_record import Arrival
from shared.domain.session_cart import Fact, fold
from tests.unit.domain.memory_store import MemoryStore
from tests.unit.domain.shop import APPLE, MILK

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
STORE = "main"
CARTS = 3
STEPS = 250
WINDOW = 5
BATCH_MAX = 4
PRODUCTS = {"apple": APPLE, "milk": MILK}
POISON = "poison"
PUBACK_BYTE = 0x40
QUIET_ROUNDS = 400


class ModelBroker:
    """One subscriber's session. `offences` are acknowledgements that were not due."""

    def __init__(self) -> None:
        self.offences: list[str] = []
        self.lose_session()

    def lose_session(self) -> None:
        self._known = False
        self.waiting: deque[tuple[bytes, bytes]] = deque()
        self.sent: dict[int, tuple[bytes, bytes]] = {}
        self.line: deque[int] = deque()

    def connect(self) -> bool:
        """A new connection: everything unacknowledged goes out again under its old id; gives `session_present`."""
        present, self._known = self._known, True
        self.line = deque(self.sent)
        return present

    def publish(self, topic: bytes, payload: bytes) -> None:
        """A cart's event; it is confirmed to the cart here and now."""
        if self._known:
            self.waiting.append((topic, payload))

    def next_delivery(self) -> tuple[int, bytes, bytes] | None:
        if not self.line and self.waiting and len(self.sent) < WINDOW:
            packet_id = next(one for one in itertools.count(1) if one not in self.sent)
            self.sent[packet_id] = self.waiting.popleft()
            self.line.append(packet_id)
        if not self.line:
            return None
        packet_id = self.line.popleft()
        return packet_id, *self.sent[packet_id]

    def acknowledged(self, packet_id: int) -> None:
        if packet_id not in self.sent or packet_id in self.line:
            self.offences.append(f"PUBACK {packet_id} of nothing")
        self.sent.pop(packet_id, None)
        self.line = deque(one for one in self.line if one in self.sent)


@dataclass
class ModelDatabase:
    """Carts in memory; `fate` decides about each COMMIT."""

    fate: Random
    faulty: bool = True
    carts: dict[int, MemoryStore] = field(default_factory=lambda: {cart: MemoryStore() for cart in range(1, CARTS + 1)})
    dead: dict[tuple[int, Key], bytes] = field(default_factory=dict)
    draft: dict[int, MemoryStore] = field(default_factory=dict)
    draft_dead: dict[tuple[int, Key], bytes] = field(default_factory=dict)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """As psycopg's: commits when the block ends well. Raises OperationalError before the commit, or after it."""
        self.draft, self.draft_dead = {}, {}
        yield
        outcome = self.fate.choices(("committed", "refused", "unknown"), (6, 1, 1))[0] if self.faulty else "committed"
        if outcome != "refused":
            self.carts |= self.draft
            self.dead |= self.draft_dead
        if outcome != "committed":
            raise psycopg.OperationalError("the connection is gone")

    def pipeline(self) -> contextlib.nullcontext[None]:
        """Nothing to win here: it has no round trips."""
        return contextlib.nullcontext()

    def close(self) -> None:
        pass

    def arrive(self, one: Incoming) -> None:
        store = self.draft.get(one.cart_id) or _copy(self.carts[one.cart_id])
        self.draft[one.cart_id] = store
        event = one.event
        if isinstance(event, Undecodable):
            assert event.key is not None
            store.arrive([Arrival(Fact((*event.key, 0), "unreadable"))])
            self.draft_dead[one.cart_id, event.key] = one.payload
            return
        key = (event.epoch, event.seq, 0)
        if isinstance(event, Scan | Remove):
            if event.code == POISON:
                raise psycopg.DataError("this cannot be stored")
            fact = Fact(key, event.type, code=event.code, quantity=event.quantity or 1, product=PRODUCTS[event.code])
        else:
            fact = Fact(key, "weight", total_g=event.total_g) if isinstance(event, Weight) else Fact(key, "help")
        store.arrive([Arrival(fact)])


def _copy(store: MemoryStore) -> MemoryStore:
    return replace(store, log=dict(store.log), closed=dict(store.closed), received=Counter(store.received))


class ModelClient(GatedClient):
    """The real gate; what passes it reaches the model broker."""

    broker: ModelBroker

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        """All that goes out while a batch is settled is PUBACKs of four bytes each (section 3.4)."""
        assert command == PUBACK_BYTE
        for start in range(0, len(packet), 4):
            self.broker.acknowledged(int.from_bytes(packet[start + 2 : start + 4], "big"))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def call_again(self) -> None:
        pass

    def connect_again(self) -> None:
        """What `reconnect` does before it connects, and what `on_connect` does after."""
        with self.gate:
            self.connection += 1
            self.live = True


class ModelConnection(Database):
    """The real retries, without their pauses."""

    def __init__(self, database: ModelDatabase, metrics: Metrics) -> None:
        super().__init__("", "worker", _Impatient(), metrics)
        self._database = database

    def _connected(self) -> Any:
        return self._database


class _Impatient(Event):
    def wait(self, timeout: float | None = None) -> bool:
        return False


def _apply_to_model(database: ModelDatabase, incoming: Sequence[Incoming], *_: object) -> Applied:
    for one in incoming:
        database.arrive(one)
    return Applied((), Counter(), frozenset(one.cart_id for one in incoming), ())


class Simulation:
    """`timeline` tells every step; `findings` what is wrong at the end."""

    def __init__(self, seed: int) -> None:
        self.timeline: list[str] = []
        self.findings: list[str] = []
        self._random = Random(f"{seed}/simulation")
        self._broker = ModelBroker()
        self._database = ModelDatabase(Random(f"{seed}/database"))
        self._devices = {cart: Device(Journal(epoch=1), Random(f"{seed}/{cart}")) for cart in self._database.carts}
        self._recorded: dict[int, dict[Key, bytes]] = {cart: {} for cart in self._devices}
        self._shown: dict[int, int] = dict.fromkeys(self._devices, 0)
        self._now_s = 0.0
        self._version = 0
        self._hire()

    def run(self) -> "Simulation":
        """Everything that may go wrong, then a quiet time, then the comparison."""
        with patch("services.cart_ingest.pipeline.apply_events", _apply_to_model), capture_logs():
            steps = (
                (self._shop, 30), (self._deliver, 30), (self._work, 20), (self._show, 10), (self._pass_time, 8),
                (self._break_line, 3), (self._break_while_working, 3), (self._kill_worker, 2), (self._kill_broker, 2),
                (self._cut_cart_power, 2),
            )  # fmt: skip
            for step in self._random.choices([one for one, _ in steps], [weight for _, weight in steps], k=STEPS):
                step()
            self._be_quiet()
        self._compare()
        return self

    def _hire(self) -> None:
        """A fresh worker with empty hands."""
        metrics = Metrics()
        with patch("services.cart_ingest.listener.GatedClient", ModelClient):
            self._listener = Listener(
                url="mqtt://127.0.0.1",
                name="ingest-0",
                password="",
                ca_file=None,
                share=False,
                inbox_max=1_000,
                metrics=metrics,
                on_forgetful_broker=lambda: None,
            )
        client = self._listener._client
        assert isinstance(client, ModelClient)
        self._client, self._client.broker = client, self._broker
        nothing: Any = None
        self._pipeline = Pipeline(
            name="ingest-0",
            listener=self._listener,
            database=ModelConnection(self._database, metrics),
            presence=PresenceBuffer(metrics),
            missing=nothing,
            metrics=metrics,
            batch_max=BATCH_MAX,
            on_change=lambda *_: None,
            stopping=Event(),
        )
        self._connect()

    def _connect(self) -> None:
        self._client.connect_again()
        present = self._broker.connect()
        self._tell("worker connects", present)

    def _tell(self, *what: object) -> None:
        self.timeline.append(" ".join(map(str, what)))

    def _shop(self) -> None:
        cart, random = self._random.choice(list(self._devices)), self._random
        device = self._devices[cart]
        kind = random.choices(("scan", "remove", "weight", "poison"), (10, 3, 2, 1))[0]
        code = POISON if kind == "poison" else random.choice(list(PRODUCTS))
        draft = (
            Draft(0, "weight", total_g=random.randint(1, 5_000))
            if kind == "weight"
            else Draft(0, "remove" if kind == "remove" else "scan", code=code, quantity=random.randint(1, 3))
        )
        device.journal.record(draft)
        entry = device.journal.entries[-1]
        self._recorded[cart][entry.key] = entry.payload
        self._tell("cart", cart, kind, entry.key)
        self._radio(cart, device._fill_window(self._now_s))

    def _radio(self, cart: int, messages: list[Publish]) -> None:
        topic = EVENTS.topic(store=STORE, cart=cart).encode()
        shuffled = [one for one in messages if one.key is not None for _ in range(self._random.choice((0, 1, 1, 1, 2)))]
        self._random.shuffle(shuffled)
        for one in shuffled:
            self._tell("broker takes", cart, one.key)
            self._broker.publish(topic, one.payload)

    def _deliver(self) -> None:
        found = self._broker.next_delivery()
        if found is not None:
            packet_id, topic, payload = found
            self._tell("worker is sent", packet_id)
            self._listener._inbox.append(Delivery(self._client.connection, packet_id, topic, payload, 1, NOON))

    def _work(self, *, breaks: bool = False) -> None:
        deliveries = self._listener.take(BATCH_MAX, 0.0)
        self._pipeline._commit(sort_deliveries(deliveries))
        if breaks:
            self._connect()
        self._listener.settle(deliveries)
        self._tell("worker settles", [(one.connection, one.mid) for one in deliveries])

    def _show(self) -> None:
        """One cart's state, read fresh, reaches it or not."""
        cart = self._random.choice(list(self._devices))
        if self._random.random() < 0.7:
            self._tell("cart", cart, "sees a state")
            self._radio(cart, self._devices[cart].receive_state(self._state_of(cart), self._now_s))

    def _state_of(self, cart: int) -> bytes:
        frontier = self._database.carts[cart].record.frontier
        self._version += 1
        state = CartState(
            cart_id=cart, session_id=None, version=self._version, status="idle", lines=(), notices=(), total_items=0,
            ack=Ack(epoch=frontier.epoch, seq=frontier.seq), subtotal_minor=0, discount_minor=0, total_minor=0, at=0,
            currency="EUR", weight=WeightCheck(expected_g=0, measured_g=None, tolerance_g=0, verdict="unknown"),
        )  # fmt: skip
        assert STATE.qos == 1
        return state.model_dump_json().encode()

    def _pass_time(self) -> None:
        self._now_s += 10.0
        for cart, device in self._devices.items():
            if not device.connected:
                self._radio(cart, device.connect(self._now_s))
            self._radio(cart, device.tick(self._now_s))

    def _break_line(self) -> None:
        self._connect()

    def _break_while_working(self) -> None:
        self._work(breaks=True)

    def _kill_worker(self) -> None:
        self._tell("worker dies with", self._listener.waiting)
        self._hire()

    def _kill_broker(self) -> None:
        self._tell("broker forgets", len(self._broker.waiting) + len(self._broker.sent))
        self._broker.lose_session()
        for device in self._devices.values():
            device.disconnect()
        self._connect()

    def _cut_cart_power(self) -> None:
        cart = self._random.choice(list(self._devices))
        self._tell("cart", cart, "loses its power")
        self._devices[cart].power_cut(keep_journal=True)

    def _be_quiet(self) -> None:
        self._database.faulty = False
        for _ in range(QUIET_ROUNDS):
            if not any(len(device.journal) for device in self._devices.values()) and not self._broker.sent:
                return
            self._pass_time()
            for _ in range(50):
                self._deliver()
            while self._listener.waiting:
                self._work()
            for cart, device in self._devices.items():
                self._radio(cart, device.receive_state(self._state_of(cart), self._now_s))
        self.findings.append("not everything is settled")

    def _compare(self) -> None:
        self.findings += self._broker.offences
        for cart, recorded in self._recorded.items():
            store = self._database.carts[cart]
            logged = {key[:2]: entry for key, entry in store.log.items()}
            if recorded.keys() != logged.keys():
                self.findings.append(f"cart {cart}: {sorted(recorded.keys() ^ logged.keys())} lost or phantom")
            for key, payload in recorded.items():
                is_poison = POISON.encode() in payload
                if is_poison != (logged.get(key) is not None and logged[key].verdict == "quarantined"):
                    self.findings.append(f"cart {cart}: {key} is not what was sent")
                if is_poison and self._database.dead.get((cart, key)) != payload:
                    self.findings.append(f"cart {cart}: {key} is not kept as it came")
            if store.record.session is not None:
                expected, _ = fold(sorted(store.facts_of_open_session(), key=lambda fact: fact.key))
                if store.record.session.cart != expected:
                    self.findings.append(f"cart {cart}: not the fold of its events")
