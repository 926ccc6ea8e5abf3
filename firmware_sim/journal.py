"""What a cart keeps in flash: its epoch, its last number, every event that the backend has not settled, and the newest
version of a state that it has seen."""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from shared.contracts.events import CART_EVENT

CAPACITY = 512  # docs/reliability.md d.10: a ring of at least this many; when it is full the cart stops scanning

Key = tuple[int, int]
EventType = Literal["scan", "remove", "weight", "help"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What happened at the cart, not numbered yet: a restarted cart without memory learns its epoch first."""

    at_ms: int
    type: EventType
    session: str | None = None
    code: str | None = None
    quantity: int | None = None
    weight_g: int | None = None
    total_g: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One numbered event. The payload is fixed when it gets its number: a repetition is the same to the byte."""

    key: Key
    draft: Draft
    payload: bytes


class JournalFull(Exception):
    """There is no room; the cart shows an error and never overwrites what the backend has not settled."""


@dataclass
class Journal:
    """Events in the order of their numbers. `epoch` 0 means that the storage was reset and no epoch is known.

    `newest_version` is of the newest state ever shown, 0 for none: a broker that was killed may tell an older one to a
    cart that restarts, and the trip in it may be over.
    """

    epoch: int = 0
    last_seq: int = 0
    newest_version: int = 0
    entries: deque[Entry] = field(default_factory=deque)
    drafts: deque[Draft] = field(default_factory=deque)
    capacity: int = CAPACITY

    def __len__(self) -> int:
        return len(self.entries) + len(self.drafts)

    def record(self, draft: Draft) -> None:
        """Keep what happened, numbered at once when the epoch is known. Raises JournalFull."""
        if len(self) >= self.capacity:
            raise JournalFull
        if self.epoch:
            self._number(draft)
        else:
            self.drafts.append(draft)

    def start_epoch(self, epoch: int) -> None:
        """Number everything that is still here from 1 in a new epoch, in the order in which it happened."""
        waiting = [entry.draft for entry in self.entries] + list(self.drafts)
        self.epoch, self.last_seq = epoch, 0
        self.entries.clear()
        self.drafts.clear()
        for draft in waiting:
            self._number(draft)

    def settle(self, ack: Key) -> int:
        """Forget every event up to and including `ack`; gives how many."""
        settled = 0
        while self.entries and self.entries[0].key <= ack:
            self.entries.popleft()
            settled += 1
        return settled

    def first(self, count: int, skip: int = 0) -> list[Entry]:
        """At most `count` entries, oldest first, after the first `skip`."""
        return list(islice(self.entries, skip, skip + count))

    def erase(self) -> int:
        """The storage is reset: numbers and events are gone; gives how many events were lost."""
        lost = len(self)
        self.epoch = self.last_seq = self.newest_version = 0
        self.entries.clear()
        self.drafts.clear()
        return lost

    def _number(self, draft: Draft) -> None:
        self.last_seq += 1
        key = (self.epoch, self.last_seq)
        self.entries.append(Entry(key, draft, _payload(key, draft)))


def _payload(key: Key, draft: Draft) -> bytes:
    told = {
        "session": draft.session,
        "code": draft.code,
        "quantity": draft.quantity,
        "weight_g": draft.weight_g,
        "total_g": draft.total_g,
    }
    event = CART_EVENT.validate_python(
        {"type": draft.type, "epoch": key[0], "seq": key[1], "at": draft.at_ms}
        | {name: value for name, value in told.items() if value is not None}
    )
    return event.model_dump_json(exclude_none=True).encode()
