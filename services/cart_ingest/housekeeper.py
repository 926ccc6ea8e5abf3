"""What has to happen although nobody sent anything: telemetry is written, carts are asked again for what is
missing, old gaps are given up, idle trips end, pairing codes rotate, old dead letters go."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import structlog

from services.cart_ingest.database import Database, Stopping
from services.cart_ingest.missing import Missing
from services.cart_ingest.presence_buffer import PresenceBuffer
from shared.db.cart_log import Resend
from shared.db.dead_letters import delete_old_dead_letters
from shared.db.presence import save_telemetry
from shared.db.types import Tx
from shared.db.upkeep import (
    OpenGap,
    abandon_idle_sessions,
    give_up_old_gaps,
    list_open_gaps,
    rotate_pairing_codes,
)

log = structlog.get_logger()

ROUND_S = 1.0
ASK_FOR_GAPS_OLDER_THAN_S = 3.0
SELDOM_EVERY_S = 60.0


class Housekeeper:
    """A thread with a connection of its own. Every chore is safe when several workers do it at once: each locks the
    carts that it changes and looks again."""

    def __init__(
        self,
        *,
        database: Database,
        presence: PresenceBuffer,
        missing: Missing,
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
        self._gap_timeout = timedelta(seconds=gap_timeout_s)
        self._session_idle = timedelta(seconds=session_idle_s)
        self._pairing_rotate = timedelta(seconds=pairing_rotate_s)
        self._dead_letter_life = timedelta(days=dead_letter_days)
        self._on_change = on_change
        self._stopping = stopping
        self._round_s = round_s
        self._seldom_s = time.monotonic()
        # Each open gap, and since when we have seen it, by a clock that nobody sets; anew when its cart comes online.
        self._gaps_seen_s: dict[OpenGap, float] = {}

    def run(self) -> None:
        """Do the chores once a round until asked to stop. Raises what only a person can mend."""
        try:
            while not self._stopping.wait(self._round_s):
                self._do_chores(datetime.now(UTC))
            telemetry = self._presence.take()
            self._database.run(lambda tx: save_telemetry(tx, telemetry))
        except Stopping:
            return

    def _do_chores(self, now: datetime) -> None:
        telemetry = self._presence.take()
        self._database.run(lambda tx: save_telemetry(tx, telemetry))
        seen_s = time.monotonic()
        self._gaps_seen_s = {gap: self._gaps_seen_s.get(gap, seen_s) for gap in self._database.run(list_open_gaps)}
        for gap in self._gaps_seen_for(ASK_FOR_GAPS_OLDER_THAN_S):
            self._missing.ask(Resend(gap.store, gap.cart_id, gap.epoch, gap.seq))
        old = self._gaps_seen_for(self._gap_timeout.total_seconds())
        given_up = self._database.run(lambda tx: give_up_old_gaps(tx, now - self._gap_timeout, now, old)) if old else []
        for cart_id in given_up:
            log.warning("gap_given_up", cart_id=cart_id)
        rotated = self._database.run(lambda tx: rotate_pairing_codes(tx, now - self._pairing_rotate, now))
        abandoned = self._database.run(lambda tx: abandon_idle_sessions(tx, now - self._session_idle, now))
        if given_up or rotated or abandoned:
            self._on_change()
        if time.monotonic() - self._seldom_s > SELDOM_EVERY_S:
            self._seldom_s = time.monotonic()
            self._database.run(lambda tx: self._forget(tx, now))

    def _gaps_seen_for(self, least_s: float) -> list[OpenGap]:
        now_s = time.monotonic()
        return [gap for gap, seen_s in self._gaps_seen_s.items() if now_s - seen_s >= least_s]

    def _forget(self, tx: Tx, now: datetime) -> None:
        gone = delete_old_dead_letters(tx, now - self._dead_letter_life)
        if gone:
            log.info("dead_letters_forgotten", letters=gone)
