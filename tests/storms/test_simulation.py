"""The pure core in simulated storms: many seeds, and a seed that replays to the byte."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from services.cart_ingest.listener import Delivery, Listener
from tests.storms.conftest import Tell
from tests.storms.promises import Row
from tests.storms.simulation import Simulation
from tests.unit.domain.test_cart_machine import CartMachine


def test_twenty_simulated_storms_leave_everything_in_its_place() -> None:
    for seed in range(20):
        assert Simulation(seed).run().findings == [], f"Simulation({seed})"


def test_a_seed_replays_to_the_byte_and_another_is_another_storm() -> None:
    told = ["\n".join(Simulation(seed).run().timeline) for seed in (7, 7, 8)]
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_without_the_gate_the_simulation_finds_acknowledgements_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle_on_any_connection(self: Listener, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            one.connection = self._client.connection
        settle(self, deliveries)

    settle = Listener.settle
    monkeypatch.setattr(Listener, "settle", settle_on_any_connection)
    assert any(Simulation(seed).run().findings for seed in range(10))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_hundreds_of_simulated_storms_and_of_lives_of_a_cart(full: bool, tell: Tell) -> None:
    seeds, lives = (20_000, 5_000) if full else (500, 500)
    for seed in range(seeds):
        assert Simulation(seed).run().findings == [], f"play it again: Simulation({seed}).run()"
    lasting = settings(max_examples=lives, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(CartMachine, settings=lasting)
    tell(Row("R21", f"{seeds} seeds, {lives} lives of a cart (Hypothesis), a seed replays to the byte"))
