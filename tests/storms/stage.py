"""The place where a storm happens: the parts of a stack as processes of ours, with a fault proxy on each line.

The supervisor is not here: a storm decides itself who dies when and comes back when, more often than a supervisor
that backs off would allow.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg

from firmware_sim.cart import CartCredential
from services.operations.demo_store import load_demo_store
from services.stack.address import StackAddress
from services.stack.child import Command, end, kill_group, spawn
from services.stack.folder import StackFolder
from services.stack.parts import Part, gateway_part, ingest_part, part_environment, postgres_part
from services.stack.ports import HOST, claim_ports
from services.stack.postgres import Cluster, clear_leftovers, ensure_database, server_processes
from services.stack.up import migrate_database
from shared.db.carts import add_carts
from tests.conftest import memory_folder
from tests.eventually import eventually
from tests.fault_proxy import FaultProxy, Way
from tests.storms.brokers import BrokerKind, let_in, make_broker
from tests.storms.timeline import SLICE_BYTES, LineName, PartName
from tests.storms.wire_watch import WireWatch

WORKERS: tuple[PartName, ...] = ("ingest", "ingest-1", "ingest-2", "ingest-3")
ONE_TIME_CODE = "424242"
READY_WITHIN_S = 60.0
UNEXPECTED_DOWN_S = 0.2
FULL_SLICE_BYTES = 65_536
_FOREIGN = ("_URL", "_PORT", "_SECRET", "_PASSWORD")

SABOTAGED = """\
from services.cart_ingest import __main__ as program
{sabotage}
program.main()
"""


@dataclass
class Player:
    """One part on stage. `start_at_s` is set while it is down."""

    part: Part
    child: "subprocess.Popen[bytes] | None" = None
    start_at_s: float | None = 0.0


@dataclass(frozen=True)
class UnexpectedEnd:
    """A part that ended although nobody killed it."""

    part: str
    code: int
    last_words: str


class Line(FaultProxy):
    """A connection between two parts that can fall silent and speak again without forgetting its traps."""

    silent = False

    def is_silent(self, way: Way) -> bool:
        return self.silent

    def slow_down(self, latency_s: float) -> None:
        """From now on everything comes in small pieces, each this late; 0 ends that."""
        self.latency_s = latency_s
        self.slice_bytes = SLICE_BYTES if latency_s else FULL_SLICE_BYTES


class Stage:
    """All methods belong to the main thread: the kernel ends the parts when the thread that started them ends."""

    def __init__(self, folder: StackFolder, cluster: Cluster, broker: BrokerKind) -> None:
        self.folder = folder
        self.broker: BrokerKind = broker
        self.unexpected: list[UnexpectedEnd] = []
        self.started_s: dict[str, float] = defaultdict(float)
        self.wire = WireWatch()
        self.credentials: list[CartCredential] = []
        self._cluster = cluster
        self._ports = ports = claim_ports({"http": 0, "mqtt": 0, "ws": 0, "control": 0, **dict.fromkeys(WORKERS, 0)})
        self.address = StackAddress(
            database_url=cluster.url(),
            mqtt_url=f"mqtt://{HOST}:{ports['mqtt']}",
            mqtt_ws_url=f"ws://{HOST}:{ports['ws']}",
            http_url=f"http://{HOST}:{ports['http']}",
        )
        broker_address = (HOST, ports["mqtt"])
        self.lines: dict[LineName, Line] = {
            "database": Line(cluster.socket_dir / ".s.PGSQL.5432"),
            "ingest to broker": Line(broker_address, self.wire),
            "carts to broker": Line(broker_address),
        }
        self.carts_url = f"mqtt://{HOST}:{self.lines['carts to broker'].port}"
        self._players: dict[PartName, Player] = {"postgres": Player(postgres_part(cluster))}

    def open(self, *, carts: int, workers: int, preparation: str, sabotage: str, proxied: bool) -> None:
        """Start everything, in order, with the demo store in the database."""
        self._start_and_wait(["postgres"])
        ensure_database(self._cluster)
        migrate_database(self.address.database_url)
        with psycopg.connect(self.address.database_url, autocommit=True) as connection:
            load_demo_store(connection)
            if preparation:
                connection.execute(preparation)
            added = add_carts(connection, "main", carts)
        self.credentials = [CartCredential(one.cart_id, one.store, one.username, one.password) for one in added]
        self._cast(WORKERS[:workers], sabotage, proxied)
        self._start_and_wait([name for name in self._players if name != "postgres"])
        let_in(self.broker, self._ports, self.credentials)

    def _cast(self, staffed: Sequence[PartName], sabotage: str, proxied: bool) -> None:
        told = part_environment(self.folder, self.address, _environment(), own_broker=True, simulated=True)
        to_others = dict(told)
        if proxied:
            to_others["DATABASE_URL"] = f"postgresql://postgres@{HOST}:{self.lines['database'].port}/smartcart"
            to_others["MQTT_URL"] = f"mqtt://{HOST}:{self.lines['ingest to broker'].port}"
        ports, folder = self._ports, self.folder.root / "mosquitto"
        self._players["broker"] = Player(make_broker(self.broker, folder, ports, told))
        for number, name in enumerate(staffed):
            environment = {**to_others, "INGEST_NAME": f"ingest-{number}"}
            self._players[name] = Player(_make_worker(name, ports[name], environment, sabotage))
        metrics_port = {**ports, "metrics": ports["ingest"]}
        self._players["gateway"] = Player(gateway_part(metrics_port, self.address, to_others))

    def pid(self, name: PartName) -> int:
        """Of a part that runs."""
        child = self._players[name].child
        assert child is not None
        return child.pid

    def log(self, name: PartName) -> str:
        """Everything that a part has said."""
        return self.folder.log_file(name).read_text(errors="replace")

    def tend(self) -> None:
        """Start what is due, and notice what ended by itself; call it often."""
        now_s = time.monotonic()
        for player in self._players.values():
            if player.child is not None and player.child.poll() is not None:
                self._note_end(player)
            if player.child is None and player.start_at_s is not None and now_s >= player.start_at_s:
                self._start(player)

    def kill(self, name: PartName, down_s: float) -> None:
        """SIGKILL, once the part is there to be killed."""
        player = self._wait_for(name)
        assert player.child is not None
        os.kill(player.child.pid, signal.SIGKILL)
        player.child.wait()
        self._down(player, down_s)

    def cut_power(self, down_s: float) -> None:
        """SIGKILL to all processes of all parts, once all are there."""
        eventually(self._are_all_there)
        helpers = server_processes(self._cluster.data_dir)
        children = [player.child for player in self._players.values() if player.child is not None]
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
        for helper in helpers:
            with contextlib.suppress(psutil.NoSuchProcess):
                helper.kill()
        for player in self._players.values():
            self._down(player, down_s)

    def freeze(self, name: PartName) -> list[psutil.Process]:
        """SIGSTOP; gives what is to be thawed. All processes of a server that has several."""
        child = self._wait_for(name).child
        assert child is not None
        frozen = server_processes(self._cluster.data_dir) if name == "postgres" else [psutil.Process(child.pid)]
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        return frozen

    def thaw(self, frozen: Sequence[psutil.Process]) -> None:
        """SIGCONT to those that are still there."""
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def is_ready(self) -> bool:
        """Whether every part is there and says that it can work."""
        self.tend()
        return all(player.child is not None and player.part.is_ready() for player in self._players.values())

    def close(self) -> None:
        """Stop everything; nothing is left."""
        for line in self.lines.values():
            line.close()
        for player in reversed(self._players.values()):
            if player.child is not None:
                self.thaw([psutil.Process(player.child.pid)])
                end(player.child, sent=player.part.stop_signal, within_s=player.part.stop_within_s)
        clear_leftovers(self._cluster)

    def _are_all_there(self) -> bool:
        self.tend()
        return all(player.child is not None for player in self._players.values())

    def _wait_for(self, name: PartName) -> Player:
        player = self._players[name]

        def is_there() -> bool:
            self.tend()
            return player.child is not None

        eventually(is_there)
        return player

    def _start_and_wait(self, names: Sequence[PartName]) -> None:
        players = [self._players[name] for name in names]
        for player in players:
            self._start(player)
        for player in players:
            eventually(lambda: player.part.is_ready(), within_s=READY_WITHIN_S, message=f"{player.part.name} is ready")  # noqa: B023

    def _start(self, player: Player) -> None:
        player.start_at_s = None
        part = player.part
        player.child = spawn(part.command(), self.folder.log_file(part.name), death_signal=part.death_signal)
        self.started_s[part.name] = time.monotonic()

    def _down(self, player: Player, down_s: float) -> None:
        assert player.child is not None
        kill_group(player.child)
        player.child = None
        player.start_at_s = time.monotonic() + down_s

    def _note_end(self, player: Player) -> None:
        assert player.child is not None
        log = self.folder.log_file(player.part.name).read_text(errors="replace").splitlines()
        last_words = next((line for line in reversed(log) if line.strip()), "")
        self.unexpected.append(UnexpectedEnd(player.part.name, player.child.returncode, last_words[:500]))
        self._down(player, UNEXPECTED_DOWN_S)


@contextlib.contextmanager
def open_stage(
    broker: BrokerKind,
    *,
    carts: int,
    workers: int = 1,
    preparation: str = "",
    sabotage: str = "",
    proxied: bool = True,
) -> Iterator[Stage]:
    """A stage with everything running, in a folder of its own. `preparation` is SQL that is run once; `sabotage` is
    Python that is run in each cart-ingest before its `main`. Without `proxied` no fault can happen on its lines, and
    what is measured has not gone through us."""
    root = Path(tempfile.mkdtemp(prefix="smartcart-storm-", dir=memory_folder()))
    folder = StackFolder.at(root)
    folder.make()
    folder.secrets()  # before there is a database that was kept under others
    try:
        with folder.postgres_cluster() as cluster:
            stage = Stage(folder, cluster, broker)
            try:
                stage.open(carts=carts, workers=workers, preparation=preparation, sabotage=sabotage, proxied=proxied)
                yield stage
            finally:
                stage.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(_FOREIGN)}
    # One phone repeats a command faster than any thumb: a shopper's own rate is not what a storm is about.
    eager = {"READS_PER_SHOPPER_PER_MINUTE": "1000000", "WRITES_PER_SHOPPER_PER_MINUTE": "1000000"}
    return {**kept, **eager, "FIXED_OTP": ONE_TIME_CODE}


def _make_worker(name: str, http_port: int, environment: Mapping[str, str], sabotage: str) -> Part:
    part = replace(ingest_part({"metrics": http_port}, environment), name=name)
    if not sabotage:
        return part
    spoilt = Command((sys.executable, "-c", SABOTAGED.format(sabotage=sabotage)), part.command().environment)
    return replace(part, command=lambda: spoilt)
