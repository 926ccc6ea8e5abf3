"""The real parts of a measurement: one PostgreSQL server, and on it fresh databases, brokers, workers and programs,
each ended and removed with its block.

PostgreSQL runs with the settings of `smartcart up`: fsync and synchronous_commit on, its data on a real disk.
"""

import contextlib
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from broker.mosquitto.render import find_plugin
from services.stack.child import Command, end, spawn
from services.stack.ports import accepts
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers
from shared import access
from shared.db.migrate import apply_migrations
from shared.mosquitto.rights import Account
from tests.builders import Shop, build_shop
from tests.eventually import eventually
from tests.mosquitto import free_port, start_mosquitto

SERVICE_PASSWORD = secrets.token_hex(32)
TOKEN_SECRET = secrets.token_hex(32)
SERVICES = ("ingest-0", "publisher-0", "bench-0")
LINES = 10  # different products in each cart, about a weekly shop's basket of a small household
IN_MEMORY = ("tmpfs", "ramfs")
READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class Broker:
    """A running broker. `pid` is its process; 0 for the sink, which is none."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True)
class Stock:
    """What a fresh database holds."""

    carts: int
    shoppers: int = 0


def codes() -> tuple[str, ...]:
    """GTIN-13s of GS1 prefix 952, which is reserved for examples; a shop's first three are of `tests.builders`."""
    made = []
    for number in range(1, LINES + 1):
        digits = f"952{number:09d}"
        weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
        made.append(f"{digits}{-weighted % 10}")
    return tuple(made)


def mosquitto_is_installed() -> bool:
    """With its dynamic security plugin, without which our configuration does not run."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return program is not None and find_plugin() is not None


def folder_on_disk(asked: Path | None) -> Path:
    """Where data may lie: the folder asked for, else the first of the system's that is not kept in memory."""
    if asked is not None:
        asked.mkdir(parents=True, exist_ok=True)
        return asked
    checkout = Path(__file__).parents[2] / ".smartcart"
    for folder in (Path(tempfile.gettempdir()), Path("/var") / "tmp", checkout):
        if folder.is_dir() and filesystem_of(folder) not in IN_MEMORY:
            return folder
    checkout.mkdir(exist_ok=True)
    return checkout


def filesystem_of(folder: Path) -> str:
    """Its type as the kernel names it: ext4, tmpfs …"""
    real = folder.resolve()
    holders = [part for part in psutil.disk_partitions(all=True) if real.is_relative_to(part.mountpoint)]
    return max(holders, key=lambda part: len(part.mountpoint)).fstype if holders else "unknown"


def allow_many_sockets() -> None:
    """A socket for each cart, here and in the broker: as many files as we may open, children included."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Rig:
    """Made by `open_rig`."""

    def __init__(self, folder: Path, cluster: Cluster, postgres: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self.cluster = cluster
        self.postgres_pid = postgres.pid
        self._templates: dict[Stock, tuple[str, Shop]] = {}

    @contextlib.contextmanager
    def database(self, stock: Stock) -> Iterator[Shop]:
        """A fresh database with a shop; gone after the block. Nothing of the last one waits to be written."""
        template, shop = self._template(stock)
        name = f"bench_{secrets.token_hex(4)}"
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            self._admin(sql.SQL("CHECKPOINT"))
            yield Shop(self.cluster.url(name), shop.carts, shop.passwords, shop.products, shop.shoppers)
        finally:
            with contextlib.suppress(psycopg.Error):
                self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def broker(self, name: str, shop: Shop) -> Iterator[Broker]:
        """`mosquitto` or `embedded`, that knows this shop's carts, shoppers and our services."""
        if name == "mosquitto":
            place = self.folder / f"mosquitto-{secrets.token_hex(4)}"
            place.mkdir(mode=0o755)
            identities = [access.ServiceIdentity(user) for user in SERVICES]
            accounts = [Account(identity, SERVICE_PASSWORD) for identity in identities]
            accounts += [Account(access.CartIdentity(cart, "main"), shop.passwords[cart]) for cart in shop.carts]
            accounts += [Account(access.ShopperIdentity(one), TOKEN_SECRET) for one in shop.shoppers]
            with start_mosquitto(place, accounts) as address:
                yield Broker(name, address.port, address.pid)
            shutil.rmtree(place, ignore_errors=True)
            return
        port = free_port()
        told = {
            "MQTT_PORT": str(port),
            "WS_PORT": str(free_port()),
            "CART_PUBLISH_PER_S": "0",
            "BROKER_CONNECTIONS_MAX": "20000",
        }
        with self.program(("broker.embedded",), shop, told) as child:
            eventually(lambda: _lives(child) and accepts("127.0.0.1", port), within_s=READY_WITHIN_S)
            yield Broker(name, port, child.pid)

    @contextlib.contextmanager
    def worker(self, kind: str, shop: Shop, broker: Broker, settings: Mapping[str, str] | None = None) -> Iterator[int]:
        """`ours` or `naive`, ready; gives its process id. `settings` become environment variables."""
        told = {"MQTT_URL": f"mqtt://127.0.0.1:{broker.port}"}
        if kind == "naive":
            log = self.folder / f"naive-{secrets.token_hex(4)}.log"
            with self.program(("tests.bench.naive_worker",), shop, told, log) as child:
                eventually(lambda: _lives(child) and "ready" in log.read_text(), within_s=READY_WITHIN_S)
                yield child.pid
            return
        health = free_port()
        told |= {"INGEST_HTTP_PORT": str(health), **(settings or {})}
        with self.program(("services.cart_ingest",), shop, told) as child:
            eventually(lambda: _lives(child) and is_ready(health), within_s=READY_WITHIN_S)
            yield child.pid

    @contextlib.contextmanager
    def program(
        self,
        arguments: tuple[str, ...],
        shop: Shop | None,
        told: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """`python -m` these arguments, until the block ends. What it says goes to `log`."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LOG_LEVEL": "error",
            "MQTT_SERVICE_PASSWORD": SERVICE_PASSWORD,
            "MQTT_TOKEN_SECRET": TOKEN_SECRET,
            **({"DATABASE_URL": shop.url} if shop is not None else {}),
            **(told or {}),
        }
        command = Command((sys.executable, "-m", *arguments), environment)
        child = spawn(command, log or self.folder / f"{arguments[0]}.log", death_signal=signal.SIGKILL)
        try:
            yield child
        finally:
            end(child, sent=signal.SIGTERM, within_s=10)

    def _template(self, stock: Stock) -> tuple[str, Shop]:
        if stock not in self._templates:
            name = f"stock_{secrets.token_hex(4)}"
            self._admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            url = self.cluster.url(name)
            apply_migrations(url)
            shop = build_shop(url, carts=stock.carts, shoppers=0)
            _fill_shelves(shop, stock.shoppers)
            self._templates[stock] = (name, shop)
        return self._templates[stock]

    def _admin(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as admin:
            admin.execute(statement)


@contextlib.contextmanager
def open_rig(asked: Path | None = None) -> Iterator[Rig]:
    """A server in a new folder on a disk; both gone after the block, however it ends."""
    allow_many_sockets()
    with tempfile.TemporaryDirectory(prefix="smartcart-bench-", dir=folder_on_disk(asked)) as name:
        folder = Path(name)
        cluster = Cluster(folder / "postgres", folder / "socket")
        prepare_cluster(cluster)
        server = spawn(server_command(cluster), folder / "postgres.log", death_signal=signal.SIGQUIT)
        try:
            wait_until_answers(cluster, server)
            yield Rig(folder, cluster, server)
        finally:
            end(server, sent=signal.SIGINT, within_s=10)


def is_ready(health_port: int) -> bool:
    """Whether cart-ingest says that it is connected to everything."""
    url = f"http://127.0.0.1:{health_port}/readyz"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def _fill_shelves(shop: Shop, shoppers: int) -> None:
    with psycopg.connect(shop.url) as tx:
        for code in codes():
            if code in shop.products:
                continue
            row = tx.execute(
                "INSERT INTO product (gtin, barcode, name, price_minor, weight_g) VALUES (%s, %s, %s, 199, 500)"
                " RETURNING product_id",
                (code.zfill(14), code, f"Thing of the shelf {code[-3:]}, 500 g"),
            ).fetchone()
            assert row is not None
            shop.products[code] = row[0]
            tx.execute("INSERT INTO product_code (code, product_id) VALUES (%s, %s)", (code.zfill(14), row[0]))
        for number in range(shoppers):
            row = tx.execute(
                "INSERT INTO shopper (phone_hash) VALUES (%s) RETURNING shopper_id", (number.to_bytes(4, "big"),)
            ).fetchone()
            assert row is not None
            shop.shoppers.append(row[0])
    with psycopg.connect(shop.url, autocommit=True) as connection:
        # Not the others: an empty table that was analysed is planned for as an empty one, which a new store's is not.
        connection.execute("VACUUM (ANALYZE) store, product, product_code, shopper, cart")


def _lives(child: "subprocess.Popen[bytes]") -> bool:
    if child.poll() is not None:
        raise RuntimeError(f"{child.args!r} ended with code {child.returncode} while starting")
    return True
