"""Several workers and the gateway on the same carts: any order and any repetition give the same carts (R6), and nobody
waits for somebody who waits for him (R18)."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import psycopg
import pytest

from shared.db.cart_log import apply_events
from shared.db.replay import Verified, verify_log
from shared.db.sessions import CheckedOut, Connected, checkout, connect_cart
from tests.builders import BUTTER, OAT_DRINK, RYE_BREAD, Shop, build_shop, incoming, remove, scan
from tests.storms.conftest import Tell
from tests.storms.promises import Row

CODES = (OAT_DRINK, RYE_BREAD, BUTTER)
BATCH = 50
NEARBY = 1_000  # a delivery comes at most so many places from where it belongs
Delivery = tuple[int, dict[str, object]]


def put(url: str, deliveries: Sequence[Delivery], worker: str, refused: Counter[str]) -> None:
    """What a worker does, with its tries again: each batch until it is committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for start in range(0, len(deliveries), BATCH):
            batch = [incoming(cart, dict(event)) for cart, event in deliveries[start : start + BATCH]]
            while True:
                try:
                    with connection.transaction():
                        apply_events(connection, batch, (), datetime.now(UTC), worker)
                    break
                except psycopg.OperationalError as problem:
                    refused[problem.sqlstate or "none"] += 1


def verify(shop: Shop) -> Verified:
    """The tables against the log, folded again."""
    with psycopg.connect(shop.url, autocommit=True) as connection, connection.transaction():
        return verify_log(connection, lambda done: None)


def at_once(works: Iterable[Callable[[], None]]) -> None:
    """All in threads of their own; raises what one raised."""
    works = list(works)
    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(work) for work in works]:
            done.result()


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_repeated_and_shuffled_deliveries_to_two_workers_give_the_carts_of_the_model(
    database_url: str, storm_seed: int, full: bool, tell: Tell
) -> None:
    random = Random(f"{storm_seed}/reordering")
    wanted = 1_000_000 if full else 10_000
    carts = 400 if full else 20
    shop = build_shop(database_url, carts=carts)
    # A piece is taken out only of what has been put in: whatever comes first, the fold refuses none of it.
    inside = {cart: Counter[str]() for cart in shop.carts}
    said: list[Delivery] = []
    for number in range(wanted // 3):
        cart, seq, code = shop.carts[number % carts], number // carts + 1, random.choice(CODES)
        takes_out = inside[cart][code] > 3 and random.random() < 0.4
        inside[cart][code] += -1 if takes_out else 1
        said.append((cart, (remove if takes_out else scan)(seq, code)))
    repeated = [one for one in said for _ in range(random.randint(1, 5))]
    order = sorted(range(len(repeated)), key=lambda place: place + random.random() * NEARBY)
    deliveries = [repeated[place] for place in order]

    refused: Counter[str] = Counter()
    at_once(
        lambda part=part: put(shop.url, deliveries[part::2], f"ingest-{part}", refused)  # type: ignore[misc]
        for part in range(2)
    )

    with psycopg.connect(shop.url) as tx:
        rows = tx.execute(
            "SELECT cart_id, p.product_id, sum(quantity) FROM cart_line p JOIN cart_session USING (session_id)"
            " GROUP BY cart_id, p.product_id"
        ).fetchall()
        lines = {(cart, product): pieces for cart, product, pieces in rows}
        verdicts: dict[str, int] = dict(
            tx.execute("SELECT verdict, count(*) FROM cart_event GROUP BY verdict").fetchall()
        )
    verified = verify(shop)
    model = {
        (cart, shop.products[code]): left for cart, codes in inside.items() for code, left in codes.items() if left
    }
    tell(Row("R6", f"{len(deliveries)} deliveries of {len(said)} events: {len(lines)} lines == model"))
    assert verdicts == {"applied": len(said)}
    assert lines == model
    assert verified.differences == ()
    assert verified.conservation.holds
    assert refused["40P01"] == 0


@pytest.mark.slow
@pytest.mark.timeout(3700)
def test_four_workers_and_checkouts_on_the_same_carts_never_deadlock(
    database_url: str, storm_seed: int, full: bool, tell: Tell
) -> None:
    for_s = 600.0 if full else 12.0
    shop = build_shop(database_url, carts=200, shoppers=40)
    ends_s, refused, paid = time.monotonic() + for_s, Counter[str](), Counter[str]()
    seqs, numbering = Counter[int](), threading.Lock()

    def work(worker: int) -> None:
        random = Random(f"{storm_seed}/worker/{worker}")
        while time.monotonic() < ends_s:
            carts = random.sample(shop.carts, BATCH)
            with numbering:
                seqs.update(carts)
                batch = [(cart, scan(seqs[cart], random.choice(CODES))) for cart in carts]
            again = [(cart, scan(max(1, seqs[cart] - 1), OAT_DRINK)) for cart in random.sample(carts, 10)]
            put(shop.url, [*batch, *again], f"ingest-{worker}", refused)

    def shop_on(shopper: int) -> None:
        random = Random(f"{storm_seed}/shopper/{shopper}")
        with psycopg.connect(shop.url, autocommit=True) as connection:
            while time.monotonic() < ends_s:
                now = datetime.now(UTC)
                try:
                    with connection.transaction():
                        taken = connect_cart(connection, random.choice(shop.carts), shopper, None, False, now)
                    if isinstance(taken, Connected):
                        with connection.transaction():
                            done = checkout(connection, shopper, "EUR", now)
                        paid["orders"] += isinstance(done, CheckedOut)
                except psycopg.OperationalError as problem:
                    refused[problem.sqlstate or "none"] += 1

    at_once(
        [lambda worker=worker: work(worker) for worker in range(4)]
        + [lambda one=one: shop_on(one) for one in shop.shoppers[:6]]
    )

    with psycopg.connect(shop.url) as tx:
        row = tx.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    verified = verify(shop)
    deadlocks = row[0] if row else None
    tell(Row("R18", f"{deadlocks} x 40P01: {seqs.total()} events, {paid['orders']} checkouts in {for_s:g} s"))
    assert deadlocks == 0
    assert refused["40P01"] == 0
    assert paid["orders"] > 0
    assert verified.differences == ()
