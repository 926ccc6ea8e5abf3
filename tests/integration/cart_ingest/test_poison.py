"""Events that the database, or our own code, cannot take: found by halving, kept with their bytes, alone."""

import json
import math

from tests.builders import BUTTER, OAT_DRINK, RYE_BREAD, Shop, scan
from tests.eventually import eventually
from tests.integration.broker.embedded import RunningBroker
from tests.integration.cart_ingest.conftest import StartIngest
from tests.integration.cart_ingest.program import (
    counted,
    events_topic,
    query,
    retained_states,
    say_on,
    settled,
)
from tests.integration.cart_ingest.test_database_faults import unacknowledged

REFUSE_BUTTER = f"""
CREATE FUNCTION refuse_butter() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NEW.code = '{BUTTER}' THEN RAISE EXCEPTION 'no butter here' USING ERRCODE = 'check_violation'; END IF;
        RETURN NEW;
    END $$;
CREATE TRIGGER refuse_butter BEFORE INSERT ON cart_event FOR EACH ROW EXECUTE FUNCTION refuse_butter();
"""
TAKE_LONG_OVER_BUTTER = f"""
CREATE FUNCTION take_long_over_butter() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NEW.code = '{BUTTER}' THEN PERFORM pg_sleep(30); END IF;
        RETURN NEW;
    END $$;
CREATE TRIGGER take_long_over_butter BEFORE INSERT ON cart_event FOR EACH ROW EXECUTE FUNCTION take_long_over_butter();
"""
IMPATIENT = """
from services.cart_ingest import database
database._OPTIONS = database._OPTIONS.replace("statement_timeout=5s", "statement_timeout=200ms")
"""
BUG_WITH_BUTTER = f"""
from services.cart_ingest import pipeline
rightly = pipeline.apply_events
def wrongly(tx, events, *rest):
    if any(getattr(one.event, "code", "") == "{BUTTER}" for one in events):
        raise ZeroDivisionError("a bug of ours")
    return rightly(tx, events, *rest)
pipeline.apply_events = wrongly
"""
# One batch for everything: the worker waits until all of it has arrived, once.
IN_ONE_BATCH = """
from services.cart_ingest.listener import Listener
import time
take = Listener.take
def take_all(self, most, wait_s):
    if len(self._inbox) < {size}:
        time.sleep(0.01)
        return []
    Listener.take = take
    return take(self, most, wait_s)
Listener.take = take_all
"""


def deliver_with_butter_at(
    shop: Shop, address: tuple[str, int], places: set[int], size: int
) -> list[tuple[str | bytes, bytes]]:
    """`size` scans of five carts in turn, butter at these places; gives the butter's deliveries."""
    messages: list[tuple[str | bytes, bytes]] = []
    for index in range(size):
        cart, seq = shop.carts[index % 5], index // 5 + 1
        code = BUTTER if index in places else OAT_DRINK if index % 2 else RYE_BREAD
        messages.append((events_topic(cart), json.dumps(scan(seq, code)).encode()))
    say_on(address, messages)
    return [messages[index] for index in sorted(places)]


def test_poisonous_events_are_kept_with_exact_bytes_and_all_others_pass(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    query(shop.url, REFUSE_BUTTER)
    size, places = 200, {3, 77, 78, 199}
    ingest = start_ingest(sabotage=IN_ONE_BATCH.format(size=size))

    poison = deliver_with_butter_at(shop, address, places, size)
    eventually(lambda: counted(shop.url)["received"] == size)

    kept = query(shop.url, "SELECT topic, payload, reason, detail FROM dead_letter ORDER BY dead_letter_id")
    assert [(topic, payload) for topic, payload, _, _ in kept] == poison
    assert {reason for _, _, reason, _ in kept} == {"rejected"}
    assert all("no butter here" in detail for *_, detail in kept)
    assert counted(shop.url) == {"received": size, "duplicates": 0, "logged": size - 4, "dead": 4}
    assert query(shop.url, "SELECT DISTINCT ack_seq FROM cart") == [(size // 5,)], "a poisonous number is settled"
    eventually(lambda: unacknowledged(broker) == 0)
    transactions = ingest.metric("ingest_halvings_total") * 2 + 1 + len(places)
    assert transactions <= 2 * len(places) * (math.ceil(math.log2(size)) + 1)


def test_one_poisonous_event_among_many_costs_the_transactions_that_were_promised(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """R7: at most 2 ceil(log2 B) + 2 transactions. The database itself counts: one note per try, kept by rollback."""
    query(shop.url, REFUSE_BUTTER)
    query(shop.url, "CREATE SEQUENCE tries")
    size = 128
    ingest = start_ingest(
        sabotage=IN_ONE_BATCH.format(size=size)
        + "from services.cart_ingest import pipeline\n"
        + "whole = pipeline.apply_events\n"
        + "def noted(tx, *rest):\n"
        + "    tx.execute(\"SELECT nextval('tries')\")\n"
        + "    return whole(tx, *rest)\n"
        + "pipeline.apply_events = noted\n"
    )

    deliver_with_butter_at(shop, address, {50}, size)
    eventually(lambda: counted(shop.url)["dead"] == 1)
    eventually(lambda: counted(shop.url)["logged"] == size - 1)

    ((tries,),) = query(shop.url, "SELECT last_value FROM tries")
    assert tries <= 2 * math.ceil(math.log2(size)) + 2
    assert ingest.metric("ingest_halvings_total") == math.log2(size)


def test_an_event_that_our_own_code_cannot_take_is_kept_with_the_traceback(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    ingest = start_ingest(sabotage=BUG_WITH_BUTTER + IN_ONE_BATCH.format(size=50))

    poison = deliver_with_butter_at(shop, address, {0, 26}, 50)
    eventually(lambda: counted(shop.url)["received"] == 50)

    kept = query(shop.url, "SELECT topic, payload, reason, detail FROM dead_letter ORDER BY dead_letter_id")
    assert [(topic, payload) for topic, payload, _, _ in kept] == poison
    assert {reason for _, _, reason, _ in kept} == {"bug"}
    assert all("ZeroDivisionError: a bug of ours" in detail for *_, detail in kept)
    assert settled(shop.url)()
    assert ingest.logged("poisonous_event") == 2
    assert eventually(lambda: retained_states(address[1])[shop.carts[1]].ack.seq) == 10


def test_a_stray_beside_a_poisonous_event_is_kept_too(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    """Nothing that is acknowledged may hang on an event that failed."""
    query(shop.url, REFUSE_BUTTER)
    start_ingest(sabotage=IN_ONE_BATCH.format(size=2))
    topic = events_topic(shop.carts[0])

    say_on(address, [(topic, scan(1, BUTTER)), (events_topic(0), b"stray")])

    eventually(lambda: counted(shop.url)["received"] == 2)
    assert query(shop.url, "SELECT reason, payload FROM dead_letter WHERE reason = 'topic'") == [("topic", b"stray")]
    assert counted(shop.url)["dead"] == 2
    eventually(lambda: unacknowledged(broker) == 0)


def test_a_cart_whose_own_row_is_broken_stops_nobody_else(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    """Not even the number of its events can be settled: the letters alone are kept."""
    broken, sound = shop.carts[:2]
    query(
        shop.url,
        f"CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NEW.cart_id = {broken} THEN RAISE EXCEPTION 'broken row'; END IF; RETURN NEW; END $$;"
        f"CREATE TRIGGER break BEFORE UPDATE OF ack_seq ON cart FOR EACH ROW EXECUTE FUNCTION break()",
    )
    ingest = start_ingest()

    say_on(address, [(events_topic(cart), scan(seq)) for seq in range(1, 6) for cart in (broken, sound)])

    eventually(lambda: counted(shop.url)["received"] == 10)
    assert counted(shop.url) == {"received": 10, "duplicates": 0, "logged": 5, "dead": 5}
    eventually(lambda: unacknowledged(broker) == 0)
    assert ingest.logged("number_not_settled") == 5


def test_too_much_poison_stops_the_worker_and_acknowledges_nothing_of_it(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    query(shop.url, REFUSE_BUTTER)
    fewer = "from services.cart_ingest import isolation; isolation.TOO_MANY = 10\n"
    ingest = start_ingest(sabotage=fewer + IN_ONE_BATCH.format(size=30))

    deliver_with_butter_at(shop, address, set(range(30)), 30)

    assert ingest.wait(30) == 70
    assert "TooMuchPoison" in ingest.log_file.read_text()
    assert unacknowledged(broker) == 30


def test_an_event_that_always_takes_too_long_is_kept_aside_and_does_not_hold_up_the_others(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    """A cancelled statement (57014) is a passing fault, but not for ever."""
    query(shop.url, TAKE_LONG_OVER_BUTTER)
    size = 16
    start_ingest(sabotage=IMPATIENT + IN_ONE_BATCH.format(size=size))

    poison = deliver_with_butter_at(shop, address, {5}, size)
    eventually(lambda: counted(shop.url)["received"] == size, within_s=20)

    assert query(shop.url, "SELECT topic, payload FROM dead_letter") == poison
    assert counted(shop.url) == {"received": size, "duplicates": 0, "logged": size - 1, "dead": 1}
    eventually(lambda: unacknowledged(broker) == 0)


def test_a_database_that_is_slow_for_everything_costs_no_event(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    query(shop.url, TAKE_LONG_OVER_BUTTER.replace(f"NEW.code = '{BUTTER}'", "true"))
    ingest = start_ingest(sabotage=IMPATIENT)
    say_on(address, [(events_topic(shop.carts[0]), json.dumps(scan(1, BUTTER)).encode())])

    eventually(lambda: ingest.metric("ingest_transaction_retries_total") >= 5, within_s=20)
    query(shop.url, "DROP TRIGGER take_long_over_butter ON cart_event")

    eventually(lambda: counted(shop.url)["logged"] == 1)
    assert counted(shop.url)["dead"] == 0
