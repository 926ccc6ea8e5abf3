"""What the database alone can do: our path and our statements fed from memory, the naive transaction under pgbench."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from services.stack.postgres import server_command
from tests.bench.figures import Run
from tests.bench.processor_time import spent_s, used_by_each_s
from tests.bench.rig import Rig, Stock, codes
from tests.bench.throughput import Plan
from tests.builders import Shop

SCRIPT = Path(__file__).with_name("naive.sql")
HOW_TO_GET_PGBENCH = "not installed (it is in the PostgreSQL of the wheel; Debian: apt-get install postgresql-contrib)"
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)


def measure_from_memory(rig: Rig, plan: Plan) -> tuple[Run, Run]:
    """Our path without MQTT, and its statements alone; see from_memory."""
    stock = Stock(plan.carts)
    with rig.database(stock) as shop, rig.database(stock) as same_shop:
        order = {
            "url": shop.url,
            "second_url": same_shop.url,
            "carts": shop.carts,
            "codes": codes(),
            "seconds": plan.seconds,
            "postgres_pid": rig.postgres_pid,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.from_memory"], input=json.dumps(order), text=True, capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"from_memory: {done.stderr[-800:]}")
    applied, replayed = (Run(**one) for one in json.loads(done.stdout))
    return applied, replayed


def find_pgbench(rig: Rig) -> Path | None:
    """The one beside our server: another version's may speak differently."""
    found = Path(server_command(rig.cluster).arguments[0]).with_name("pgbench")
    return found if found.exists() else None


def measure_pgbench(rig: Rig, program: Path, plan: Plan, clients: int) -> Run:
    """The naive transaction, prepared, by this many clients at once."""
    with rig.database(Stock(plan.carts)) as shop:
        _open_sessions(shop)
        arguments = [str(program), "--no-vacuum", "--protocol", "prepared", "--file", str(SCRIPT)]
        arguments += ["--client", str(clients), "--jobs", "1", "--time", str(max(1, round(plan.seconds)))]
        arguments += ["--define", "n=0", "--define", f"each={plan.carts // clients}", shop.url]
        pids = {"PostgreSQL": rig.postgres_pid}
        used, began_s = used_by_each_s(pids), time.monotonic()
        done = subprocess.run(arguments, text=True, capture_output=True)
        took_s = time.monotonic() - began_s
        rate, events = _TPS.search(done.stdout), _DONE.search(done.stdout)
        if done.returncode or rate is None or events is None:
            raise RuntimeError(f"pgbench: {done.stderr[-800:]}")
        if float(rate[1]) <= 0 or took_s < plan.seconds / 2:
            raise RuntimeError(f"pgbench did nothing: {done.stdout[-800:]}")
        return Run(int(events[1]), int(events[1]) / float(rate[1]), spent_s(used, used_by_each_s(pids)))


def _open_sessions(shop: Shop) -> None:
    """One for each cart, as the naive worker has after a moment."""
    with psycopg.connect(shop.url) as tx:
        tx.execute(
            "INSERT INTO cart_session (session_id, cart_id, store_id, after_epoch, after_seq, after_sub, opened_at,"
            " last_event_at) SELECT gen_random_uuid(), cart_id, store_id, 0, 0, 0, now(), now() FROM cart"
        )
