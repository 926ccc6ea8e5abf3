"""The bad radio: seeded loss, duplicates, reordering and dropped connections. Pure; the same messages in the same
order meet the same fate.

Only messages with a payload of the loop (events, telemetry, states, commands) are harmed. Birth and will are part
of setting the connection up, as CONNECT is.
"""

from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

HOLD_MAX_S = 0.3  # a message that is to be overtaken goes out after this time when nothing comes to overtake it


@dataclass(frozen=True)
class Weather:
    """How bad the radio and the power are. All shares are probabilities between 0 and 1."""

    loss: float = 0.0  # of each message, in both directions
    duplicate: float = 0.0  # of each message, in both directions
    reorder: int = 0  # a message may be overtaken by at most this many later ones
    disconnect: float = 0.0  # that the connection breaks, at each message that the cart sends
    power_cut: float = 0.0  # that the cart loses its power, at each thing that the shopper does
    erase: float = 0.25  # of power cuts: the storage is lost as well

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "disconnect", "power_cut", "erase"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability between 0 and 1")
        if self.loss == 1 or self.disconnect == 1:
            raise ValueError("with every message lost nothing ever arrives")
        if self.reorder < 0:
            raise ValueError("reorder is a number of messages")


@dataclass
class RadioCount:
    """What a link did to the messages it was given."""

    given: int = 0
    lost: int = 0
    duplicated: int = 0
    overtaken: int = 0


@dataclass
class _Held(Generic[T]):
    message: T
    release_slot: int
    release_at_s: float
    number: int


class Link(Generic[T]):
    """One direction of the radio."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self.count = RadioCount()
        self._weather = weather
        self._random = random
        self._slot = 0
        self._held: list[_Held[T]] = []

    @property
    def wake_at_s(self) -> float | None:
        """When `release` wants to be called next."""
        return min((held.release_at_s for held in self._held), default=None)

    def carry(self, message: T, now_s: float) -> list[T]:
        """What arrives now that `message` was sent: nothing, it, it twice, or earlier ones it overtook."""
        weather = self._weather
        self.count.given += 1
        if weather.loss and self._random.random() < weather.loss:
            self.count.lost += 1
            return self._due(now_s)
        copies = 1
        if weather.duplicate and self._random.random() < weather.duplicate:
            self.count.duplicated += 1
            copies = 2
        if not weather.reorder:
            return [message] * copies
        self._slot += 1
        for _ in range(copies):
            behind = self._random.randint(0, weather.reorder)
            self.count.overtaken += behind > 0
            self._held.append(_Held(message, self._slot + behind, now_s + HOLD_MAX_S, self._slot))
        return self._due(now_s)

    def release(self, now_s: float) -> list[T]:
        """What was held long enough."""
        return self._due(now_s)

    def clear(self) -> None:
        """The power is gone: what was on its way out is lost."""
        self._held.clear()

    def _due(self, now_s: float) -> list[T]:
        if not self._held:
            return []
        due = [held for held in self._held if held.release_slot <= self._slot or held.release_at_s <= now_s]
        if due:
            self._held = [held for held in self._held if held not in due]
            due.sort(key=lambda held: (held.release_slot, -held.number))
        return [held.message for held in due]
