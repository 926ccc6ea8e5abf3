"""Poison among good events: each bad one is kept to the byte, and the good ones hardly wait.

Reasons: docs/reliability.md R7.
"""

import asyncio
import math

import psycopg
import pytest

from shared.db.catalogue import list_sim_products
from tests.storms.conftest import Tell
from tests.storms.crew import POISON_CODE
from tests.storms.disk import REFUSALS
from tests.storms.promises import Row
from tests.storms.stage import open_stage
from tests.storms.talkers import Talkers

CARTS = 50
EVENTS_PER_S = 200  # of a busy chain's day; a rejected event holds up what is in its batch, some 10 at this rate
TURNS = 25  # a second of good weather, a second of hostile: what the machine does meanwhile falls on both
NOISE_S = 0.05  # below this a p99 says more about the machine than about the poison


def p99_s(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_beside_poison_good_events_are_shown_as_soon_as_without_it(tell: Tell) -> None:
    preparation = REFUSALS.format(poison=POISON_CODE)
    with (
        open_stage("embedded", carts=CARTS, preparation=preparation, proxied=False) as stage,
        psycopg.connect(stage.address.database_url, autocommit=True) as told,
    ):
        codes = [code for product in list_sim_products(told) for code in product.codes]

        async def suffer() -> Talkers:
            talkers = Talkers(stage.address.mqtt_url, stage.credentials, codes[:20], EVENTS_PER_S)
            await talkers.arrive()
            await talkers.talk(2.0)
            await talkers.until(lambda: talkers.unacknowledged == 0, within_s=20)
            talkers.waits_s[False].clear()
            for _ in range(TURNS):
                await talkers.talk(1.0)
                await talkers.talk(1.0, POISON_CODE)
            await talkers.until(lambda: talkers.unacknowledged == 0, within_s=20)
            await talkers.leave()  # a second later: what was malformed is kept as well
            return talkers

        talkers = asyncio.run(suffer())
        kept = told.execute("SELECT topic, payload FROM dead_letter").fetchall()
        row = told.execute("SELECT count(*) FROM cart_event WHERE verdict = 'applied'").fetchone()
        clean_s, beside_s = p99_s(talkers.waits_s[False]), p99_s(talkers.waits_s[True])
        assert talkers.sent >= 10_000
        bad = len(talkers.hostile)
        measured = f"p99 {beside_s * 1000:.0f} ms beside {bad} bad ones in 5,000, {clean_s * 1000:.0f} ms without"
        print(measured)
        tell(Row("R7", measured))
        rejected = sum(POISON_CODE.encode() in payload for _, payload in talkers.hostile)
        assert row == (talkers.sent - rejected,), "every good one is applied"
        assert sorted((topic, bytes(payload)) for topic, payload in kept) == sorted(talkers.hostile)
        assert beside_s <= max(2 * clean_s, NOISE_S)
