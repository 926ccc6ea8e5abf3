"""The harness sees bugs: each of these, put into cart-ingest on purpose, is found by a squall."""

from pathlib import Path

import pytest

from tests.storms.storm import run_storm
from tests.storms.test_storm import SQUALL

ACKNOWLEDGES_PAST_A_GAP = """\
from shared.domain import cart_record, frontier
def admit(known, epoch, seq):
    after, how = frontier.admit(known, epoch, seq)
    return frontier.give_up_gap(after), how
cart_record.admit = admit
"""

APPLIES_WHAT_IT_KNOWS = """\
from shared.domain import cart_record, frontier
def admit(known, epoch, seq):
    after, how = frontier.admit(known, epoch, seq)
    return after, frontier.Admission.NEXT if how is frontier.Admission.KNOWN else how
cart_record.admit = admit
"""

APPLIES_IN_ORDER_OF_ARRIVAL = """\
from dataclasses import replace
from shared.db import cart_log
from shared.domain import cart_record
cart_log.settle = lambda *given: replace(cart_record.settle(*given), must_refold=False)
"""

PUBLISHES_WHAT_IT_READ_LONG_AGO = """\
import itertools
from services.cart_ingest import publisher
from shared.db.cart_states import read_cart_snapshots
turns, newest, older = itertools.count(1), {}, {}
def read(tx, cart_ids):
    fresh = read_cart_snapshots(tx, cart_ids)
    shown = [older.get(one.cart_id, one) for one in fresh] if next(turns) % 3 == 0 else fresh
    for one in fresh:
        older[one.cart_id], newest[one.cart_id] = newest.get(one.cart_id, one), one
    return shown
publisher.read_cart_snapshots = read
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("mutant", "seen_as"),
    [
        pytest.param(ACKNOWLEDGES_PAST_A_GAP, {"lost", "different"}, id="acknowledges past a gap"),
        pytest.param(APPLIES_WHAT_IT_KNOWS, {"different", "dead letters", "replay"}, id="applies what it knows"),
        pytest.param(APPLIES_IN_ORDER_OF_ARRIVAL, {"replay", "refused", "different"}, id="order of arrival"),
        pytest.param(PUBLISHES_WHAT_IT_READ_LONG_AGO, {"backwards"}, id="publishes what it read long ago"),
    ],
)
def test_a_mutant_is_caught(storm_seed: int, tmp_path: Path, mutant: str, seen_as: set[str]) -> None:
    report = run_storm(storm_seed, SQUALL, tmp_path, sabotage=mutant)
    assert report.kinds().keys() & seen_as, report.in_full()
