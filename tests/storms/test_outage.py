"""PostgreSQL is there and says nothing while carts go on at 500 events a second: cart-ingest holds a bounded number,
nothing is lost, and what has waited is taken much faster than it came (RELIABILITY R9)."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

import psutil
import psycopg
import pytest

from firmware_sim.cart import CartCredential
from firmware_sim.connection import Broker, Connection, Hooks, Login
from shared.contracts.channels import EVENTS, STATE, STATUS
from shared.contracts.events import CART_EVENT
from shared.db.catalogue import list_sim_products
from tests.eventually import eventually
from tests.storms.brokers import BrokerKind
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.stage import Stage, open_stage

CARTS = 50
EVENTS_PER_S = 500
# The embedded broker's window for a service. Mosquitto 2.0.11 has the same and does not always keep to it; there the
# inbox's own bound (INBOX_MAX) counts, beyond which cart-ingest does not read.
WINDOW = 2_000
GROWTH_MAX_BYTES = 64 << 20


class Talkers:
    """Carts that publish at a steady rate, whatever is acknowledged: what a store of them adds up to."""

    def __init__(self, stage: Stage, codes: Sequence[str]) -> None:
        self.sent = 0
        self._codes = codes
        broker = Broker.from_url(stage.carts_url)
        hooks = Hooks(lambda: None, lambda: None, lambda topic, payload: None, lambda: b"{}")
        self._carts = [
            (one, Connection(broker, _login(one), (_state_of(one),), hooks, Random(one.cart_id)))
            for one in stage.credentials
        ]

    async def talk(self, for_s: float) -> None:
        """All connect first; then everybody speaks in turn, EVENTS_PER_S together."""
        for _, connection in self._carts:
            connection.start()
        while not all(connection.up for _, connection in self._carts):
            await asyncio.sleep(0.05)
        began_s = time.monotonic()
        while (now_s := time.monotonic() - began_s) < for_s:
            while self.sent < now_s * EVENTS_PER_S:
                cart, connection = self._carts[self.sent % CARTS]
                seq = self.sent // CARTS + 1
                code = self._codes[seq % len(self._codes)]
                event = CART_EVENT.validate_python({"type": "scan", "epoch": 1, "seq": seq, "at": 0, "code": code})
                topic = EVENTS.topic(store=cart.store, cart=cart.cart_id)
                assert connection.send(topic.encode(), event.model_dump_json(exclude_none=True).encode(), qos=1)
                self.sent += 1
            await asyncio.sleep(0.01)

    async def leave(self) -> None:
        await asyncio.sleep(1.0)  # what was written is sent
        for _, connection in self._carts:
            await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_while_postgresql_is_silent_little_is_held_and_nothing_lost(broker: BrokerKind, full: bool, tell: Tell) -> None:
    silent_s = 60.0 if full else 15.0
    with open_stage(broker, carts=CARTS) as stage, psycopg.connect(stage.address.database_url, autocommit=True) as told:
        worker = psutil.Process(stage.pid("ingest"))

        codes = [code for product in list_sim_products(told) for code in product.codes]

        def logged() -> int:
            row = told.execute("SELECT count(*) FROM cart_event WHERE verdict = 'applied'").fetchone()
            assert row is not None
            return int(row[0])

        async def suffer() -> tuple[Talkers, int]:
            talkers = Talkers(stage, codes[:20])
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
        held = stage.wire.most_due
        waiting = talkers.sent - logged()
        stage.lines["database"].silent = False
        healed_s = time.monotonic()
        eventually(lambda: logged() > talkers.sent - waiting, within_s=45, message="work goes on by itself")
        first_s = time.monotonic() - healed_s
        eventually(lambda: logged() == talkers.sent, within_s=200, every_s=0.1, message="everything arrives")
        drained_s = time.monotonic() - healed_s - first_s
        stage.tend()
        tell(
            Row(
                "R9",
                f"{silent_s:g} s at {EVENTS_PER_S}/s: {held} sent, +{growth / 2**20:.0f} MB, "
                f"0 of {talkers.sent} lost, drains {waiting / drained_s / EVENTS_PER_S:.1f}x",
            )
        )
        assert stage.unexpected == []
        assert held <= WINDOW or broker == "Mosquitto"
        assert growth < GROWTH_MAX_BYTES
        assert waiting / drained_s >= 2 * EVENTS_PER_S


def _state_of(cart: CartCredential) -> str:
    return STATE.topic(store=cart.store, cart=cart.cart_id)


def _login(cart: CartCredential) -> Login:
    return Login(cart.username, cart.password, STATUS.topic(store=cart.store, cart=cart.cart_id))
