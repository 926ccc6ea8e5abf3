"""Logins that are over: this process stops taking their tokens at once, every other within a second, and Mosquitto's
connections of theirs end. The embedded broker reads the same list itself.
"""

from collections.abc import Sequence

import psycopg
import structlog

from services.gateway.phone_accounts import PhoneAccounts
from services.gateway.pool import Pool
from shared.db.ended_logins import READ_EVERY_S, EndedLogin, EndedLogins, list_ended_logins
from shared.mosquitto.accounts import AccountsUnavailable

SHUT_OUT_TOGETHER = 50  # so that phones that want to come in get their turn

log = structlog.get_logger("gateway")


class LoginEnds:
    """Follows the list, and shuts out whom it names."""

    def __init__(self, pool: Pool, phone_accounts: PhoneAccounts) -> None:
        self._pool = pool
        self._phone_accounts = phone_accounts
        self._shut_out: set[EndedLogin] = set()
        self.ended = EndedLogins()

    def note(self, ended: EndedLogin) -> None:
        """One that was ended and committed here. A broker that cannot be reached is told in a later round."""
        self.ended.note(ended)
        self._try_to_shut_out([ended])

    def do_round(self) -> float:
        """Read the list; in how many seconds to read it again."""
        try:
            with self._pool.connection() as connection:
                read = list_ended_logins(connection)
        except psycopg.Error as problem:
            log.warning("ended_logins_not_read", error=type(problem).__name__)
            return READ_EVERY_S
        self.ended.replace(read)
        self._shut_out.intersection_update(read)
        self._try_to_shut_out([one for one in read if one not in self._shut_out][:SHUT_OUT_TOGETHER])
        return READ_EVERY_S

    def _try_to_shut_out(self, ended: Sequence[EndedLogin]) -> None:
        if not ended:
            return
        try:
            self._phone_accounts.shut_out(ended)
        except AccountsUnavailable as problem:
            log.warning("phone_accounts_kept", error=str(problem))
        else:
            self._shut_out.update(ended)
