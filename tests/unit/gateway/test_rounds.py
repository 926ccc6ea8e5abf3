"""Work done again and again beside the requests."""

import threading

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
