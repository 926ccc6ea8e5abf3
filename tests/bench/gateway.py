"""Gateway bench: reads and writes at 32 connections beside bare FastAPI endpoints, in turn, in the same run.

python -m tests.bench.gateway [--seconds 1.5] [--rounds 3] [--products 100000] [--only NAME] [--workers 1] [--rate 300]

Each round measures the yardsticks and then the call; a share is the median of the rounds' shares, since the machine is
never as fast twice. One yardstick is a SELECT 1; a write stands beside an INSERT with its commit as well.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg

from services.gateway.tokens import AccessTokens, parse_keys
from services.stack.child import end, spawn
from services.stack.ports import accepts, claim_ports
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers
from shared.db.carts import add_carts
from shared.db.migrate import apply_migrations
from shared.db.phone_changes import change_item
from shared.db.sessions import connect_cart
from shared.db.stores import ensure_store
from shared.domain.search_text import normalise_search_text, trigrams
from tests.bench.http_load import Load, request_bytes, run_load

CONNECTIONS = 32
# A store of 300 carts types a few queries a second; this is a chain's worth, without waiting for the answers.
AT_A_RATE = ("/products/search", "/cart/item/add")
# A load tool is one address, and one shopper per connection.
LIMITS = (
    "READS_PER_ADDRESS_PER_MINUTE",
    "WRITES_PER_ADDRESS_PER_MINUTE",
    "READS_PER_SHOPPER_PER_MINUTE",
    "WRITES_PER_SHOPPER_PER_MINUTE",
)
SECRET = "bench-access-token-secret-000000000000"


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "fresh organic smoked roasted salted sweet spicy crunchy creamy light dark wild baked dried frozen mild"
)

_SECOND = _words(
    "apple tomato chocolate strawberry hazelnut vanilla lemon salmon chicken garlic pepper cheese oat rice corn"
)

_THIRD = _words("yogurt milk bread soup juice cereal sauce biscuit pasta butter salad spread drink pie ice cream bar")
_SYLLABLES = _words(
    "ba be bi bo da de di do fa fe ka ke ki ko la le li lo ma me mi mo na ne ra re ri ro sa se ta te to va"
)


def _name(rng: random.Random) -> str:
    brand = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()
    return f"{brand} {rng.choice(_FIRST)} {rng.choice(_SECOND)} {rng.choice(_THIRD)} {rng.randint(1, 20) * 50} g"


@contextmanager
def database() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="smartcart-bench-"))
    cluster = Cluster(data_dir=folder / "postgres", socket_dir=folder / "socket")
    prepare_cluster(cluster)
    server = spawn(server_command(cluster), folder / "postgres.log", death_signal=signal.SIGQUIT)
    try:
        wait_until_answers(cluster, server)
        url = cluster.url("postgres")
        apply_migrations(url)
        yield url
    finally:
        end(server, sent=signal.SIGQUIT, within_s=10)
        shutil.rmtree(folder, ignore_errors=True)


def _stock(url: str, products: int) -> list[int]:
    """A catalogue and 32 shoppers who hold a cart with 12 lines each; gives the shoppers."""
    rng = random.Random(7)
    now = datetime.now(UTC)
    with psycopg.connect(url) as tx:
        ensure_store(tx, "main")
        with tx.cursor().copy(
            "COPY product (gtin, barcode, name, brand, price_minor, discounted_price_minor, weight_g, search_text,"
            " search_trigrams) FROM STDIN"
        ) as copy:
            for number in range(products):
                name = _name(rng)
                text = normalise_search_text(name)
                price = rng.randint(50, 2_000)
                copy.write_row(
                    (
                        f"{number:014d}",
                        f"{number:013d}",
                        name,
                        name.split()[0],
                        price,
                        price - 20 if number % 9 == 0 else None,
                        rng.randint(1, 20) * 50,
                        text,
                        list(trigrams(text)),
                    )
                )
        tx.execute("CREATE TABLE bare_row (n int)")
        tx.execute("INSERT INTO product_code SELECT gtin, product_id FROM product")
        carts = add_carts(tx, "main", CONNECTIONS)
        shoppers = [
            row[0]
            for row in tx.execute(
                "INSERT INTO shopper (phone_hash, phone_sealed) SELECT sha256(n::text::bytea), ''"
                " FROM generate_series(1, %s) AS n RETURNING shopper_id",
                (CONNECTIONS,),
            )
        ]
        for cart, shopper_id in zip(carts, shoppers, strict=True):
            connect_cart(tx, cart.cart_id, shopper_id, None, False, now)
            for _ in range(12):
                change_item(tx, shopper_id, rng.randint(1, products), 1, now)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return shoppers


@contextmanager
def program(arguments: list[str], url: str, port: int) -> Iterator[int]:
    """Runs until the block ends; gives the process id."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "HTTP_PORT": str(port),
        "ACCESS_TOKEN_SECRET": SECRET,
        "LOG_LEVEL": "warning",
        **dict.fromkeys(LIMITS, "1000000000"),
    }
    process = subprocess.Popen([sys.executable, *arguments], env=environment)
    try:
        deadline = time.monotonic() + 30
        while not accepts("127.0.0.1", port):
            if time.monotonic() > deadline:
                raise SystemExit("the program did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _loads(shoppers: list[int], products: int) -> dict[str, list[list[bytes]]]:
    rng = random.Random(8)
    tokens = AccessTokens(parse_keys(SECRET), 900)
    now = datetime.now(UTC)
    own = [tokens.mint(shopper_id, uuid4(), now) for shopper_id in shoppers]
    typed = []
    for _ in range(400):
        words = [rng.choice(_FIRST), rng.choice(_SECOND), rng.choice(_THIRD)][: rng.randint(1, 3)]
        if rng.random() < 0.4:
            word = words[-1]
            place = rng.randrange(max(1, len(word) - 2)) + 1
            words[-1] = word[:place] + word[place + 1 :]
        typed.append("%20".join(words))
    return {
        "/cart/view": [[request_bytes("GET", "/cart/view", token)] for token in own],
        "/products/{id}": [
            [request_bytes("GET", f"/products/{rng.randint(1, products)}", token) for _ in range(50)] for token in own
        ],
        "/products/search": [
            [request_bytes("GET", f"/products/search?query={rng.choice(typed)}") for _ in range(50)] for _ in own
        ],
        "/cart/item/add": [
            [
                request_bytes(
                    "POST", "/cart/item/add", token, b'{"product_id":%d}' % rng.randint(1, min(products, 200))
                )
                for _ in range(50)
            ]
            for token in own
        ],
    }


def _at_a_rate(port: int, requests: Sequence[Sequence[bytes]], per_second: float, seconds: float, rounds: int) -> str:
    """Requests that come whether or not those before are answered; the medians as a row without yardsticks."""
    loads = [run_load(port, requests, seconds, per_second) for _ in range(rounds)]
    middle = [statistics.median(getattr(load, name) for load in loads) for name in ("per_second", "p50_ms", "p99_ms")]
    failed = sum(load.not_2xx for load in loads)
    return f"{middle[0]:9.0f} {middle[1]:9.1f} {middle[2]:9.1f} {'':9} {'':9} {failed:8}"


def _rounds(port: int, bare_port: int, requests: Sequence[Sequence[bytes]], seconds: float, rounds: int) -> str:
    """Yardsticks and call in turn; the medians as one row of the table."""
    writes = requests[0][0].startswith(b"POST")
    loads: list[Load] = []
    of_select: list[float] = []
    of_insert: list[float] = []
    run_load(port, requests, 0.7)
    for _ in range(rounds):
        select = run_load(bare_port, [[request_bytes("GET", "/")]] * len(requests), seconds)
        insert = run_load(bare_port, [[request_bytes("POST", "/row")]] * len(requests), seconds) if writes else None
        load = run_load(port, requests, seconds)
        loads.append(load)
        of_select.append(load.per_second / select.per_second)
        of_insert += [load.per_second / insert.per_second] if insert else []
    middle = [statistics.median(getattr(load, name) for load in loads) for name in ("per_second", "p50_ms", "p99_ms")]
    share = f"{statistics.median(of_insert):9.2f}" if of_insert else " " * 9
    failed = sum(load.not_2xx for load in loads)
    figures = f"{middle[0]:9.0f} {middle[1]:9.1f} {middle[2]:9.1f}"
    return f"{figures} {statistics.median(of_select):9.2f} {share} {failed:8}"


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate", type=int, default=300)
    parser.add_argument("--only")
    options = parser.parse_args()
    with database() as url:
        shoppers = _stock(url, options.products)
        ports = claim_ports({"bare": 0, "gateway": 0})
        os.environ["HTTP_WORKERS"] = str(options.workers)
        print(f"{CONNECTIONS} connections, {options.workers} worker(s), {options.products} products")
        heads = ("per s", "p50 ms", "p99 ms", "of SELECT", "of INSERT")
        print(f"{'':30} {' '.join(f'{head:>9}' for head in heads)} {'not 2xx':>8}")
        with (
            program(["-m", "tests.bench.bare_gateway", str(ports["bare"])], url, ports["bare"]),
            program(["-m", "services.gateway"], url, ports["gateway"]),
        ):
            run_load(ports["bare"], [[request_bytes("GET", "/")]] * CONNECTIONS, 1)
            loads = _loads(shoppers, options.products)
            loads["/products/search, 8 at once"] = loads["/products/search"][:8]
            for name, requests in loads.items():
                if options.only is None or options.only in name:
                    row = _rounds(ports["gateway"], ports["bare"], requests, options.seconds, options.rounds)
                    print(f"{name:30} {row}", flush=True)
                if name in AT_A_RATE and (options.only is None or options.only in name):
                    row = _at_a_rate(ports["gateway"], requests, options.rate, options.seconds, options.rounds)
                    print(f"{f'{name}, {options.rate} a second':30} {row}", flush=True)


if __name__ == "__main__":
    main()
