"""The housekeeper's chores do not hold each other, and somebody hears of one that fails."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from services.cart_ingest import chores as chores_module
from services.cart_ingest.chores import Chore, Chores
from services.cart_ingest.database import Database
from services.cart_ingest.metrics import Metrics
from shared.contracts.channels import STATUS, TELEMETRY
from shared.db.types import Tx
from tests.builders import Shop, scan
from tests.eventually import eventually
from tests.integration.cart_ingest.conftest import StartIngest
from tests.integration.cart_ingest.program import query, retained_states, say, say_on


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def database(shop: Shop, metrics: Metrics) -> Iterator[Database]:
    with closing(Database(shop.url, "chores", threading.Event(), metrics)) as database:
        yield database


def count(metrics: Metrics, chore: str, outcome: str) -> float:
    return metrics.registry.get_sample_value("ingest_chores_total", {"chore": chore, "outcome": outcome}) or 0.0


def too_long(tx: Tx) -> bool:
    tx.execute("SET LOCAL statement_timeout = '50ms'")
    tx.execute("SELECT pg_sleep(60)")
    return False


def test_a_chore_that_takes_too_long_is_counted_and_the_next_goes_on(database: Database, metrics: Metrics) -> None:
    done = []

    def works(tx: Tx) -> bool:
        done.append(tx.execute("SELECT 1").fetchone())
        return len(done) < 3

    chores = Chores(
        [Chore("stuck", lambda: too_long), Chore("works", lambda: works)], database, metrics, threading.Event()
    )
    chores.do_round()

    assert done == [(1,)] * 3, "piece by piece, until nothing waits"
    assert (count(metrics, "stuck", "failed"), count(metrics, "works", "done")) == (1, 1)


def test_a_chore_without_an_end_leaves_its_place_after_its_budget(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores_module, "BUDGET_S", 0.0)
    chores = Chores(
        [Chore("endless", lambda: lambda tx: True), Chore("next", lambda: lambda tx: False)],
        database,
        metrics,
        threading.Event(),
    )
    chores.do_round()

    assert (count(metrics, "endless", "unfinished"), count(metrics, "next", "done")) == (1, 1)


def test_readiness_tells_of_a_chore_that_fails_and_of_a_round_without_an_end(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [True]
    chores = Chores(
        [Chore("letters", lambda: too_long if failing[0] else lambda tx: False)], database, metrics, threading.Event()
    )
    chores.do_round()
    assert chores.complaints() == [], "once is no news"

    monkeypatch.setattr(chores_module, "FAILING_S", 0.0)
    monkeypatch.setattr(chores, "ended_round_s", time.monotonic() + 60)
    assert chores.complaints() == ["the chore letters fails"]
    failing[0] = False
    chores.do_round()
    monkeypatch.setattr(chores, "ended_round_s", time.monotonic() - 61)
    assert chores.complaints() == ["a round of chores has not ended for a minute"]


def test_letters_that_cannot_be_deleted_hold_no_gap(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart = shop.carts[0]
    ingest = start_ingest(
        gap_timeout_s=0.5,
        telemetry_flush_s=0.1,
        sabotage="from services.cart_ingest import housekeeper\nhousekeeper.SELDOM_EVERY_S = 0.0\n",
    )
    with psycopg.connect(shop.url) as hand:
        hand.execute("LOCK TABLE dead_letter")
        say_on(address, [(STATUS.topic(store="main", cart=cart), {"v": 1, "online": True, "epoch": 1})])
        say(address, cart, [scan(1), scan(3)])
        eventually(lambda: retained_states(address[1])[cart].status == "incomplete")
        eventually(lambda: ingest.logged("chore_failed") >= 1)
        assert query(shop.url, "SELECT kind FROM alert") == [("gap",)]


def test_telemetry_that_could_not_be_written_is_written_later(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    first, second = shop.carts[:2]
    ingest = start_ingest(telemetry_flush_s=0.1)
    with psycopg.connect(shop.url) as hand:
        hand.execute("LOCK TABLE cart_presence")
        for cart in (first, second):
            say_on(address, [(TELEMETRY.topic(store="main", cart=cart), {"v": 1, "location": {"x": 1.5, "y": 2.0}})])
        eventually(lambda: ingest.metric("ingest_telemetry_total", '{outcome="heard"}') == 2)
        failed = '{chore="telemetry",outcome="failed"}'
        eventually(lambda: ingest.metric("ingest_chores_total", failed) >= 1, within_s=20)
        say_on(address, [(TELEMETRY.topic(store="main", cart=second), {"v": 1, "location": {"x": 9.0, "y": 2.0}})])
        eventually(lambda: ingest.metric("ingest_telemetry_total", '{outcome="heard"}') == 3)

    where = "SELECT cart_id, x FROM cart_presence WHERE x IS NOT NULL ORDER BY cart_id"
    eventually(lambda: query(shop.url, where) == [(first, 1.5), (second, 9.0)])


def test_a_worker_says_that_a_lasting_thread_has_ended(start_ingest: StartIngest) -> None:
    ends = "from services.cart_ingest.housekeeper import Housekeeper\nHousekeeper.run = lambda self: None\n"
    ingest = start_ingest(sabotage=ends, wait=False)

    eventually(lambda: "the thread housekeeper has ended" in ingest.complaints().splitlines(), within_s=20)
    assert not ingest.ready()


def test_a_worker_says_that_a_round_of_chores_does_not_end(start_ingest: StartIngest) -> None:
    endless = (
        "import threading\n"
        "from services.cart_ingest import chores\n"
        "from services.cart_ingest.housekeeper import Housekeeper\n"
        "chores.FAILING_S = 2.0\n"
        "Housekeeper._rotate_codes = lambda self: threading.Event().wait()\n"
    )
    ingest = start_ingest(sabotage=endless)

    eventually(lambda: ingest.complaints() == "a round of chores has not ended for a minute\n")
    assert not ingest.ready()


OLD_LETTERS = 3_000
# One letter a round: however many there are, most of them wait while everything else is done.
ONE_BY_ONE = (
    "from services.cart_ingest import chores, housekeeper\n"
    "chores.BUDGET_S, housekeeper.SELDOM_EVERY_S, housekeeper.LETTERS_TOGETHER = 0.0, 0.0, 1\n"
)


def test_a_mountain_of_old_letters_holds_up_nothing_and_shrinks(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """300,000 of them took longer than a statement may, in each round before anything else was done."""
    query(
        shop.url,
        "INSERT INTO dead_letter (topic, reason, payload, payload_bytes, payload_sha256, received_at, last_seen_at,"
        " last_seen_s) SELECT 'old', 'decode', convert_to(repeat('x', 8192), 'UTF8'), 8192, sha256(n::text::bytea),"
        " now(), now(), -1e9 FROM generate_series(1, %s) AS n",
        OLD_LETTERS,
    )
    cart, online = shop.carts[0], {"v": 1, "online": True, "epoch": 1}
    (code,) = query(shop.url, "SELECT pairing_code FROM cart WHERE cart_id = %s", cart)
    ingest = start_ingest(gap_timeout_s=0.5, telemetry_flush_s=0.1, pairing_rotate_s=10, sabotage=ONE_BY_ONE)
    query(shop.url, "UPDATE cart SET pairing_code_s = -1e9")

    say_on(address, [(STATUS.topic(store="main", cart=one), online) for one in shop.carts[:2]])
    say_on(address, [(TELEMETRY.topic(store="main", cart=cart), {"v": 1, "location": {"x": 1.5, "y": 2.0}})])
    eventually(lambda: query(shop.url, "SELECT pairing_code FROM cart WHERE cart_id = %s", cart) != [code])
    eventually(lambda: query(shop.url, "SELECT x FROM cart_presence WHERE cart_id = %s", cart) == [(1.5,)])
    say(address, shop.carts[1], [scan(1), scan(3)])
    eventually(lambda: retained_states(address[1])[shop.carts[1]].status == "incomplete")

    unfinished = '{chore="dead_letters",outcome="unfinished"}'
    assert ingest.metric("ingest_chores_total", unfinished) >= 5
    ((left,),) = query(shop.url, "SELECT count(*) FROM dead_letter")
    assert OLD_LETTERS / 2 < left < OLD_LETTERS
    ((forgotten,),) = query(shop.url, "SELECT sum(forgotten) FROM delivery_count")
    assert forgotten >= OLD_LETTERS - left
    assert ingest.ready()
