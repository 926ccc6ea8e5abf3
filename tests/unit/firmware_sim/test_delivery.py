"""Device and bad radio against a model backend in virtual time: whatever the radio does, each event counts once."""

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.device import Device, Publish
from firmware_sim.journal import Journal
from firmware_sim.radio import Link, Weather
from shared.contracts.channels import EVENTS
from tests.unit.firmware_sim.backend_model import BackendModel

STEP_S = 0.1


@dataclass
class Store:
    """One cart, its radio, and the backend, moved on in steps of a tenth of a second."""

    weather: Weather
    seed: int
    transcript: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backend = BackendModel()
        self.device = Device(Journal(), Random(f"{self.seed}/device"))
        self.up: Link[Publish] = Link(self.weather, Random(f"{self.seed}/up"))
        self.down: Link[tuple[str, bytes]] = Link(self.weather, Random(f"{self.seed}/down"))
        self.breaks = Random(f"{self.seed}/breaks")
        self.now_s = 1_790_000_000.0
        self.connect()

    def connect(self) -> None:
        self.deliver([("state", self.backend.state())])
        self.send(self.device.connect(self.now_s))

    def send(self, messages: list[Publish]) -> None:
        for message in messages:
            if message.channel is EVENTS:
                self.reach_backend(self.up.carry(message, self.now_s))
                if self.breaks.random() < self.weather.disconnect:
                    self.device.disconnect()

    def reach_backend(self, messages: list[Publish]) -> None:
        for message in messages:
            self.transcript.append(message.payload)
            self.backend.receive(message.payload)
            self.deliver([("state", self.backend.state())])
            if (command := self.backend.resend(int(self.now_s * 1000) + 5000)) is not None:
                self.deliver([("command", command)])

    def deliver(self, messages: list[tuple[str, bytes]]) -> None:
        for message in messages:
            self.understand(self.down.carry(message, self.now_s))

    def understand(self, messages: list[tuple[str, bytes]]) -> None:
        for kind, payload in messages:
            if kind == "state":
                self.send(self.device.receive_state(payload, self.now_s))
            else:
                self.send(self.device.receive_command(payload, self.now_s))

    def pass_time(self) -> None:
        self.now_s += STEP_S
        if not self.device.connected:
            self.connect()
        self.reach_backend(self.up.release(self.now_s))
        self.understand(self.down.release(self.now_s))
        self.send(self.device.tick(self.now_s))
        if self.device.asks_for_state(self.now_s):
            self.deliver([("state", self.backend.state())])

    def scan(self, code: str) -> None:
        self.send(self.device.record(self.now_s, "scan", code=code))
        self.pass_time()

    def settle(self, within_s: float = 3_000) -> None:
        deadline_s = self.now_s + within_s
        while len(self.device.journal):
            self.pass_time()
            assert self.now_s < deadline_s, f"{len(self.device.journal)} events are never settled"


bad_weather = st.builds(
    Weather,
    loss=st.floats(0, 0.4),
    duplicate=st.floats(0, 0.4),
    reorder=st.integers(0, 12),
    disconnect=st.floats(0, 0.2),
)


def play(weather: Weather, seed: int, scans: int, power_cuts: set[int]) -> Store:
    store = Store(weather, seed)
    for number in range(scans):
        store.scan(f"code-{number}")
        if number in power_cuts:
            store.device.power_cut(keep_journal=True)
            store.up.clear()
            store.down.clear()
    store.settle()
    return store


@settings(max_examples=60, deadline=None)
@given(weather=bad_weather, seed=st.integers(), scans=st.integers(1, 60), power_cuts=st.sets(st.integers(0, 59)))
def test_every_event_is_applied_exactly_once_in_the_order_of_the_cart(
    weather: Weather, seed: int, scans: int, power_cuts: set[int]
) -> None:
    store = play(weather, seed, scans, power_cuts)
    assert store.backend.codes == [f"code-{number}" for number in range(scans)]
    assert store.backend.conflicts == 0
    assert store.backend.stale == 0


@settings(max_examples=10, deadline=None)
@given(weather=bad_weather, seed=st.integers())
def test_the_same_seed_puts_the_same_bytes_on_the_air(weather: Weather, seed: int) -> None:
    assert play(weather, seed, 30, {7}).transcript == play(weather, seed, 30, {7}).transcript


@settings(max_examples=30, deadline=None)
@given(weather=bad_weather, seed=st.integers())
def test_after_a_lost_storage_new_events_still_count_exactly_once_and_old_ones_never_come_back(
    weather: Weather, seed: int
) -> None:
    store = Store(weather, seed)
    for number in range(10):
        store.scan(f"old-{number}")
    store.device.power_cut(keep_journal=False)
    store.scan("new-0")
    store.settle()
    final = store.backend.codes
    for number in range(1, 10):
        store.scan(f"new-{number}")
    store.settle()
    assert store.backend.codes == final + [f"new-{number}" for number in range(1, 10)]
    assert store.backend.conflicts == 0
