"""The console's pure pieces: what is shown of foreign bytes, and what is read from cart-ingest's metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from services.cart_ingest.metrics import Metrics
from services.gateway.console.dead_letters import printable
from services.gateway.console.ingest_samples import WorkerReading, read_worker


@given(st.binary(max_size=200))
def test_whatever_a_cart_sent_is_shown_as_printable_ascii(payload: bytes) -> None:
    shown = printable(payload.decode("latin-1"))
    assert shown.isascii()
    assert all(" " <= one <= "~" for one in shown)


@given(st.text(max_size=50))
def test_text_that_turns_lines_around_or_hides_is_escaped(text: str) -> None:
    assert all(" " <= one <= "~" for one in printable(text))


def test_ingests_own_metrics_are_understood() -> None:
    metrics = Metrics()
    metrics.inbox.set(7)
    metrics.database_up.set(1)
    metrics.commit_s.observe(0.002)
    metrics.commit_s.observe(0.004)
    text = generate_latest(metrics.registry).decode()
    assert read_worker(text) == WorkerReading(inbox=7, database_up=True, commit_ms=pytest.approx(3))
    assert read_worker(generate_latest(Metrics().registry).decode()) == WorkerReading(0, False, None)


@pytest.mark.parametrize("text", ["", "hello", "# nothing\n", "other_metric 1\n"])
def test_what_is_not_ingests_metrics_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_worker(text)
