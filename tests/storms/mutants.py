"""Bugs that somebody might write into cart-ingest, as Python that its process runs before `main`.

Reasons: docs/reliability.md R20.
"""

AUTO_ACK = """\
import threading
import time
from services.cart_ingest.listener import Listener
start = Listener.start
def start_and_settle(self):
    def settle_what_comes():
        while True:
            time.sleep(0.005)
            with self._changed:
                came = list(self._inbox)
            self.settle(came)
    threading.Thread(target=settle_what_comes, daemon=True).start()
    start(self)
Listener.start = start_and_settle
"""

ACK_BEFORE_COMMIT = """\
from services.cart_ingest.listener import Listener
take = Listener.take
def take_and_settle(self, most, wait_s):
    taken = take(self, most, wait_s)
    self.settle(taken)
    return taken
Listener.take = take_and_settle
"""

NO_EPOCH_GUARD = """\
from services.cart_ingest.listener import Listener
settle = Listener.settle
def settle_on_any_connection(self, deliveries):
    for one in deliveries:
        one.connection = self._client.connection
    settle(self, deliveries)
Listener.settle = settle_on_any_connection
"""

NO_DEDUP_KEY = """\
from shared.db import cart_log
from shared.domain import cart_record, frontier
admit, insert = frontier.admit, cart_log.insert_event_rows
def admit_everything(known, epoch, seq):
    after, how = admit(known, epoch, seq)
    return after, frontier.Admission.NEXT if how is frontier.Admission.KNOWN else how
def insert_what_fits(tx, rows):
    carts = [row.cart_id for row in rows]
    logged = set(tx.execute("SELECT cart_id, epoch, seq, sub FROM cart_event WHERE cart_id = ANY(%s)", (carts,)))
    fitting = {(row.cart_id, *row.entry.fact.key): row for row in reversed(rows)}
    insert(tx, [row for key, row in fitting.items() if key not in logged])
cart_record.admit = admit_everything
cart_log.insert_event_rows = insert_what_fits
"""

DROP_ON_STALE = """\
from services.cart_ingest.listener import Listener
take = Listener.take
def take_fresh(self, most, wait_s):
    line = self._client
    return [one for one in take(self, most, wait_s) if line.live and one.connection == line.connection]
Listener.take = take_fresh
"""

UNSORTED_KEYS = """\
import random
from services.cart_ingest import pipeline
apply = pipeline.apply_events
def lock_in_any_order_and_apply(tx, events, *rest):
    carts = list({one.cart_id for one in events})
    random.shuffle(carts)
    for cart in carts:
        tx.execute("SELECT 1 FROM cart WHERE cart_id = %s FOR NO KEY UPDATE", (cart,))
    return apply(tx, events, *rest)
pipeline.apply_events = lock_in_any_order_and_apply
"""

PUBLISH_BEFORE_COMMIT = """\
from datetime import UTC, datetime
from services.cart_ingest import pipeline
from services.cart_ingest.listener import Listener
from services.cart_ingest.state_message import to_state_message
from shared.contracts.channels import STATE
from shared.db.cart_states import read_cart_snapshots
listeners, start, apply = [], Listener.start, pipeline.apply_events
def start_known(self):
    listeners.append(self)
    start(self)
def apply_and_publish(tx, *given):
    applied = apply(tx, *given)
    for one in read_cart_snapshots(tx, sorted(applied.changed_carts)):
        said = to_state_message(one, "EUR", datetime.now(UTC), for_phone=False)
        topic = STATE.topic(store=one.store, cart=one.cart_id)
        listeners[0]._client.publish(topic, said, qos=1, retain=True)
    return applied
Listener.start, pipeline.apply_events = start_known, apply_and_publish
"""

STALE_STATE_PUBLISH = """\
import itertools
from services.cart_ingest.told import Told
say, turns, newest, older = Told._say, itertools.count(1), {}, {}
def say_older(self, snapshots, farewells):
    shown = [older.get(one.cart_id, one) for one in snapshots] if next(turns) % 3 == 0 else snapshots
    for one in snapshots:
        older[one.cart_id], newest[one.cart_id] = newest.get(one.cart_id, one), one
    return say(self, shown, farewells)
Told._say = say_older
"""

SWALLOW_DATA_ERROR = """\
from collections import Counter
import psycopg
from services.cart_ingest.pipeline import Pipeline
from shared.db.cart_log import Applied
apply = Pipeline._apply
def apply_or_not(self, *given):
    try:
        return apply(self, *given)
    except psycopg.DataError:
        return Applied((), Counter(), frozenset(), ())
Pipeline._apply = apply_or_not
"""

# Beyond the nine.

ACKNOWLEDGE_PAST_A_GAP = """\
from shared.domain import cart_record, frontier
def admit(known, epoch, seq):
    after, how = frontier.admit(known, epoch, seq)
    return frontier.give_up_gap(after), how
cart_record.admit = admit
"""

APPLY_IN_ORDER_OF_ARRIVAL = """\
from shared.db import cart_log
cart_log._Batch.to_refold = lambda self: []
"""
