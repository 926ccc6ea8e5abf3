"""Clocks that are wrong or step: nothing is lost, doubled or put in another order, a mark is all that is left (R14)."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from shared.db.cart_log import apply_events
from shared.db.replay import verify_log
from shared.db.types import Tx
from shared.db.upkeep import abandon_idle_sessions, give_up_gaps, list_open_gaps
from tests.builders import BUTTER, NOW, OAT_DRINK, RYE_BREAD, build_shop, incoming, remove, scan
from tests.integration.gateway.shop import open_shop
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.storm import run_storm
from tests.storms.timeline import Severity

CARTS, EVENTS = 10, 60  # of each cart
DECADE = timedelta(days=3653)
HOUR = timedelta(hours=1)
IDLE, GAP_TIMEOUT = timedelta(hours=2), timedelta(seconds=60)  # the defaults
ONLINE = "UPDATE cart_presence SET online = true WHERE cart_id = ANY(%s)"
VERDICTS = "SELECT verdict, ts_suspect, count(*) FROM cart_event WHERE cart_id = ANY(%s) GROUP BY 1, 2"
CODES = (OAT_DRINK, RYE_BREAD, BUTTER)

# The worker's clock goes right for three seconds and an hour wrong for three, in turn. PostgreSQL's and the gateway's
# stay right: to them the worker's steps.
STEPPING = """\
import sys
import time
import datetime as real
class Stepping(real.datetime):
    @classmethod
    def now(cls, tz=None):
        return real.datetime.now(tz) + real.timedelta(hours={hours} * (int(time.monotonic() / 3) % 2))
for name, module in list(sys.modules.items()):
    if name.startswith(("services.", "shared.")) and getattr(module, "datetime", None) is real.datetime:
        module.datetime = Stepping
"""
SQUALL = Severity(events=200, over_s=14, carts=8, worker_kills=3, unknown_commits=4)


def play(url: str, carts: list[int], seed: int, step: timedelta | None) -> list[list[tuple[Any, ...]]]:
    """The same events in the same mess; gives each cart's lines in their order. With a `step` the carts' clocks are ten
    years off, and the server's steps so far and back between any two batches, while its chores run."""
    random, steps = Random(seed), Random(seed)
    said = []
    for cart in carts:
        inside = dict.fromkeys(CODES, 0)
        for seq in range(1, EVENTS + 1):
            code = random.choice(CODES)
            takes_out = inside[code] > 2 and random.random() < 0.4
            inside[code] += -1 if takes_out else 1
            said.append((cart, (remove if takes_out else scan)(seq, code)))
    random.shuffle(said)
    said += random.sample(said, len(said) // 4)
    with psycopg.connect(url, autocommit=True) as tx:
        tx.execute(ONLINE, (carts,))
        for start in range(0, len(said), 40):
            now = NOW + timedelta(seconds=start) + (steps.choice((timedelta(0), step)) if step else timedelta(0))
            batch = []
            for cart, event in said[start : start + 40]:
                device_at = now + (steps.choice((DECADE, -DECADE)) if step else timedelta(0))
                event = {**event, "at": int(device_at.timestamp() * 1000)}
                batch.append(incoming(cart, event, at=now))
            apply_events(tx, batch, [], now, "ingest-0")
            if step:
                give_up_gaps(tx, list_open_gaps(tx), now)
                abandon_idle_sessions(tx, IDLE.total_seconds(), now)
        return [lines_of(tx, cart) for cart in carts]


def lines_of(tx: Tx, cart_id: int) -> list[tuple[Any, ...]]:
    """What is in the cart, in the order in which it stands there, and where its unbroken run ends."""
    return tx.execute(
        "SELECT l.line, l.product_id, l.quantity, c.ack_epoch, c.ack_seq FROM cart_line l"
        " JOIN cart_session s USING (session_id) JOIN cart c USING (cart_id)"
        " WHERE cart_id = %s AND s.status = 'open' ORDER BY l.line",
        (cart_id,),
    ).fetchall()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_carts_ten_years_off_and_a_server_that_steps_an_hour_leave_the_same_carts(
    database_url: str, seed: int, step: timedelta
) -> None:
    shop = build_shop(database_url, carts=2 * CARTS)
    some, others = shop.carts[:CARTS], shop.carts[CARTS:]
    right = play(shop.url, some, seed, None)
    wrong = play(shop.url, others, seed, step)

    assert wrong == right
    assert all(lines[0][-2:] == (1, EVENTS) for lines in right)
    with psycopg.connect(shop.url, autocommit=True) as tx:
        of_wrong_clocks = tx.execute(VERDICTS, (others,)).fetchall()
        (given_up,) = tx.execute("SELECT count(*) FROM alert WHERE kind = 'gap'").fetchone() or (0,)
        with tx.transaction():
            verified = verify_log(tx, lambda done: None)
    assert of_wrong_clocks == [("applied", True, CARTS * EVENTS)], "the mark, and nothing else"
    assert given_up, "the chores were tempted: gaps looked an hour old"
    assert verified.differences == ()
    assert verified.conservation.holds


@pytest.mark.parametrize("hours", [1, -1])
def test_after_a_step_of_the_servers_clock_a_phone_refreshes_its_token_and_goes_on(
    database_url: str, hours: int
) -> None:
    """A token ends by `exp` and is not of the future (RFC 7519, RFC 8725): either is refused, never believed; the
    refresh token, which lives for weeks, gives one of now."""
    with open_shop(database_url) as shop:
        shop.clock.advance(hours=hours)
        ada = shop.log_in()
        shop.clock.moment = datetime.now(UTC)

        refused = ada.get("/cart/view")
        assert (refused.status_code, refused.json()["code"]) == (HTTPStatus.UNAUTHORIZED, "not_authenticated")
        fresh = shop.client.post("/auth/refresh", json={"refresh_token": ada.refresh_token})
        assert fresh.status_code == HTTPStatus.OK
        ada.token = fresh.json()["token"]
        assert ada.get("/cart/view").status_code == HTTPStatus.NOT_FOUND, "nobody holds a cart"


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_steps_by_an_hour_keeps_every_promise(
    hours: int, storm_seed: int, tmp_path: Path, tell: Tell
) -> None:
    report = run_storm(storm_seed, SQUALL, tmp_path, sabotage=STEPPING.format(hours=hours))
    print(report.table())
    lost, found = report.kinds()["lost"], len(report.findings)
    tell(Row("R14", f"{lost} lost, {found} findings: {report.events} events, {hours:+d} h and back every 3 s"))
    assert report.findings == [], report.in_full()
