"""Asks carts for what is missing: the `resend` command, a hint that may be lost, so it is repeated while the
gap stands."""

import time
from datetime import UTC, datetime

from services.cart_ingest.listener import Listener
from services.cart_ingest.metrics import Metrics
from shared.contracts.channels import COMMANDS
from shared.contracts.commands import Resend as ResendCommand
from shared.db.cart_log import Resend

ASK_AGAIN_S = 2.0  # a gap is often filled by what is already under way
COMMAND_LIFE_S = 10.0
REMEMBERED = 50_000


class Missing:
    """Remembers when each cart was asked last."""

    def __init__(self, listener: Listener, metrics: Metrics) -> None:
        self._listener = listener
        self._metrics = metrics
        self._asked_s: dict[int, float] = {}

    def ask(self, resend: Resend) -> None:
        """Ask a cart for everything from its first missing event on, unless it was asked a moment ago."""
        now_s = time.monotonic()
        if now_s - self._asked_s.get(resend.cart_id, -ASK_AGAIN_S) < ASK_AGAIN_S:
            return
        expires_at = int((datetime.now(UTC).timestamp() + COMMAND_LIFE_S) * 1000)
        command = ResendCommand(epoch=max(resend.epoch, 1), seq=resend.seq, expires_at=expires_at)
        topic = COMMANDS.topic(store=resend.store, cart=resend.cart_id)
        if not self._listener.publish(topic, command.model_dump_json().encode(), COMMANDS.qos):
            return
        if len(self._asked_s) >= REMEMBERED:
            self._asked_s.clear()
        self._asked_s[resend.cart_id] = now_s
        self._metrics.resends.inc()
