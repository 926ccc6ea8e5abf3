"""Phones' accounts at Mosquitto: made with each token, gone when it or its login ends. The embedded broker reads tokens
itself.

Mosquitto remembers until when an account is good and for which login, as a note beside it: a gateway that starts later,
or another one, ends it all the same.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import structlog

from shared.access import ShopperIdentity, shopper_of
from shared.db.ended_logins import EndedLogin
from shared.mosquitto.accounts import AccountsUnavailable, ControlAddress, MosquittoAccounts
from shared.mosquitto.rights import Account
from shared.settings import GatewaySettings

SWEEP_EVERY_S = 10.0
TIMEOUT_S = 2.0
PAUSE_AFTER_FAILURE_S = 2.0  # nobody waits for a broker that has just not answered

log = structlog.get_logger("gateway")


class PhoneAccounts(Protocol):
    """What a broker has to be told about phones."""

    def let_in(self, shopper_id: int, family_id: UUID, password: str, until: datetime) -> None:
        """From now on this password opens the shopper's topic, and no older one. Raises AccountsUnavailable."""
        ...

    def shut_out(self, ended: Iterable[EndedLogin]) -> None:
        """End the live connections of these logins. Raises AccountsUnavailable."""
        ...

    def do_round(self) -> float:
        """Take away what has ended; in how many seconds to look again."""
        ...


class ReadFromTokens:
    """The embedded broker checks the token's signature and end, and reads who is out: there is nothing to tell it."""

    def let_in(self, shopper_id: int, family_id: UUID, password: str, until: datetime) -> None: ...
    def shut_out(self, ended: Iterable[EndedLogin]) -> None: ...

    def do_round(self) -> float:
        return SWEEP_EVERY_S


class KeptByMosquitto:
    """Accounts through the control port, one change at a time; those whose time is over end within `SWEEP_EVERY_S`."""

    def __init__(self, address: ControlAddress) -> None:
        self._address = address
        self._turn = threading.Lock()
        self._silent_until_s = 0.0

    def let_in(self, shopper_id: int, family_id: UUID, password: str, until: datetime) -> None:
        """A connection under the older password ends: its owner has just asked for this one."""
        account = Account(ShopperIdentity(shopper_id), password, f"{until.isoformat()} {family_id}")
        with self._accounts() as accounts:
            accounts.put([account])

    def shut_out(self, ended: Iterable[EndedLogin]) -> None:
        """The account of another login of the same shopper, which has taken its place, stays."""
        with self._accounts() as accounts:
            for login in ended:
                identity = ShopperIdentity(login.shopper_id)
                account = accounts.find_account(identity)
                if account is None:
                    continue
                if login.family_id is None or _family_of(account.note) in (None, login.family_id):
                    accounts.remove([identity])

    def sweep(self, now: datetime) -> None:
        """Take away the accounts whose token has ended. Any number of gateways may do it."""
        with self._accounts() as accounts:
            known = {shopper_of(account.username): account.note for account in accounts.list_accounts()}
            accounts.remove(
                ShopperIdentity(shopper_id)
                for shopper_id, note in known.items()
                if shopper_id is not None and has_ended(note, now)
            )

    def do_round(self) -> float:
        try:
            self.sweep(datetime.now(UTC))
        except AccountsUnavailable as problem:
            log.warning("phone_accounts_not_swept", error=str(problem))
        return SWEEP_EVERY_S

    @contextmanager
    def _accounts(self) -> Iterator[MosquittoAccounts]:
        """Bounded: a broker that does not answer must not hold every thread of the gateway."""
        if time.monotonic() < self._silent_until_s:
            raise AccountsUnavailable("Mosquitto did not answer a moment ago")
        if not self._turn.acquire(timeout=self._address.timeout_s):
            raise AccountsUnavailable("Mosquitto is busy with other accounts")
        try:
            with MosquittoAccounts(self._address) as accounts:
                yield accounts
        except AccountsUnavailable:
            self._silent_until_s = time.monotonic() + PAUSE_AFTER_FAILURE_S
            raise
        finally:
            self._turn.release()


def make_phone_accounts(settings: GatewaySettings) -> PhoneAccounts:
    """As the settings say which broker there is."""
    if settings.mqtt_control_url is None or settings.mqtt_admin_password is None:
        return ReadFromTokens()
    password = settings.mqtt_admin_password.get_secret_value()
    return KeptByMosquitto(ControlAddress(settings.mqtt_control_url, password, settings.mqtt_ca_file, TIMEOUT_S))


def has_ended(note: str, now: datetime) -> bool:
    """Whether an account's time is over; one without a readable time is no account of ours, and is over too."""
    try:
        until = datetime.fromisoformat(note.partition(" ")[0])
        return until <= now
    except (ValueError, TypeError):
        return True


def _family_of(note: str) -> UUID | None:
    """The login that an account was made for; None where its note names none."""
    try:
        return UUID(note.partition(" ")[2])
    except ValueError:
        return None
