"""Logins that are over before their tokens are: a short list, which gateways and the embedded broker keep in memory."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from shared.db.queries import sql
from shared.db.types import Tx

READ_EVERY_S = 1.0
KEPT = timedelta(hours=2)  # an MQTT token lives for an hour at most, an access token for 15 minutes
NOTED_FOR_S = 10.0  # several times as long as a reading of the list takes


@dataclass(frozen=True, slots=True)
class EndedLogin:
    """A login that is over; without a family every login of the shopper."""

    shopper_id: int
    family_id: UUID | None


def end_login(tx: Tx, ended: EndedLogin) -> None:
    """Tell every gateway and broker; harmless when it was over before."""
    tx.execute(sql("insert_ended_login"), {"shopper_id": ended.shopper_id, "family_id": ended.family_id})


def list_ended_logins(tx: Tx) -> list[EndedLogin]:
    """All that may still have a token somewhere."""
    return [EndedLogin(*row) for row in tx.execute(sql("list_ended_logins")).fetchall()]


def login_lasts(tx: Tx, shopper_id: int, family_id: UUID) -> bool:
    """Whether a login was not ended and its shopper is there."""
    row = tx.execute(sql("login_lasts"), {"shopper_id": shopper_id, "family_id": family_id}).fetchone()
    assert row is not None
    return bool(row[0])


def delete_old_ended_logins(tx: Tx, _now: datetime, limit: int) -> int:
    """Retention, by the database's clock that has dated them: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_ended_logins"), {"kept": KEPT, "limit": limit}).rowcount


class EndedLogins:
    """The list in memory. Reading it is safe from any thread."""

    def __init__(self) -> None:
        self._read: frozenset[EndedLogin] | None = None
        self._noted: dict[EndedLogin, float] = {}
        self._turn = threading.Lock()

    @property
    def is_known(self) -> bool:
        """Whether the list was ever read."""
        return self._read is not None

    def replace(self, read: Iterable[EndedLogin]) -> None:
        """The list as it was read just now. What was noted meanwhile may be newer than the reading, and stays."""
        with self._turn:
            self._read = frozenset(read)
            oldest = monotonic() - NOTED_FOR_S
            self._noted = {login: at for login, at in self._noted.items() if at > oldest}

    def note(self, ended: EndedLogin) -> None:
        """One that we ended ourselves, and committed; it counts at once."""
        with self._turn:
            self._noted[ended] = monotonic()

    def has(self, shopper_id: int, family_id: UUID | None) -> bool:
        """Whether this login is over. A token without a family ends with its shopper."""
        asked = (EndedLogin(shopper_id, None), EndedLogin(shopper_id, family_id))
        return any(login in (self._read or ()) or login in self._noted for login in asked)
