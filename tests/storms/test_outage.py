"""PostgreSQL is there and says nothing while carts go on at 500 events a second: cart-ingest holds a bounded number,
nothing is lost, and what has waited is taken much faster than it came (docs/reliability.md R9).

While nothing is acknowledged both brokers keep to their window. When acknowledgements come again, Mosquitto 2.0.11
(Debian's) may send more: its count of what is in flight was mended in 2.0.13 ("Various fixes around inflight quota
management" in its ChangeLog, #2306; eclipse-mosquitto/mosquitto#2301 finds the lines in 2.0.11). Against that, and any
other broker that counts wrongly, cart-ingest does not read on while its inbox is full (INBOX_MAX)."""

import asyncio
import time

import psutil
import psycopg
import pytest

from shared.db.catalogue import list_sim_products
from tests.eventually import eventually
from tests.storms.brokers import BrokerKind
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.stage import open_stage
from tests.storms.talkers import Talkers

CARTS = 50
EVENTS_PER_S = 500
WINDOW: dict[BrokerKind, int] = {"embedded": 2_000, "Mosquitto": 10_000}  # what each sends before it is acknowledged
GROWTH_MAX_BYTES = 64 << 20


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_while_postgresql_is_silent_little_is_held_and_nothing_lost(broker: BrokerKind, full: bool, tell: Tell) -> None:
    silent_s = 15 * 60.0 if full else 60.0
    with open_stage(broker, carts=CARTS) as stage, psycopg.connect(stage.address.database_url, autocommit=True) as told:
        worker = psutil.Process(stage.pid("ingest"))

        codes = [code for product in list_sim_products(told) for code in product.codes]

        def logged() -> int:
            row = told.execute("SELECT count(*) FROM cart_event WHERE verdict = 'applied'").fetchone()
            assert row is not None
            return int(row[0])

        async def suffer() -> tuple[Talkers, int]:
            talkers = Talkers(stage.carts_url, stage.credentials, codes[:20], EVENTS_PER_S)
            await talkers.arrive()
            talking = asyncio.create_task(talkers.talk(2.0 + silent_s))
            await asyncio.sleep(2.0)
            before, most = worker.memory_info().rss, 0
            stage.lines["database"].silent = True
            while not talking.done():
                most = max(most, worker.memory_info().rss - before)
                await asyncio.sleep(0.2)
            await talking
            await talkers.leave()
            return talkers, most

        talkers, growth = asyncio.run(suffer())
        held, overflows = stage.wire.most_due, stage.log("ingest").count("inbox_full")
        waiting = talkers.sent - logged()
        stage.lines["database"].silent = False
        healed_s = time.monotonic()
        eventually(lambda: logged() > talkers.sent - waiting, within_s=45, message="work goes on by itself")
        first_s = time.monotonic() - healed_s
        eventually(lambda: logged() == talkers.sent, within_s=200, every_s=0.1, message="everything arrives")
        drained_s = time.monotonic() - healed_s - first_s
        stage.tend()
        measured = (
            f"{silent_s:g} s at {EVENTS_PER_S}/s: {held} sent, +{growth / 2**20:.0f} MB, "
            f"0 of {talkers.sent} lost, drains {waiting / drained_s / EVENTS_PER_S:.1f}x"
        )
        after = stage.wire.most_due
        print(f"{broker}: {measured}, goes on after {first_s:.1f} s, {overflows} hang-ups, {after} sent at most later")
        tell(Row("R9", measured))
        assert stage.unexpected == []
        assert held <= WINDOW[broker]
        assert after <= WINDOW[broker] or broker == "Mosquitto"
        assert growth < GROWTH_MAX_BYTES
        assert waiting / drained_s >= 2 * EVENTS_PER_S
