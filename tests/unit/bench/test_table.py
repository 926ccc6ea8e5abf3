"""The one table of the benchmark: which rows, which targets, what the verdicts say; and the picture of it."""

import io
import json
from xml.etree import ElementTree

from rich.console import Console

from tests.bench import report
from tests.bench.chart import chart
from tests.bench.figures import Latency, Run
from tests.bench.growth import Start
from tests.bench.report import Findings, Row, table_rows
from tests.bench.table import HEADINGS, as_json, cells_of, markdown, show

CPU = {"worker": 2.0, "PostgreSQL": 1.0, "broker": 0.5, "load": 0.25}


def findings(ours_per_s: int = 12_000, seconds: float = 60.0) -> Findings:
    found = Findings(["2 cores, ext4"], "mosquitto", seconds)
    found.rates = {
        report.OURS.format("mosquitto"): [Run(ours_per_s, 1.0, CPU)] * 3,
        report.OURS.format("embedded"): [Run(2_000, 1.0, CPU)] * 3,
        report.NAIVE.format("mosquitto"): [Run(600, 1.0, CPU)] * 3,
        report.MEMORY: [Run(20_000, 1.0)] * 3,
        report.LOAD: [Run(300_000, 1.0)] * 3,
    }
    found.absent = {report.PGBENCH.format(1): "not installed"}
    found.delays = {"mosquitto": [Latency(200.0, 1_600, 3.0, 30.0, 40.0, 0.1), Latency(2_000.0, 9_000, 9, 99, 120, 1)]}
    return found


def row(rows: list[Row], beginning: str) -> Row:
    [found] = [one for one in rows if one.what.startswith(beginning)]
    return found


def test_what_issue_7_asks_for_is_met_or_missed_in_words() -> None:
    rows = table_rows(findings())
    assert row(rows, "cart-ingest over mosquitto").verdict == "met"
    assert row(rows, "cart-ingest over embedded").verdict == "missed"
    assert (row(rows, "naive").ratio, row(rows, "naive").verdict) == ("ours 20.0 ×", "met")
    assert (row(rows, "apply_events").ratio, row(rows, "apply_events").verdict) == ("ours 60%", "met")
    assert row(rows, "scan to phone over mosquitto, 200").verdict == "missed"
    assert row(rows, "scan to phone over mosquitto, 2,000").verdict == "met"


def test_a_rate_measured_in_several_rounds_counts_with_its_medians() -> None:
    found = findings()
    found.delays = {"mosquitto": [Latency(200.0, 1_000, p50, p99, 90.0, 0.1) for p50, p99 in ((4, 9), (3, 70), (6, 8))]}
    [shown] = [one for one in table_rows(found) if one.what.startswith("scan to phone over mosquitto, 200")]
    assert shown.figure == "p50 4.0 ms (3.0 to 6.0), p99 9.0 ms of 3,000"
    assert shown.verdict == "met"


def test_a_short_run_does_not_claim_what_was_asked_for_a_minute() -> None:
    assert row(table_rows(findings(seconds=5)), "cart-ingest over mosquitto").verdict == "met (5 s, not 60)"


def test_a_smaller_log_does_not_claim_what_was_asked_for_ten_million_rows() -> None:
    found = findings()
    found.old_rows, found.empty, found.old = 1_000_000, [Run(1_000, 1.0)], [Run(900, 1.0, resident_mb=80)]
    found.start = Start(10_000, 2.5, 9.0, 120)
    rows = table_rows(found)
    old = row(rows, "cart-ingest, 1,000,000 rows")
    assert (old.ratio, old.verdict) == ("90% of empty", "met (1,000,000 rows, not 10,000,000)")
    assert row(rows, "start with 10,000 open carts").verdict == "met"


def test_what_could_not_be_measured_says_why() -> None:
    assert row(table_rows(findings()), "pgbench").figure == "not installed"


def test_events_that_had_to_be_sent_again_are_told() -> None:
    found = findings()
    found.rates[report.LOAD] = [Run(1_000, 1.0, repeated=2), Run(1_000, 1.0, repeated=5), Run(1_000, 1.0)]
    assert row(table_rows(found), "the load generator").figure == "1,000/s (1,000 to 1,000), 7 sent again"


def test_the_table_shows_every_row_on_a_terminal_and_in_markdown() -> None:
    found = findings()
    rows = table_rows(found)
    screen = io.StringIO()
    show(found, rows, Console(file=screen, width=220))
    pasted = markdown(found, rows).splitlines()
    for one in rows:
        assert one.what in screen.getvalue()
        assert any(one.what in line and one.figure in line for line in pasted)
    assert len(cells_of(rows[0])) == len(HEADINGS)
    assert {line.count("|") for line in pasted if line.startswith("|")} == {len(HEADINGS) + 1}


def test_json_holds_every_run_and_the_medians() -> None:
    document = json.loads(as_json(findings()))
    assert document["median_per_s"][report.LOAD] == 300_000
    assert len(document["rates"][report.LOAD]) == 3


def test_the_picture_is_well_formed_and_shows_each_rate() -> None:
    picture = ElementTree.fromstring(chart(findings()))
    texts = [element.text for element in picture.iter() if element.text]
    assert {"12,000", "600", "3.0 / 30.0"} <= set(texts)


def test_a_failed_row_of_the_sweep_says_why_and_takes_no_other_along() -> None:
    found = findings()
    found.sweep = {"10 carts": Run(900, 1.0, CPU)}
    found.failed = {"10,000 carts": "the load could not connect"}
    rows = table_rows(found)
    assert (row(rows, "10,000 carts").figure, row(rows, "10,000 carts").verdict) == (
        "the load could not connect",
        "failed",
    )
    assert row(rows, "10 carts").figure == "900/s"
