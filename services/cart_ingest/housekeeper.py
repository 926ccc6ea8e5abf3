"""What has to happen although nobody sent anything: telemetry is written, carts are asked again for what is
missing, old gaps are given up, idle trips end, pairing codes rotate, old dead letters go."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from threading import Event

import structlog

from services.cart_ingest.chores import Chore, Chores, Piece
from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.missing import Missing
from services.cart_ingest.presence_buffer import Latest, PresenceBuffer
from shared.db.cart_log import Resend
from shared.db.dead_letters import delete_old_dead_letters
from shared.db.presence import save_telemetry
from shared.db.running_time import advance_running_time
from shared.db.types import Tx
from shared.db.upkeep import (
    OpenGap,
    abandon_idle_sessions,
    give_up_gaps,
    list_open_gaps,
    rotate_pairing_codes,
)

log = structlog.get_logger()

ROUND_S = 1.0
ASK_FOR_GAPS_OLDER_THAN_S = 3.0
ASKED_A_ROUND = 200
SELDOM_EVERY_S = 60.0
# Of one statement or transaction: far below a second each, so that no cart's row is held long.
CARTS_TOGETHER = 100
GAPS_LISTED_TOGETHER = 1_000
TELEMETRY_TOGETHER = 1_000
LETTERS_TOGETHER = 200  # of at most 8 KB
DAY_S = 86_400.0


class Housekeeper:
    """A thread with a connection of its own. Every chore is safe when several workers do it at once: each locks the
    carts that it changes and looks again."""

    def __init__(
        self,
        *,
        database: Database,
        presence: PresenceBuffer,
        missing: Missing,
        metrics: Metrics,
        gap_timeout_s: float,
        session_idle_s: float,
        pairing_rotate_s: float,
        dead_letter_days: float,
        on_change: Callable[[], None],
        stopping: Event,
        round_s: float = ROUND_S,
    ) -> None:
        self._database = database
        self._presence = presence
        self._missing = missing
        self._gap_timeout_s = gap_timeout_s
        self._session_idle_s = session_idle_s
        self._pairing_rotate_s = pairing_rotate_s
        self._dead_letter_s = dead_letter_days * DAY_S
        self._on_change = on_change
        self._stopping = stopping
        self._round_s = round_s
        # Each open gap, and since when we have seen it, by a clock that nobody sets; anew when its cart comes online.
        self._gaps_seen_s: dict[OpenGap, float] = {}
        self._asked_to = 0
        self._unwritten: list[Latest] = []
        self._running: tuple[float, float] | None = None
        chores = [
            Chore("running_time", self._advance_time),
            Chore("telemetry", self._save_telemetry),
            Chore("list_gaps", self._list_gaps),
            Chore("give_up_gaps", self._give_up_gaps),
            Chore("pairing_codes", self._rotate_codes),
            Chore("idle_trips", self._end_idle_trips),
            Chore("dead_letters", self._forget_letters, every_s=SELDOM_EVERY_S),
        ]
        self.chores = Chores(chores, database, metrics, stopping)

    def run(self) -> None:
        """Do the chores once a round until asked to stop. Raises what only a person can mend."""
        try:
            while not self._stopping.wait(self._round_s):
                self.chores.do_round()
                self._ask_for_gaps()
            self._presence.put_back(self._unwritten)
            telemetry = self._presence.take()
            self._database.run(lambda tx: save_telemetry(tx, telemetry))
        except Stopping:
            return

    def _advance_time(self) -> Piece:
        def advance(tx: Tx) -> bool:
            at_s = time.monotonic()
            seen = self._running and self._running[0] + at_s - self._running[1]
            self._running = (advance_running_time(tx, seen or 0.0), at_s)
            return False

        return advance

    def _save_telemetry(self) -> Piece:
        """What the last round took and did not write is taken once more; writing it twice does no harm."""
        self._presence.put_back(self._unwritten)
        waiting = self._unwritten = self._presence.take()
        in_hand = 0

        def save(tx: Tx) -> bool:
            nonlocal in_hand
            del waiting[:in_hand]  # the transaction before this one has ended well
            in_hand = min(len(waiting), TELEMETRY_TOGETHER)
            save_telemetry(tx, waiting[:in_hand])
            return in_hand > 0

        return save

    def _list_gaps(self) -> Piece:
        """All of them, a page at a time; what is watched is replaced once the last page is read."""
        found: list[OpenGap] = []

        def list_page(tx: Tx) -> bool:
            page = list_open_gaps(tx, found[-1].cart_id if found else 0, GAPS_LISTED_TOGETHER)
            found.extend(page)
            if len(page) == GAPS_LISTED_TOGETHER:
                return True
            seen_s = time.monotonic()
            self._gaps_seen_s = {gap: self._gaps_seen_s.get(gap, seen_s) for gap in found}
            return False

        return list_page

    def _ask_for_gaps(self) -> None:
        """So many carts a round, each in its turn."""
        standing = self._gaps_seen_for(ASK_FOR_GAPS_OLDER_THAN_S)
        beyond = [gap for gap in standing if gap.cart_id > self._asked_to]
        turn = beyond[:ASKED_A_ROUND]
        for gap in turn:
            self._missing.ask(Resend(gap.store, gap.cart_id, gap.epoch, gap.seq))
        self._asked_to = turn[-1].cart_id if len(beyond) > ASKED_A_ROUND else 0

    def _give_up_gaps(self) -> Piece:
        old = iter([gap for gap in self._gaps_seen_for(self._gap_timeout_s) if gap.is_online])

        def give_up(tx: Tx) -> bool:
            some = list(islice(old, CARTS_TOGETHER))
            given_up = give_up_gaps(tx, some, datetime.now(UTC)) if some else []
            for cart_id in given_up:
                log.warning("gap_given_up", cart_id=cart_id)
            if given_up:
                self._on_change()
            return len(some) == CARTS_TOGETHER

        return give_up

    def _rotate_codes(self) -> Piece:
        after = 0

        def rotate(tx: Tx) -> bool:
            nonlocal after
            rotated, last = rotate_pairing_codes(tx, self._pairing_rotate_s, datetime.now(UTC), after, CARTS_TOGETHER)
            after = last or after
            if rotated:
                self._on_change()
            return last is not None

        return rotate

    def _end_idle_trips(self) -> Piece:
        after = 0

        def end(tx: Tx) -> bool:
            nonlocal after
            ended, last = abandon_idle_sessions(tx, self._session_idle_s, datetime.now(UTC), after, CARTS_TOGETHER)
            after = last or after
            if ended:
                self._on_change()
            return last is not None

        return end

    def _forget_letters(self) -> Piece:
        def forget(tx: Tx) -> bool:
            gone = delete_old_dead_letters(tx, self._dead_letter_s, LETTERS_TOGETHER)
            if gone:
                log.info("dead_letters_forgotten", letters=gone)
            return gone > 0

        return forget

    def _gaps_seen_for(self, least_s: float) -> list[OpenGap]:
        now_s = time.monotonic()
        return [gap for gap, seen_s in self._gaps_seen_s.items() if now_s - seen_s >= least_s]
