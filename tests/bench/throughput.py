"""How many events a second: ours, the naive worker, and the yardsticks beside them. One call is one measurement with
fresh parts: warm up, read the counters and the processors' time, wait, read again."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from services.stack.child import die_with_parent, end
from services.stack.ports import accepts
from tests.bench.figures import Run
from tests.bench.processor_time import resident_mb, spent_s, used_by_each_s
from tests.bench.rig import Broker, Rig, Stock, codes
from tests.builders import Shop
from tests.eventually import eventually
from tests.mosquitto import free_port

# Enough under way that nobody waits for work, and little enough that no event waits 5 s, when a cart would repeat it.
# Over Mosquitto also less than its max_inflight_messages: 2.0.11 never counts its queue of a client down, and begins to
# drop messages when 100,000 (max_queued_messages) have passed through it (measured).
UNDER_WAY = {"mosquitto": 8_000, "embedded": 5_000, "naive": 1_000, "sink": 20_000}


@dataclass(frozen=True)
class Plan:
    """How much, and for how long."""

    carts: int = 1_000
    seconds: float = 4.0
    warm_up_s: float = 2.0


@dataclass
class Order:
    """What the load generator is told; see carts_on_sockets."""

    port: int
    carts: list[tuple[int, str]]
    codes: tuple[str, ...]
    under_way: int
    moves_on: str = "state"
    counted: str | None = None
    first_seq: int = 1


@dataclass
class LoadProgram:
    """The running generator; `done` is what it says at its end."""

    child: "subprocess.Popen[bytes]"
    done: dict[str, int] = field(default_factory=dict)


def measure_worker(rig: Rig, broker_name: str, kind: str, plan: Plan, **settings: str) -> Run:
    """`ours` or `naive`, over a broker, everything included: carts that hear their states, broker, database, worker."""
    with rig.database(Stock(plan.carts)) as shop:
        return run_worker(rig, shop, broker_name, kind, plan, 1, settings)


def run_worker(
    rig: Rig,
    shop: Shop,
    broker_name: str,
    kind: str,
    plan: Plan,
    first_seq: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Run:
    """The same on a database that exists; its carts go on at `first_seq`."""
    with (
        rig.broker(broker_name, shop) as broker,
        rig.worker(kind, shop, broker, settings or {}) as worker_pid,
        psycopg.connect(shop.url, autocommit=True) as watcher,
    ):
        under_way = UNDER_WAY["naive" if kind == "naive" else broker_name]
        order = Order(broker.port, _accounts(shop), codes(), under_way, first_seq=first_seq)

        def settled() -> int:
            row = watcher.execute("SELECT sum(ack_seq)::bigint FROM cart").fetchone()
            assert row is not None
            return int(row[0])

        with loading(rig, order) as load:
            pids = {"worker": worker_pid, "PostgreSQL": rig.postgres_pid, "broker": broker.pid, "load": load.child.pid}
            run = _watch(plan, settled, pids, load)
            resident = resident_mb(worker_pid)
        _check_nothing_was_refused(watcher)
    return Run(run.events, run.seconds, run.cpu_s, load.done["repeated"], resident)


def measure_broker(rig: Rig, broker_name: str, plan: Plan) -> Run:
    """The broker alone: the same load, and a subscriber that counts and acknowledges."""
    with rig.database(Stock(plan.carts)) as shop, rig.broker(broker_name, shop) as broker:
        count = _count_file(rig)
        log = rig.folder / f"{count.name}.log"
        told = ("tests.bench.counting_subscriber", str(broker.port), str(count))
        with rig.program(told, None, log=log) as subscriber:
            eventually(lambda: "ready" in log.read_text(), message="the counting subscriber")
            return _watch_count(rig, broker, shop, count, plan, UNDER_WAY[broker_name], {"worker": subscriber.pid})


def measure_load(rig: Rig, plan: Plan) -> Run:
    """The load generator alone, against a sink that acknowledges."""
    with rig.database(Stock(plan.carts)) as shop:
        count = _count_file(rig)
        port = free_port()
        with rig.program(("tests.bench.acking_sink", str(port), str(count)), None) as sink:
            eventually(lambda: sink.poll() is None and accepts("127.0.0.1", port), message="the sink")
            return _watch_count(rig, Broker("sink", port, sink.pid), shop, count, plan, UNDER_WAY["sink"], {})


@contextlib.contextmanager
def loading(rig: Rig, order: Order) -> Iterator[LoadProgram]:
    """The generator at work, its carts connected; it is stopped, and says what it did, at the end of the block."""
    complaints = rig.folder / "load.log"
    with complaints.open("ab") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.carts_on_sockets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    assert child.stdin is not None
    assert child.stdout is not None
    load = LoadProgram(child)
    try:
        child.stdin.write(json.dumps(vars(order)).encode() + b"\n")
        child.stdin.flush()
        if child.stdout.readline() != b"connected\n":
            raise RuntimeError(f"the load could not connect: {complaints.read_text()[-500:]}")
        yield load
        child.stdin.close()
        load.done = json.loads(child.stdout.readline())
    finally:
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        end(child, sent=signal.SIGTERM, within_s=5)


def _watch_count(
    rig: Rig, broker: Broker, shop: Shop, count: Path, plan: Plan, under_way: int, others: Mapping[str, int]
) -> Run:
    order = Order(broker.port, _accounts(shop), codes(), under_way, "puback", str(count))
    with loading(rig, order) as load:
        pids = {**others, "broker": broker.pid, "load": load.child.pid}
        return _watch(plan, lambda: int.from_bytes(count.read_bytes()[:8], sys.byteorder), pids, load)


def _watch(plan: Plan, counted: Callable[[], int], pids: Mapping[str, int], load: LoadProgram) -> Run:
    _wait(plan.warm_up_s, load)
    began_s, before, used = time.monotonic(), counted(), used_by_each_s(pids)
    _wait(plan.seconds, load)
    ended_s, after, used_then = time.monotonic(), counted(), used_by_each_s(pids)
    return Run(after - before, ended_s - began_s, spent_s(used, used_then))


def _wait(seconds: float, load: LoadProgram) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        load.child.wait(seconds)
        raise RuntimeError(f"the load ended by itself with code {load.child.returncode}")


def _accounts(shop: Shop) -> list[tuple[int, str]]:
    return [(cart, shop.passwords[cart]) for cart in shop.carts]


def _count_file(rig: Rig) -> Path:
    file = rig.folder / f"count-{time.monotonic_ns()}"
    file.write_bytes(bytes(8))
    return file


def _check_nothing_was_refused(watcher: "psycopg.Connection[Any]") -> None:
    """A refused scan costs less than one that changes a cart."""
    row = watcher.execute(
        "SELECT exists(SELECT FROM cart_event WHERE verdict IN ('refused', 'late')), exists(SELECT FROM dead_letter)"
    ).fetchone()
    if row != (False, False):
        raise RuntimeError("the load was not applied as meant: some of it was refused or set aside")
