"""The device's laws: what it keeps, what it sends again, which numbers it gives."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware_sim.device import OLD_STATE_REFUSED_S, PATIENCE_S, RESEND_SPACING_S, WINDOW, Device, Publish
from firmware_sim.journal import Journal, JournalFull
from shared.contracts.channels import EVENTS, STATUS
from shared.contracts.commands import Identify, Resend, ShowMessage
from shared.contracts.decode import Undecodable, decode_event, decode_status, decode_telemetry
from tests.unit.firmware_sim.backend_model import state_payload

NOW_S = 1_790_000_000.0


def a_device(epoch: int = 7, capacity: int = 512) -> Device:
    return Device(Journal(epoch=epoch, capacity=capacity), Random(1))


def scan(device: Device, count: int = 1, now_s: float = NOW_S) -> list[Publish]:
    sent: list[Publish] = []
    for number in range(count):
        sent += device.record(now_s, "scan", code=f"code-{number}")
    return sent


def keys(sent: list[Publish]) -> list[tuple[int, int] | None]:
    return [message.key for message in sent if message.channel is EVENTS]


def resend_command(epoch: int, seq: int, expires_s: float = NOW_S + 60) -> bytes:
    return Resend(expires_at=int(expires_s * 1000), epoch=epoch, seq=seq).model_dump_json().encode()


def test_events_are_numbered_from_one_and_readable_by_the_backend() -> None:
    device = a_device()
    device.connect(NOW_S)
    sent = scan(device, 3)
    assert keys(sent) == [(7, 1), (7, 2), (7, 3)]
    for message in sent:
        assert not isinstance(decode_event(message.payload, 1), Undecodable)


def test_every_kind_of_event_is_readable_by_the_backend() -> None:
    device = a_device()
    device.connect(NOW_S)
    sent = device.record(NOW_S, "scan", code="96385074", quantity=2, weight_g=300)
    sent += device.record(NOW_S, "remove", code="96385074")
    sent += device.record(NOW_S, "weight", total_g=120)
    sent += device.record(NOW_S, "help")
    read = [decode_event(message.payload, 1) for message in sent]
    assert [type(event).__name__ for event in read] == ["Scan", "Remove", "Weight", "Help"]


def test_birth_will_and_telemetry_are_readable_by_the_backend() -> None:
    device = a_device()
    birth = device.connect(NOW_S)[0]
    assert birth.channel is STATUS
    assert not isinstance(decode_status(birth.payload), Undecodable)
    will = decode_status(device.birth(online=False).payload)
    assert not isinstance(will, Undecodable)
    assert will.online is False
    assert not isinstance(decode_telemetry(device.telemetry((1.5, 2, 0), 80, -60).payload), Undecodable)


def test_nothing_is_sent_without_a_connection_and_everything_after_it() -> None:
    device = a_device()
    assert scan(device, 3) == []
    assert keys(device.connect(NOW_S)) == [(7, 1), (7, 2), (7, 3)]


def test_after_a_reconnect_what_is_unacknowledged_goes_out_again_oldest_first() -> None:
    device = a_device()
    device.connect(NOW_S)
    first = scan(device, 5)
    device.receive_state(state_payload(1, (7, 2)), NOW_S)
    device.disconnect()
    again = device.connect(NOW_S + 1)
    assert keys(again) == [(7, 3), (7, 4), (7, 5)]
    assert all(message.again for message in again if message.channel is EVENTS)
    assert [message.payload for message in again[1:]] == [message.payload for message in first[2:]]


def test_the_window_holds_twenty_and_moves_with_the_acknowledgement() -> None:
    device = a_device()
    device.connect(NOW_S)
    assert len(scan(device, 30)) == WINDOW
    assert keys(device.receive_state(state_payload(1, (7, 4)), NOW_S)) == [(7, n) for n in (21, 22, 23, 24)]


def test_a_state_whose_version_is_not_above_the_last_changes_nothing() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 3)
    device.receive_state(state_payload(5, (7, 1)), NOW_S)
    for version in (4, 5):
        assert device.receive_state(state_payload(version, (7, 3)), NOW_S) == []
    assert len(device.journal) == 2
    device.receive_state(state_payload(6, (7, 3)), NOW_S)
    assert len(device.journal) == 0


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"v":2}', b"\xff", b"null"])
def test_an_unreadable_state_or_command_changes_nothing(payload: bytes) -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 1)
    assert device.receive_state(payload, NOW_S) == []
    assert device.receive_command(payload, NOW_S) == []
    assert len(device.journal) == 1


def test_a_resend_command_brings_everything_in_flight_from_its_number_on() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 5)
    assert keys(device.receive_command(resend_command(7, 3), NOW_S)) == [(7, 3), (7, 4), (7, 5)]


def test_an_expired_resend_command_is_ignored() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 5)
    assert device.receive_command(resend_command(7, 1, expires_s=NOW_S), NOW_S) == []


def test_a_storm_of_resend_commands_is_answered_once() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 2)
    answers = [device.receive_command(resend_command(7, 1), NOW_S) for _ in range(10)]
    assert [len(answer) for answer in answers] == [2] + [0] * 9
    assert len(device.receive_command(resend_command(7, 1), NOW_S + RESEND_SPACING_S)) == 2


def test_commands_for_people_reach_people() -> None:
    device = a_device()
    expires_at = int(NOW_S * 1000) + 1
    device.receive_command(ShowMessage(expires_at=expires_at, text="Till 2").model_dump_json().encode(), NOW_S)
    device.receive_command(Identify(expires_at=expires_at).model_dump_json().encode(), NOW_S)
    assert device.messages == ["Till 2"]
    assert device.identified == 1


def test_without_progress_the_window_goes_out_again_with_growing_patience() -> None:
    device = a_device()
    device.connect(NOW_S)
    device.receive_state(state_payload(0, (7, 0)), NOW_S)
    scan(device, 3)
    waits, now_s = [], NOW_S
    for _ in range(5):
        assert device.wake_at_s is not None
        waits.append(device.wake_at_s - now_s)
        assert device.tick(device.wake_at_s - 0.01) == []
        now_s = device.wake_at_s
        assert keys(device.tick(now_s)) == [(7, 1), (7, 2), (7, 3)]
    assert PATIENCE_S <= waits[0] <= PATIENCE_S * 1.5
    assert waits[1] >= 2 * PATIENCE_S
    assert waits[-1] <= 60


def test_progress_restores_the_first_patience_and_an_empty_journal_needs_no_timer() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 2)
    assert device.wake_at_s is not None
    device.tick(device.wake_at_s)
    later_s = NOW_S + 100
    device.receive_state(state_payload(1, (7, 1)), later_s)
    assert device.wake_at_s is not None
    assert device.wake_at_s <= later_s + PATIENCE_S * 1.5
    device.receive_state(state_payload(2, (7, 2)), later_s)
    assert device.wake_at_s is None


def test_the_session_of_the_last_state_is_stamped_while_it_is_open() -> None:
    device = a_device()
    device.connect(NOW_S)
    assert "session" not in json.loads(scan(device)[0].payload)
    device.receive_state(state_payload(1, (7, 1), session="s-1", status="active"), NOW_S)
    assert json.loads(scan(device)[0].payload)["session"] == "s-1"
    device.receive_state(state_payload(2, (7, 2), session="s-1", status="closed"), NOW_S)
    assert "session" not in json.loads(scan(device)[0].payload)


def test_a_reboot_with_its_journal_continues_numbers_and_repeats_payloads_to_the_byte() -> None:
    device = a_device()
    device.connect(NOW_S)
    before = scan(device, 2)
    assert device.power_cut(keep_journal=True) == 0
    again = device.connect(NOW_S + 5)
    assert [message.payload for message in again[1:]] == [message.payload for message in before]
    assert keys(scan(device)) == [(7, 3)]


def test_a_cart_that_restarts_is_not_fooled_by_a_state_older_than_the_last_it_showed() -> None:
    """A killed Mosquitto comes back with retained states that are a second old. What was scanned then used to be
    numbered into the trip before, which was over, and was late (docs/decisions/0062)."""
    device = a_device()
    device.connect(NOW_S)
    device.receive_state(state_payload(5, (7, 0), session="s-1", status="active"), NOW_S)
    device.receive_state(state_payload(6, (7, 0), session="s-1", status="closed"), NOW_S)
    device.power_cut(keep_journal=True)
    device.receive_state(state_payload(5, (7, 0), session="s-1", status="active"), NOW_S + 1)
    assert device.state is None, "also when it comes with the answer to the subscription, before all is granted"
    device.connect(NOW_S + 1)
    device.receive_state(state_payload(5, (7, 0), session="s-1", status="active"), NOW_S + 1)
    assert device.state is None
    assert "session" not in json.loads(scan(device, now_s=NOW_S + 1)[0].payload)
    device.receive_state(state_payload(6, (7, 0), session="s-1", status="closed"), NOW_S + 2)
    assert device.state is not None
    device.power_cut(keep_journal=False)
    device.connect(NOW_S + 3)
    device.receive_state(state_payload(5, (7, 0)), NOW_S + 3)
    assert device.state is not None, "a cart without storage cannot know better"


def test_a_restarted_cart_takes_an_older_state_when_no_newer_one_comes_for_a_minute() -> None:
    """As after a database was restored from a backup: it asks again and again, and then believes what it hears."""
    device = a_device()
    device.connect(NOW_S)
    device.receive_state(state_payload(50, (7, 0)), NOW_S)
    device.power_cut(keep_journal=True)
    device.connect(NOW_S)
    shown_s = NOW_S
    while device.state is None:
        assert device.wake_at_s is not None
        shown_s = device.wake_at_s
        assert device.asks_for_state(shown_s)
        device.receive_state(state_payload(40, (7, 0)), shown_s)
    assert OLD_STATE_REFUSED_S <= shown_s - NOW_S <= OLD_STATE_REFUSED_S + 2 * PATIENCE_S


def test_after_a_reset_of_the_storage_nothing_is_numbered_before_the_backend_has_spoken() -> None:
    device = a_device()
    device.connect(NOW_S)
    scan(device, 3)
    assert device.power_cut(keep_journal=False) == 3
    assert keys(device.connect(NOW_S)) == []
    assert scan(device, 2) == []
    assert len(device.journal) == 2
    sent = device.receive_state(state_payload(9, (7, 1)), NOW_S)
    assert keys(sent) == [(8, 1), (8, 2)]


def test_a_brand_new_cart_begins_with_epoch_one() -> None:
    device = Device(Journal(), Random(1))
    device.connect(NOW_S)
    device.receive_state(state_payload(0, (0, 0), status="idle"), NOW_S)
    assert keys(scan(device)) == [(1, 1)]


def test_an_acknowledgement_of_numbers_it_never_gave_makes_the_cart_start_a_fresh_epoch() -> None:
    device = a_device(epoch=3)
    device.connect(NOW_S)
    scan(device, 2)
    sent = device.receive_state(state_payload(1, (3, 50)), NOW_S)
    assert keys(sent) == [(4, 1), (4, 2)]
    sent = device.receive_state(state_payload(2, (6, 1)), NOW_S)
    assert keys(sent) == [(7, 1), (7, 2)]


def test_a_full_journal_refuses_and_keeps_what_it_holds() -> None:
    device = a_device(capacity=4)
    scan(device, 4)
    with pytest.raises(JournalFull):
        scan(device)
    assert [entry.key for entry in device.journal.entries] == [(7, n) for n in (1, 2, 3, 4)]


def test_a_cart_that_shows_no_state_asks_for_it_until_one_comes() -> None:
    device = a_device()
    device.connect(NOW_S)
    for _ in range(3):
        asked_s = device.wake_at_s
        assert asked_s is not None
        assert not device.asks_for_state(asked_s - 0.01)
        assert device.asks_for_state(asked_s)
    device.receive_state(state_payload(0, (7, 0)), NOW_S)
    assert device.wake_at_s is None
    assert not device.asks_for_state(NOW_S + 1000)


@given(seed=st.integers())
def test_the_same_seed_gives_the_same_timers(seed: int) -> None:
    def wakes() -> list[float | None]:
        device = Device(Journal(epoch=1), Random(seed))
        device.connect(NOW_S)
        seen = []
        scan(device)
        for _ in range(4):
            seen.append(device.wake_at_s)
            device.tick(device.wake_at_s or 0)
        return seen

    assert wakes() == wakes()


class DeviceMachine(RuleBasedStateMachine):
    """Any history of a cart: what is not settled is never forgotten, and the window is never exceeded."""

    def __init__(self) -> None:
        super().__init__()
        self.device = a_device()
        self.now_s = NOW_S
        self.version = 0
        self.recorded = 0
        self.acked = 0
        self.seen_on_connection: set[tuple[int, int]] = set()

    def sent(self, messages: list[Publish]) -> None:
        numbers = [key for key in keys(messages) if key is not None]
        assert numbers == sorted(numbers)
        assert len(numbers) <= WINDOW
        self.seen_on_connection |= set(numbers)

    @rule()
    def scan(self) -> None:
        self.sent(scan(self.device, now_s=self.now_s))
        self.recorded += 1

    @rule()
    def connect(self) -> None:
        self.device.disconnect()
        self.seen_on_connection = set()
        self.sent(self.device.connect(self.now_s))

    @rule()
    def disconnect(self) -> None:
        self.device.disconnect()

    @rule()
    def lose_power(self) -> None:
        self.device.power_cut(keep_journal=True)

    @precondition(lambda self: self.recorded)
    @rule(data=st.data(), newer=st.booleans())
    def state(self, data: st.DataObject, newer: bool) -> None:
        ack = data.draw(st.integers(0, self.recorded))
        shown = self.device.state
        self.version += newer
        known = shown is None or self.version > shown.version  # versions never fall here: flash refuses none
        self.sent(self.device.receive_state(state_payload(self.version, (7, ack)), self.now_s))
        if known:
            self.acked = max(self.acked, ack)

    @rule(seq=st.integers(1, 60))
    def resend(self, seq: int) -> None:
        self.sent(self.device.receive_command(resend_command(7, seq, self.now_s + 1), self.now_s))

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.sent(self.device.tick(self.now_s))

    @invariant()
    def what_is_not_settled_is_kept(self) -> None:
        held = [entry.key for entry in self.device.journal.entries]
        assert held == [(7, seq) for seq in range(self.acked + 1, self.recorded + 1)]

    @invariant()
    def the_window_is_never_exceeded(self) -> None:
        assert self.device.in_flight <= min(WINDOW, len(self.device.journal))

    @invariant()
    def the_window_is_full_while_connected(self) -> None:
        if self.device.connected:
            assert self.device.in_flight == min(WINDOW, len(self.device.journal))
            assert self.device.wake_at_s is not None or self.device.in_flight == 0


TestDeviceMachine = DeviceMachine.TestCase
