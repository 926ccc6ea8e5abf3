"""Work done again and again beside the requests."""

import threading

import pytest
from prometheus_client import REGISTRY

from services.gateway import rounds as rounds_module
from services.gateway.rounds import Rounds
from tests.eventually import eventually


def test_a_round_follows_the_other_until_it_is_stopped() -> None:
    done: list[str] = []

    def work() -> float:
        done.append(threading.current_thread().name)
        return 0.0

    rounds = Rounds("sweeping", work)
    rounds.start()
    eventually(lambda: len(done) >= 3)
    rounds.stop()

    assert set(done) == {"sweeping"}
    assert not any(thread.name == "sweeping" for thread in threading.enumerate())


def test_stopping_does_not_wait_for_the_next_round_to_be_due() -> None:
    begun = threading.Event()

    def work() -> float:
        begun.set()
        return 3600.0

    rounds = Rounds("sweeping", work)
    rounds.start()
    assert begun.wait(5)
    rounds.stop()

    assert not any(thread.name == "sweeping" for thread in threading.enumerate())


def test_nothing_is_done_before_the_first_round_is_due() -> None:
    done: list[None] = []

    def work() -> float:
        done.append(None)
        return 0.0

    rounds = Rounds("sweeping", work, first_in_s=3600.0)
    rounds.start()
    rounds.stop()

    assert done == []


def test_a_round_that_fails_is_counted_and_the_next_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "AGAIN_AFTER_FAULT_S", 0.0)
    done: list[int] = []

    def work() -> float:
        done.append(1)
        raise LookupError("nobody thought of this")

    before = failures("sweeping-in-vain")
    rounds = Rounds("sweeping-in-vain", work)
    rounds.start()
    eventually(lambda: len(done) >= 3)
    assert rounds.complaint() is None
    rounds.stop()

    assert failures("sweeping-in-vain") - before >= 2


def test_a_round_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "ROUND_WITHIN_S", 0.0)
    over = threading.Event()

    def work() -> float:
        over.wait(10)
        return 60.0

    rounds = Rounds("hanging", work)
    rounds.start()
    eventually(lambda: rounds.complaint() == "hanging has not ended a round for a minute")
    over.set()
    eventually(lambda: rounds.complaint() is None)
    rounds.stop()


def failures(name: str) -> float:
    return REGISTRY.get_sample_value("gateway_rounds_failed_total", {"rounds": name}) or 0.0
