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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg

from services.operations.demo_store import load_demo_store
from services.stack.address import StackAddress
from services.stack.child import Command, end, kill_group, spawn
from services.stack.folder import StackFolder
from services.stack.parts import Part, broker_part, gateway_part, ingest_part, part_environment, postgres_part
from services.stack.ports import HOST, claim_ports
from services.stack.postgres import Cluster, clear_leftovers, ensure_database, server_processes
from services.stack.up import migrate_database
from tests.conftest import memory_folder
from tests.eventually import eventually
from tests.fault_proxy import FaultProxy, Way
from tests.storms.timeline import LineName, PartName

ONE_TIME_CODE = "424242"
READY_WITHIN_S = 60.0
UNEXPECTED_DOWN_S = 0.2
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


class Stage:
    """All methods belong to the main thread: the kernel ends the parts when the thread that started them ends."""

    def __init__(self, folder: StackFolder, cluster: Cluster, sabotage: str = "") -> None:
        """`sabotage` is Python that is run in cart-ingest before its `main`."""
        self.folder = folder
        self.unexpected: list[UnexpectedEnd] = []
        self._cluster = cluster
        ports = claim_ports({"http": 0, "mqtt": 0, "ws": 0, "metrics": 0})
        self.address = StackAddress(
            database_url=cluster.url(),
            mqtt_url=f"mqtt://{HOST}:{ports['mqtt']}",
            mqtt_ws_url=f"ws://{HOST}:{ports['ws']}",
            http_url=f"http://{HOST}:{ports['http']}",
        )
        broker_address = (HOST, ports["mqtt"])
        self.lines: dict[LineName, Line] = {
            "database": Line(cluster.socket_dir / ".s.PGSQL.5432"),
            "ingest to broker": Line(broker_address),
            "carts to broker": Line(broker_address),
        }
        self.carts_url = f"mqtt://{HOST}:{self.lines['carts to broker'].port}"
        told = part_environment(folder, self.address, _environment(), own_broker=True)
        proxied = {
            **told,
            "DATABASE_URL": f"postgresql://postgres@{HOST}:{self.lines['database'].port}/smartcart",
            "MQTT_URL": f"mqtt://{HOST}:{self.lines['ingest to broker'].port}",
        }
        self._players: dict[PartName, Player] = {
            "postgres": Player(postgres_part(cluster)),
            "broker": Player(broker_part(ports, told)),
            "ingest": Player(_sabotaged(ingest_part(ports, proxied), proxied, ports, sabotage)),
            "gateway": Player(gateway_part(ports, self.address, proxied)),
        }

    def open(self) -> None:
        """Start everything, in order, with the demo store in the database."""
        self._start_and_wait("postgres")
        ensure_database(self._cluster)
        migrate_database(self.address.database_url)
        with psycopg.connect(self.address.database_url, autocommit=True) as connection:
            load_demo_store(connection)
        for name in ("broker", "ingest", "gateway"):
            self._start_and_wait(name)

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

    def freeze(self, name: PartName) -> int:
        """SIGSTOP; gives the pid to thaw."""
        child = self._wait_for(name).child
        assert child is not None
        child.send_signal(signal.SIGSTOP)
        return child.pid

    def thaw(self, name: PartName, pid: int) -> None:
        """SIGCONT, if it is still the same process."""
        child = self._players[name].child
        if child is not None and child.pid == pid:
            child.send_signal(signal.SIGCONT)

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
                player.child.send_signal(signal.SIGCONT)
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

    def _start_and_wait(self, name: str) -> None:
        player = next(each for each in self._players.values() if each.part.name == name)
        self._start(player)
        eventually(lambda: player.part.is_ready(), within_s=READY_WITHIN_S, message=f"{name} is ready")

    def _start(self, player: Player) -> None:
        player.start_at_s = None
        player.child = spawn(
            player.part.command(), self.folder.log_file(player.part.name), death_signal=player.part.death_signal
        )

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
def open_stage(sabotage: str = "") -> Iterator[Stage]:
    """A stage with everything running, in a folder of its own."""
    root = Path(tempfile.mkdtemp(prefix="smartcart-storm-", dir=memory_folder()))
    folder = StackFolder.at(root)
    folder.make()
    try:
        with folder.postgres_cluster() as cluster:
            stage = Stage(folder, cluster, sabotage)
            try:
                stage.open()
                yield stage
            finally:
                stage.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(_FOREIGN)}
    return {**kept, "FIXED_OTP": ONE_TIME_CODE}


def _sabotaged(part: Part, environment: Mapping[str, str], ports: Mapping[str, int], sabotage: str) -> Part:
    if not sabotage:
        return part
    command = part.command()
    spoilt = Command((sys.executable, "-c", SABOTAGED.format(sabotage=sabotage)), command.environment)
    return replace(part, command=lambda: spoilt)
