"""cart-ingest as a process of its own, and the people around it: carts that speak, ears that listen."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from shared.contracts.channels import EVENTS, STATE
from shared.contracts.state import CartState
from shared.db.sessions import CheckedOut, Connected, checkout, connect_cart
from tests.builders import Shop
from tests.eventually import eventually
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.integration.broker.wire import PUBACK, RawClient, publish_bytes
from tests.mosquitto import free_port

Event = dict[str, Any] | bytes


@dataclass
class IngestProgram:
    """A running worker. Its log is one JSON object a line."""

    child: "subprocess.Popen[bytes]"
    http_port: int
    log_file: Path

    def log(self) -> list[dict[str, Any]]:
        found = []
        for line in self.log_file.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def logged(self, event: str) -> int:
        """How many times this was logged."""
        return sum(1 for line in self.log() if line.get("event") == event)

    def ready(self) -> bool:
        return self._get("/readyz")[0] == 200

    def complaints(self) -> str:
        return self._get("/readyz")[1]

    def metric(self, name: str, label: str = "") -> float:
        """A counter or gauge; `label` as it is printed, `{outcome="applied"}`. 0 when it is not there yet."""
        for line in self._get("/metrics")[1].splitlines():
            key, _, value = line.rpartition(" ")
            if key == name + label:
                return float(value)
        return 0.0

    def outcome(self, name: str) -> float:
        return self.metric("ingest_outcomes_total", f'{{outcome="{name}"}}')

    def wait(self, within_s: float) -> int:
        """The exit code; raises subprocess.TimeoutExpired."""
        return self.child.wait(within_s)

    def stop(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.wait(10)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait(10)

    def _get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""


SABOTAGED = """\
import sys
from services.cart_ingest import __main__ as program
{sabotage}
program.main()
"""


@contextlib.contextmanager
def running_ingest(
    folder: Path,
    database_url: str,
    mqtt_port: int,
    *,
    name: str = "ingest-0",
    sabotage: str = "",
    wait: bool = True,
    **settings: object,
) -> Iterator[IngestProgram]:
    """Run a worker until the block ends. `sabotage` is Python that is run before its `main`; `settings` become
    environment variables. With `wait` it is ready when the block begins."""
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "DATABASE_URL": database_url,
        "MQTT_URL": f"mqtt://127.0.0.1:{mqtt_port}",
        "INGEST_NAME": name,
        "INGEST_HTTP_PORT": str(port),
        **{key.upper(): str(value) for key, value in settings.items()},
    }
    arguments = ["-c", SABOTAGED.format(sabotage=sabotage)] if sabotage else ["-m", "services.cart_ingest"]
    log_file = folder / f"{name}-{port}.log"
    with log_file.open("wb") as log:
        child = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=log, stderr=log)
    program = IngestProgram(child, port, log_file)
    try:
        if wait:
            eventually(lambda: child.poll() is not None or program.ready(), within_s=20, message="ingest is ready")
            assert child.poll() is None, log_file.read_text()
        yield program
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(10)


def events_topic(cart_id: int, store: str = "main") -> str:
    return EVENTS.topic(store=store, cart=cart_id)


def say(address: tuple[str, int], cart_id: int, events: Iterable[Event], *, name: str = "voice") -> None:
    """Publish these as a cart, QoS 1, and wait for the broker's confirmations."""
    say_on(address, [(events_topic(cart_id), event) for event in events], name=name)


def say_on(
    address: tuple[str, int], messages: Sequence[tuple[str | bytes, Event]], *, name: str = "voice", qos: int = 1
) -> None:
    """Publish on any topics."""
    with RawClient(address) as line:
        line.connect(name)
        payloads = [event if isinstance(event, bytes) else json.dumps(event).encode() for _, event in messages]
        for start in range(0, len(messages), 100):
            part = range(start, min(start + 100, len(messages)))
            for index in part:
                line.send(publish_bytes(messages[index][0], payloads[index], qos, index % 60_000 + 1))  # type: ignore[arg-type]
            for _ in part if qos else ():
                line.expect(PUBACK, within_s=20)
        line.until_pong()  # by then the broker has read what it does not confirm, too
        line.leave()


@dataclass
class Ear:
    """A subscriber that keeps everything it hears."""

    heard: list[tuple[str, bytes, bool]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def on(self, topic: str) -> list[bytes]:
        return [payload for where, payload, _ in list(self.heard) if where == topic]

    def states(self, cart_id: int, store: str = "main") -> list[CartState]:
        topic = STATE.topic(store=store, cart=cart_id)
        return [CartState.model_validate_json(payload) for payload in self.on(topic)]

    def last_state(self, cart_id: int) -> CartState:
        states = self.states(cart_id)
        assert states, "no state yet"
        return states[-1]


@contextlib.contextmanager
def listening(port: int, *filters: str, name: str = "ear") -> Iterator[Ear]:
    """Hear these filters until the block ends; connects again after a loss."""
    ear = Ear()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
    client.reconnect_delay_set(1, 1)

    def on_connect(me: mqtt.Client, *_: Any) -> None:
        me.subscribe([(one, 1) for one in filters])

    def on_subscribe(*_: Any) -> None:
        ear.ready.set()

    def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        ear.heard.append((message.topic, bytes(message.payload), message.retain))

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect("127.0.0.1", port, 15)
    client.loop_start()
    try:
        assert ear.ready.wait(10), "the broker did not answer SUBSCRIBE"
        yield ear
    finally:
        client.disconnect()
        client.loop_stop()


def retained_states(port: int) -> dict[int, CartState]:
    """What a newcomer is told about every cart."""
    with RawClient(("127.0.0.1", port)) as line:
        line.connect("newcomer")
        line.subscribe((STATE.filter, 0))
        states = [CartState.model_validate_json(told.payload) for told in line.until_pong()]
        line.leave()
    return {state.cart_id: state for state in states}


def query(url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of one statement on a connection of its own."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def counted(url: str) -> dict[str, int]:
    """The two sides of the conservation law (docs/design.md, section 4), as the tables tell them."""
    (row,) = query(
        url,
        "SELECT (SELECT coalesce(sum(received), 0) FROM delivery_count),"
        " (SELECT coalesce(sum(duplicates), 0) FROM delivery_count),"
        " (SELECT count(*) FROM cart_event WHERE source = 'cart' AND verdict <> 'quarantined'),"
        " (SELECT coalesce(sum(occurrences), 0) FROM dead_letter)",
    )
    return dict(zip(("received", "duplicates", "logged", "dead"), map(int, row), strict=True))


def settled(url: str) -> Callable[[], bool]:
    """Whether received = logged + duplicates + dead letters, and something was received."""

    def holds() -> bool:
        found = counted(url)
        return 0 < found["received"] == found["duplicates"] + found["logged"] + found["dead"]

    return holds


@contextlib.contextmanager
def proxied_database(url: str) -> Iterator[tuple[FaultProxy, str]]:
    """A fault proxy before the server's Unix socket, and the database's address through it."""
    parts = urlsplit(url)
    folder = next(value for key, value in parse_qsl(parts.query) if key == "host")
    with fault_proxy(Path(folder) / ".s.PGSQL.5432") as proxy:
        yield proxy, f"postgresql://postgres@127.0.0.1:{proxy.port}/{quote(parts.path[1:])}"


def take_cart(shop: Shop, cart_id: int, shopper_id: int) -> str:
    """The shopper's phone takes the cart; gives the session."""
    with shop.connect() as tx:
        taken = connect_cart(tx, cart_id, shopper_id, None, False, datetime.now(UTC))
        assert isinstance(taken, Connected), taken
    return str(taken.session_id)


def check_out(shop: Shop, shopper_id: int) -> None:
    """The shopper pays."""
    with shop.connect() as tx:
        paid = checkout(tx, shopper_id, "EUR", datetime.now(UTC))
        assert isinstance(paid, CheckedOut), paid
