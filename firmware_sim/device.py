"""The cart's firmware without its wires: what it publishes, keeps and forgets.

Reasons: docs/design.md, section 4; docs/reliability.md d.10.

Pure: time and randomness are handed in, and every method answers with what is to be published. No network here.
"""

from dataclasses import dataclass
from random import Random
from typing import assert_never

from pydantic import ValidationError

from firmware_sim.journal import Draft, Entry, EventType, Journal, Key
from shared.contracts.channels import EVENTS, STATUS, TELEMETRY, Channel
from shared.contracts.commands import CART_COMMAND, Identify, Resend, ShowMessage
from shared.contracts.state import CartState
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry, Health, Location

WINDOW = 20  # unacknowledged events in flight
PATIENCE_S = 5.0  # without progress for this long, the window is sent again
PATIENCE_MAX_S = 40.0  # the patience doubles up to here; a cart never gives up
JITTER = 0.5  # a wait is stretched by up to this share, so that carts do not repeat in step
# A restarted cart waits so long on one connection for a state that is not older than the last one before it lost its
# power. Then it takes what there is: versions may have fallen with a database that was restored from a backup.
OLD_STATE_REFUSED_S = 60.0
RESEND_SPACING_S = 0.5  # a storm of resend commands is answered once in this time
FIRMWARE = "sim-1"


@dataclass(frozen=True, slots=True)
class Publish:
    """One message to send. `key` is the event's number; `again` says that it was sent before."""

    channel: Channel
    payload: bytes
    key: Key | None = None
    again: bool = False


class Device:
    """One cart. `journal` survives a power cut; everything else here is memory that does not.

    `now_s` is seconds since 1970 by the cart's own clock, which only ever counts on.
    """

    def __init__(self, journal: Journal, random: Random, patience_s: float = PATIENCE_S) -> None:
        self.first_patience_s = patience_s
        self.journal = journal
        self.state: CartState | None = None
        self.messages: list[str] = []
        self.identified = 0
        self._random = random
        self._forget()

    def _forget(self) -> None:
        self.state = None
        self.connected = False
        self._in_flight = 0  # the first so many entries of the journal were sent on this connection
        self._highest_sent: Key = (0, 0)
        self._patience_s = self.first_patience_s
        self._resend_at_s: float | None = None
        self._resend_answered_s = float("-inf")
        self._ask_at_s: float | None = None
        self._believes_from_s = float("inf")  # the retained state may come before `connect` is called

    @property
    def session(self) -> str | None:
        """The open session as last seen in the state; a closed one is no longer the cart's."""
        if self.state is None or self.state.status not in ("active", "incomplete"):
            return None
        return self.state.session_id

    @property
    def in_flight(self) -> int:
        """Events sent on this connection and not settled."""
        return self._in_flight

    @property
    def wake_at_s(self) -> float | None:
        """When `tick` and `asks_for_state` want to be called next."""
        return min((at for at in (self._resend_at_s, self._ask_at_s) if at is not None), default=None)

    def power_cut(self, *, keep_journal: bool) -> int:
        """Memory is lost, and with `keep_journal` False the storage too; gives the number of events lost."""
        self._forget()
        return 0 if keep_journal else self.journal.erase()

    def connect(self, now_s: float) -> list[Publish]:
        """The connection stands and `state` and `commands` are subscribed: birth, then what is unacknowledged."""
        self.connected = True
        self._believes_from_s = now_s + OLD_STATE_REFUSED_S
        self._in_flight = 0
        self._patience_s = self.first_patience_s
        self._ask_at_s = None if self.state is not None else now_s + self.first_patience_s
        return [self.birth(online=True), *self._fill_window(now_s)]

    def disconnect(self) -> None:
        """The connection is gone."""
        self.connected = False
        self._in_flight = 0
        self._resend_at_s = self._ask_at_s = None
        self._believes_from_s = float("inf")

    def birth(self, *, online: bool) -> Publish:
        """The birth message, or with `online` False the will."""
        status = CartStatus(online=online, epoch=self.journal.epoch or None, firmware=FIRMWARE)
        return Publish(STATUS, status.model_dump_json(exclude_none=True).encode())

    def record(
        self,
        now_s: float,
        type: EventType,
        *,
        code: str | None = None,
        quantity: int | None = None,
        weight_g: int | None = None,
        total_g: int | None = None,
    ) -> list[Publish]:
        """Something happened at the cart: journal it first, then publish it if the window has room.

        Raises JournalFull.
        """
        at_ms = int(now_s * 1000)
        self.journal.record(Draft(at_ms, type, self.session, code, quantity, weight_g, total_g))
        return self._fill_window(now_s)

    def receive_state(self, payload: bytes, now_s: float) -> list[Publish]:
        """A state arrived. One that is unreadable, or whose version is not above the last, changes nothing."""
        try:
            state = CartState.model_validate_json(payload)
        except ValidationError:
            return []
        if not self._is_news(state.version, now_s):
            return []
        self.state = state
        self.journal.newest_version = state.version
        self._ask_at_s = None
        ack = (state.ack.epoch, state.ack.seq)
        if self.journal.epoch == 0 or ack > (self.journal.epoch, self.journal.last_seq):
            # Either the storage was reset, or the backend settled numbers that this journal never gave out:
            # they were another life's. A fresh epoch keeps our own events apart from those.
            self.journal.start_epoch(max(self.journal.epoch, ack[0]) + 1)
            self._in_flight = 0
            return self._fill_window(now_s)
        settled = self.journal.settle(ack)
        if settled:
            self._in_flight = max(0, self._in_flight - settled)
            self._patience_s = self.first_patience_s
            self._resend_at_s = None
        return self._fill_window(now_s)

    def _is_news(self, version: int, now_s: float) -> bool:
        """After a power cut memory shows nothing, and flash still knows what is too old to be shown."""
        if self.state is not None:
            return version > self.state.version
        return version >= self.journal.newest_version or now_s >= self._believes_from_s

    def receive_command(self, payload: bytes, now_s: float) -> list[Publish]:
        """A command arrived. An unreadable or expired one is ignored."""
        try:
            command = CART_COMMAND.validate_json(payload)
        except ValidationError:
            return []
        if command.expires_at <= now_s * 1000:
            return []
        match command:
            case Resend(epoch=epoch, seq=seq):
                if now_s - self._resend_answered_s < RESEND_SPACING_S:
                    return []
                self._resend_answered_s = now_s
                return self._repeat(now_s, (epoch, seq))
            case ShowMessage(text=text):
                self.messages.append(text)
            case Identify():
                self.identified += 1
            case _ as never:
                assert_never(never)
        return []

    def tick(self, now_s: float) -> list[Publish]:
        """Time has passed: without progress for too long, the window goes out again, oldest first."""
        if not self.connected or self._resend_at_s is None or now_s < self._resend_at_s:
            return []
        self._patience_s = min(self._patience_s * 2, PATIENCE_MAX_S)
        self._resend_at_s = None
        return self._repeat(now_s, (0, 0))

    def asks_for_state(self, now_s: float) -> bool:
        """Whether to subscribe again, which brings the retained state: a cart without one cannot show anything,
        and after a reset of its storage cannot number anything.
        """
        if not self.connected or self._ask_at_s is None or now_s < self._ask_at_s:
            return False
        self._ask_at_s = now_s + self.first_patience_s * (1 + JITTER * self._random.random())
        return True

    def telemetry(self, where: tuple[float, float, int] | None, battery_pct: int, rssi_dbm: int) -> Publish:
        """Where the cart is (x, y and floor), unless it does not know, and how it feels."""
        told = CartTelemetry(
            location=None if where is None else Location(x=round(where[0], 2), y=round(where[1], 2), floor=where[2]),
            health=Health(battery_pct=battery_pct, rssi_dbm=rssi_dbm, journal_length=len(self.journal)),
        )
        return Publish(TELEMETRY, told.model_dump_json(exclude_none=True).encode())

    def _fill_window(self, now_s: float) -> list[Publish]:
        if not self.connected:
            return []
        fresh = self.journal.first(WINDOW - self._in_flight, skip=self._in_flight)
        self._in_flight += len(fresh)
        return self._send(fresh, now_s)

    def _repeat(self, now_s: float, start: Key) -> list[Publish]:
        if not self.connected:
            return []
        return self._send([entry for entry in self.journal.first(self._in_flight) if entry.key >= start], now_s)

    def _send(self, entries: list[Entry], now_s: float) -> list[Publish]:
        if self._in_flight == 0:
            self._resend_at_s = None
        elif self._resend_at_s is None:
            self._resend_at_s = now_s + self._patience_s * (1 + JITTER * self._random.random())
        sent = []
        for entry in entries:
            sent.append(Publish(EVENTS, entry.payload, entry.key, again=entry.key <= self._highest_sent))
            self._highest_sent = max(self._highest_sent, entry.key)
        return sent
