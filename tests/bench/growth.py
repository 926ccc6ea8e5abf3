"""What a long life costs: throughput with an old log beside an empty one, and starting with 10,000 open carts."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from services.stack.ports import accepts
from tests.bench.figures import Run
from tests.bench.processor_time import resident_mb
from tests.bench.rig import Rig, Stock, is_ready
from tests.bench.throughput import Plan, measure_worker, run_worker
from tests.builders import Shop
from tests.eventually import eventually
from tests.mosquitto import free_port

OPEN_CARTS = 10_000
EVENTS_OF_A_TRIP = 20
LINES_OF_A_TRIP = 10
ROWS_AT_A_TIME = 200_000

_PIECES = re.split(r"^-- name: (\w+)\n", Path(__file__).with_name("growth.sql").read_text(), flags=re.MULTILINE)
_SQL: dict[str, Any] = dict(zip(_PIECES[1::2], _PIECES[2::2], strict=True))
_ONE_PART = (_SQL["trips"], _SQL["lines"], _SQL["events"])


@dataclass(frozen=True)
class Start:
    """Seconds from starting the worker until it said that it was ready, and until every cart's state was with the
    broker; and the memory that it held then."""

    carts: int
    ready_s: float
    all_published_s: float
    resident_mb: float


@contextlib.contextmanager
def old_shop(rig: Rig, plan: Plan, rows: int, told: Callable[[float], None]) -> Iterator[tuple[Shop, int]]:
    """A shop whose carts have made `rows` log rows in closed trips of 20 events, and the number that comes next on each
    cart. `told` hears the share that is done.

    Rows stand in the order of time, as they came, all carts in turn, so the keys are as scattered as in real life.
    Orders are left out: ingest does not read them.
    """
    with rig.database(Stock(plan.carts)) as shop, psycopg.connect(shop.url, autocommit=True) as connection:
        trips_each = max(1, rows // (plan.carts * EVENTS_OF_A_TRIP))
        trips_at_a_time = max(1, ROWS_AT_A_TIME // (plan.carts * EVENTS_OF_A_TRIP))
        connection.execute("SET synchronous_commit = off")  # for the making only: the server's own setting stays
        for first in range(0, trips_each, trips_at_a_time):
            last = min(first + trips_at_a_time, trips_each) - 1
            with connection.transaction():
                for statement in _ONE_PART:
                    connection.execute(statement, {"first": first, "last": last, "trips": trips_each})
            told((last + 1) / trips_each)
        next_seq = trips_each * EVENTS_OF_A_TRIP + 1
        connection.execute(_SQL["frontiers"], {"seq": next_seq - 1})
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
        yield shop, next_seq


def compare_old_and_empty(
    rig: Rig, broker_name: str, plan: Plan, rows: int, rounds: int, told: Callable[[float], None]
) -> tuple[list[Run], list[Run]]:
    """Throughput on an empty log and on the old one in turn, round after round."""
    empty: list[Run] = []
    old: list[Run] = []
    with old_shop(rig, plan, rows, told) as (shop, next_seq):
        for _ in range(rounds):
            empty.append(measure_worker(rig, broker_name, "ours", plan))
            old.append(run_worker(rig, shop, broker_name, "ours", plan, next_seq))
            next_seq = _close_all_trips(shop)
    return empty, old


def measure_start(rig: Rig, broker_name: str, carts: int = OPEN_CARTS) -> Start:
    """A worker that finds this many carts in the middle of a trip, none of them known to the broker."""
    plan = Plan(carts)
    with rig.database(Stock(carts)) as shop, psycopg.connect(shop.url, autocommit=True) as connection:
        for statement in _ONE_PART:
            connection.execute(statement, {"first": 0, "last": 0, "trips": 1})
        connection.execute(_SQL["frontiers"], {"seq": EVENTS_OF_A_TRIP // 2})
        connection.execute(_SQL["open_again"], {"seq": EVENTS_OF_A_TRIP})
        connection.execute("VACUUM (ANALYZE)")
        with rig.broker(broker_name, shop) as broker:
            health = free_port()
            told = {"MQTT_URL": f"mqtt://127.0.0.1:{broker.port}", "INGEST_HTTP_PORT": str(health)}
            began_s = time.monotonic()
            with rig.program(("services.cart_ingest",), shop, told) as child:
                eventually(lambda: accepts("127.0.0.1", health) and is_ready(health), within_s=60)
                ready_s = time.monotonic() - began_s
                eventually(lambda: connection.execute(_SQL["unpublished"]).fetchone() == (0,), within_s=120)
                return Start(plan.carts, ready_s, time.monotonic() - began_s, resident_mb(child.pid))


def _close_all_trips(shop: Shop) -> int:
    """Between two rounds on the same carts: full carts are emptied. Gives the number that comes next on each."""
    with psycopg.connect(shop.url) as tx:
        row = tx.execute("SELECT max(ack_seq) FROM cart").fetchone()
        assert row is not None
        tx.execute("UPDATE cart_session SET status = 'abandoned', closed_at = now() WHERE status = 'open'")
        tx.execute(_SQL["frontiers"], {"seq": row[0]})
    return int(row[0]) + 1
