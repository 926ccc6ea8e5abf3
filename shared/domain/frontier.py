"""The delivery frontier of one cart: which numbered events are known, and where the unbroken run ends.

A cart numbers its events `(epoch, seq)`. `epoch` grows when its storage was reset; `seq` counts 1, 2, 3 …
within it. Everything here is a pure function of these numbers; order of arrival and clocks play no part.
"""

from bisect import bisect_right
from enum import StrEnum
from typing import NamedTuple

MAX_AHEAD = 10_000  # docs/reliability.md M18: one packet must not burn the counter
MAX_EPOCH_JUMP = 1_000  # the same
# A cart sends its oldest events first, twenty at a time, so a handful is usual. All are written with each event.
MAX_SPANS = 256
# A cart sends its oldest events first, twenty at a time: what it still holds begins less than this below what comes.
MAX_BEHIND = 1_000

Span = tuple[int, int]
"""Inclusive range of sequence numbers."""


class Admission(StrEnum):
    """What the frontier says to a number."""

    NEXT = "next"  # the one after the unbroken run
    AHEAD = "ahead"  # beyond a gap, and beyond everything known
    FILLS_GAP = "fills_gap"  # late: something behind it is known already
    KNOWN = "known"  # seen before
    STALE = "stale"  # of an epoch that is over
    WINDOW = "window"  # too far ahead to be believed, or beyond more gaps than are remembered: the cart sends it again

    @property
    def is_new(self) -> bool:
        return self in (Admission.NEXT, Admission.AHEAD, Admission.FILLS_GAP)


class Frontier(NamedTuple):
    """`(epoch, seq)` ends the unbroken run: every event up to it is settled or was given up.

    `ahead`: known spans beyond the run, sorted, apart from each other and from the run. `skipped`: spans below
    `seq` that were given up and may still come.
    """

    epoch: int = 0
    seq: int = 0
    ahead: tuple[Span, ...] = ()
    skipped: tuple[Span, ...] = ()

    @property
    def has_gap(self) -> bool:
        return bool(self.ahead)

    @property
    def head_seq(self) -> int:
        """The highest known number of this epoch."""
        return self.ahead[-1][1] if self.ahead else self.seq

    @property
    def first_missing(self) -> tuple[int, int]:
        """The number a cart is asked to send again from."""
        return self.epoch, self.seq + 1


def admit(frontier: Frontier, epoch: int, seq: int) -> tuple[Frontier, Admission]:
    """The frontier after `(epoch, seq)` has become known, and what kind of arrival that was.

    The frontier comes back unchanged for KNOWN, STALE and WINDOW. O(number of spans), as one copy of them.
    """
    if epoch < frontier.epoch:
        return frontier, Admission.STALE
    if epoch > frontier.epoch:
        if epoch - frontier.epoch > MAX_EPOCH_JUMP or seq > MAX_AHEAD:
            return frontier, Admission.WINDOW
        return admit(Frontier(epoch=epoch), epoch, seq)
    if seq == frontier.seq + 1:
        return _advanced(frontier, seq), Admission.FILLS_GAP if frontier.ahead else Admission.NEXT
    if seq <= frontier.seq:
        if not _contains(frontier.skipped, seq):
            return frontier, Admission.KNOWN
        return (
            Frontier(frontier.epoch, frontier.seq, frontier.ahead, _without(frontier.skipped, seq)),
            Admission.FILLS_GAP,
        )
    if seq - frontier.seq > MAX_AHEAD:
        return frontier, Admission.WINDOW
    if _contains(frontier.ahead, seq):
        return frontier, Admission.KNOWN
    ahead = _with(frontier.ahead, seq)
    if len(ahead) > max(MAX_SPANS, len(frontier.ahead)):
        return frontier, Admission.WINDOW
    how = Admission.AHEAD if seq > frontier.head_seq else Admission.FILLS_GAP
    return Frontier(frontier.epoch, frontier.seq, ahead, frontier.skipped), how


def give_up_gap(frontier: Frontier) -> Frontier:
    """Move the run past its first gap; the missing numbers are remembered as skipped. No gap: unchanged."""
    if not frontier.ahead:
        return frontier
    (low, high), *rest = frontier.ahead
    missing = (frontier.seq + 1, low - 1)
    return Frontier(frontier.epoch, high, tuple(rest), _joined((*frontier.skipped, missing)))


def within_reach(frontier: Frontier, epoch: int, seq: int) -> Frontier:
    """The frontier of a cart that was restored from a backup, moved until `(epoch, seq)` is inside its window.

    The cart has long settled and forgotten what is in between. Nobody knows where that ends, so the run is moved to
    `MAX_BEHIND` below `seq` and no further: it never acknowledges what the cart still holds. What is passed over is
    remembered as skipped.
    """
    moved = frontier if epoch == frontier.epoch else Frontier(epoch=epoch)
    end = seq - MAX_BEHIND - 1
    if epoch < frontier.epoch or end <= moved.seq:
        return moved if epoch > frontier.epoch else frontier
    while moved.ahead and moved.ahead[0][0] <= end:
        moved = give_up_gap(moved)
    if moved.seq >= end:
        return moved
    skipped = _joined((*moved.skipped, (moved.seq + 1, end)))
    return _advanced(Frontier(epoch, moved.seq, moved.ahead, skipped), end)


def _advanced(frontier: Frontier, seq: int) -> Frontier:
    ahead = frontier.ahead
    if ahead and ahead[0][0] == seq + 1:
        return Frontier(frontier.epoch, ahead[0][1], ahead[1:], frontier.skipped)
    return Frontier(frontier.epoch, seq, ahead, frontier.skipped)


def _contains(spans: tuple[Span, ...], seq: int) -> bool:
    before = bisect_right(spans, seq, key=_low) - 1
    return before >= 0 and seq <= spans[before][1]


def _with(spans: tuple[Span, ...], seq: int) -> tuple[Span, ...]:
    """One number more, which is in none of the spans; it may join the two around it."""
    place = bisect_right(spans, seq, key=_low)
    low = high = seq
    first, last = place, place
    if place and spans[place - 1][1] == seq - 1:
        first, low = place - 1, spans[place - 1][0]
    if place < len(spans) and spans[place][0] == seq + 1:
        last, high = place + 1, spans[place][1]
    return (*spans[:first], (low, high), *spans[last:])


def _low(span: Span) -> int:
    return span[0]


def _without(spans: tuple[Span, ...], seq: int) -> tuple[Span, ...]:
    kept: list[Span] = []
    for low, high in spans:
        if not low <= seq <= high:
            kept.append((low, high))
            continue
        if low < seq:
            kept.append((low, seq - 1))
        if seq < high:
            kept.append((seq + 1, high))
    return tuple(kept)


def _joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)
