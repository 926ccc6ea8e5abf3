"""Ingest against a naive worker, side by side in one run, over a real Mosquitto when installed and over the
embedded broker.

    python -m tests.bench.ingest [--events 20000] [--carts 200] [--rounds 3] [--json]

Starts its own PostgreSQL (synchronous_commit on) and brokers, prints one table: events per second of both workers
(medians), their ratio, and the time from a cart's publish to the state that acknowledges it, at 200 events/s.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from services.stack.child import end, spawn
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers
from shared import access
from shared.db.migrate import apply_migrations
from shared.mosquitto.rights import Account
from tests.bench.carts_on_sockets import close_carts, connect_carts, pace, pump, scan_packet
from tests.builders import BUTTER, OAT_DRINK, RYE_BREAD, Shop, build_shop
from tests.eventually import eventually
from tests.mosquitto import free_port, start_mosquitto

CODES = (OAT_DRINK, RYE_BREAD, BUTTER)
LATENCY_RATE_PER_S = 200.0
LATENCY_CARTS = 50
SERVICE_PASSWORD = secrets.token_hex(32)
TOKEN_SECRET = secrets.token_hex(32)


@dataclass(frozen=True)
class Measured:
    """One broker's figures; rates in events/s, times in milliseconds."""

    broker: str
    ours_per_s: float
    naive_per_s: float
    ratio: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    options = _options()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="smartcart-bench-") as folder, _postgres(Path(folder)) as cluster:
        shops = _Shops(cluster, max(options.carts, LATENCY_CARTS))
        found = []
        for name in ("mosquitto", "embedded"):
            if name == "mosquitto" and shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
                console.print("Mosquitto is not installed (apt-get install mosquitto): measured without it")
                continue
            with console.status(f"measuring over {name}"):
                found.append(_measure(name, Path(folder), shops, options))
    if options.json:
        print(json.dumps([asdict(one) for one in found]))
        return
    _show(found, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="events for ours; the naive worker gets a tenth")
    parser.add_argument("--carts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="how long latency is measured")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class _Shops:
    """A fresh database with the same carts for each measurement."""

    def __init__(self, cluster: Cluster, carts: int) -> None:
        self._cluster = cluster
        self._carts = carts

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Shop]:
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self._cluster.url("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
            url = self._cluster.url(name)
            apply_migrations(url)
            yield build_shop(url, carts=self._carts, shoppers=0)
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _measure(broker: str, folder: Path, shops: _Shops, options: argparse.Namespace) -> Measured:
    ours, naive = [], []
    for _ in range(options.rounds):
        for kind, rates, events in (("ours", ours, options.events), ("naive", naive, options.events // 10)):
            with shops.fresh() as shop, _broker(broker, folder, shop) as port, _worker(kind, shop, port):
                rates.append(_throughput(shop, port, events, options.carts))
    with shops.fresh() as shop, _broker(broker, folder, shop) as port, _worker("ours", shop, port):
        times_s = sorted(_latency(shop, port, options.seconds))
    return Measured(
        broker,
        statistics.median(ours),
        statistics.median(naive),
        statistics.median(one / other for one, other in zip(ours, naive, strict=True)),
        1000 * times_s[len(times_s) // 2],
        1000 * times_s[int(len(times_s) * 0.99)],
    )


def _throughput(shop: Shop, port: int, events: int, carts: int) -> float:
    passwords = {cart: shop.passwords[cart] for cart in shop.carts[:carts]}
    bare = connect_carts("127.0.0.1", port, passwords, hear_states=False)
    each = events // carts
    for cart in bare:
        packets = [scan_packet(cart.cart_id, seq, CODES[seq % len(CODES)]) for seq in range(1, each + 1)]
        cart.outgoing = b"".join(packets)
    with psycopg.connect(shop.url, autocommit=True) as watcher:

        def is_done() -> bool:
            row = watcher.execute("SELECT sum(ack_seq) FROM cart").fetchone()
            return row is not None and row[0] == each * carts

        started_s = time.monotonic()
        pump(bare, is_done, limit_s=180)
        took_s = time.monotonic() - started_s
    close_carts(bare)
    return each * carts / took_s


def _latency(shop: Shop, port: int, for_s: float) -> list[float]:
    passwords = {cart: shop.passwords[cart] for cart in shop.carts[:LATENCY_CARTS]}
    bare = connect_carts("127.0.0.1", port, passwords, hear_states=True)
    each = int(LATENCY_RATE_PER_S * for_s / LATENCY_CARTS) + 1
    for cart in bare:
        cart.packets = [scan_packet(cart.cart_id, seq, CODES[seq % len(CODES)]) for seq in range(1, each + 1)]
    times_s = pace(bare, LATENCY_RATE_PER_S, for_s)
    close_carts(bare)
    expected = int(LATENCY_RATE_PER_S * for_s)
    assert len(times_s) == expected, f"{expected - len(times_s)} of {expected} events were never acknowledged"
    return times_s


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder / "postgres", folder / "socket")
    prepare_cluster(cluster)
    server = spawn(server_command(cluster), folder / "postgres.log", death_signal=signal.SIGQUIT)
    try:
        wait_until_answers(cluster, server)
        yield cluster
    finally:
        end(server, sent=signal.SIGINT, within_s=10)


@contextlib.contextmanager
def _broker(name: str, folder: Path, shop: Shop) -> Iterator[int]:
    place = folder / f"{name}-{secrets.token_hex(4)}"
    place.mkdir(mode=0o755)
    if name == "mosquitto":
        services = [access.ServiceIdentity(user) for user in ("ingest-0", "publisher-0")]
        accounts = [Account(identity, SERVICE_PASSWORD) for identity in services]
        accounts += [Account(access.CartIdentity(cart, "main"), shop.passwords[cart]) for cart in shop.carts]
        with start_mosquitto(place, accounts) as address:
            yield address.port
        return
    port = free_port()
    settings = {"MQTT_PORT": str(port), "WS_PORT": str(free_port()), "CART_PUBLISH_PER_S": "0", "LOG_LEVEL": "error"}
    with _process("broker.embedded", settings, shop) as child:
        eventually(lambda: child.poll() is None and _accepts(port))
        yield port


@contextlib.contextmanager
def _worker(kind: str, shop: Shop, port: int) -> Iterator[None]:
    settings = {"MQTT_URL": f"mqtt://127.0.0.1:{port}", "LOG_LEVEL": "error"}
    if kind == "naive":
        with _process("tests.bench.naive_worker", settings, shop) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            yield
        return
    health = free_port()
    with _process("services.cart_ingest", {**settings, "INGEST_HTTP_PORT": str(health)}, shop):
        eventually(lambda: _is_ready(health))
        yield


@contextlib.contextmanager
def _process(module: str, settings: dict[str, str], shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        **settings,
        "DATABASE_URL": shop.url,
        "MQTT_SERVICE_PASSWORD": SERVICE_PASSWORD,
        "MQTT_TOKEN_SECRET": TOKEN_SECRET,
    }
    child = subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _accepts(port: int) -> bool:
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def _show(found: list[Measured], options: argparse.Namespace) -> None:
    table = Table(title=f"{options.events} events, {options.carts} carts, medians of {options.rounds} rounds")
    for heading in ("broker", "ours, events/s", "naive, events/s", "ratio", "p50 at 200/s, ms", "p99 at 200/s, ms"):
        table.add_column(heading, justify="left" if heading == "broker" else "right")
    for one in found:
        table.add_row(
            one.broker,
            f"{one.ours_per_s:,.0f}",
            f"{one.naive_per_s:,.0f}",
            f"{one.ratio:.1f}",
            f"{one.p50_ms:.1f}",
            f"{one.p99_ms:.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
