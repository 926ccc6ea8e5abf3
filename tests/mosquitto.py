"""Starting a real Mosquitto with the production configuration, for tests and measurements."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.mosquitto.render import Ports, Tls, find_plugin, render_config
from shared.mosquitto.rights import Account
from tests.eventually import eventually

needs_mosquitto = pytest.mark.skipif(
    shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None,
    reason="needs Mosquitto: apt-get install mosquitto",
)


@dataclass(frozen=True)
class MosquittoAddress:
    """Where it listens, and its process id; `control_port` with an `admin_password` only."""

    host: str
    port: int
    ws_port: int | None
    pid: int
    control_port: int | None = None


@contextlib.contextmanager
def start_mosquitto(
    folder: Path,
    accounts: Iterable[Account] = (),
    *,
    port: int = 0,
    ws_port: int | None = None,
    control_port: int | None = None,
    anyone: bool = False,
    keep: bool = False,
    admin_password: str | None = None,
    tls: Tls | None = None,
) -> Iterator[MosquittoAddress]:
    """Run Mosquitto until the block ends; `anyone` leaves out identities and rights, for tests of the protocol.

    A second start with the same folder and ports finds the persisted sessions of the first; with `keep` it also
    keeps the configuration and accounts. WebSocket only with a `ws_port`: not every package is built with it.
    """
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, "needs Mosquitto: apt-get install mosquitto"
    port = port or free_port()
    if admin_password is not None and control_port is None:
        control_port = free_port()
    config = folder / "mosquitto.conf"
    if anyone:
        config.write_text(_PROTOCOL_ONLY.format(port=port))
    elif not keep:
        plugin = find_plugin()
        assert plugin is not None, "Mosquitto's dynamic security plugin is missing"
        render_config(
            folder,
            Ports(port, ws_port, control_port),
            accounts,
            plugin=plugin,
            user=getpass.getuser(),
            admin_password=admin_password,
            tls=tls,
        )
    with (folder / "mosquitto.log").open("ab") as log:
        child = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
    try:
        eventually(
            lambda: all(_accepts(each) for each in (port, ws_port, control_port) if each is not None),
            within_s=30,  # a busy machine
            message=f"Mosquitto: {folder}/mosquitto.log",
        )
        yield MosquittoAddress("127.0.0.1", port, ws_port, child.pid, control_port)
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


_PROTOCOL_ONLY = """\
allow_anonymous true
allow_zero_length_clientid true
allow_duplicate_messages true
max_packet_size 16384
listener {port} 127.0.0.1
persistence false
max_inflight_messages 20
max_queued_messages 100000
sys_interval 1
log_dest stderr
log_type error
"""
