"""The carts' credentials, and the logins that are over, as the broker knows them: a copy in memory that a background
thread keeps fresh.

Checking a password never touches the database. Who fails may be newer than the copy: then the answer waits until the
table was read once more, which all who wait share, so that a flood of wrong passwords costs five reads a second. While
the database is away the copy stays as it is; who cannot be decided by it is told to come later.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

import psycopg
import structlog

from shared.db.carts import CartCredential, list_cart_credentials
from shared.db.ended_logins import EndedLogin, EndedLogins, list_ended_logins
from shared.domain.device_secret import secret_matches

log = structlog.get_logger()
T = TypeVar("T")

READ_PAUSE_S = 0.2  # least time between two reads, also when many unknown carts knock
ASKING_MAX = 1_000  # who wait for a read at the same time; further ones are refused by the copy alone
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT = "-c statement_timeout=3000"


class CredentialSource(Protocol):
    """Where credentials are kept."""

    def read_changed(self, since: datetime | None) -> Sequence[CartCredential]:
        """Credentials changed since then, all of them for None; raises when the source is away."""
        ...

    def read_ended_logins(self) -> Sequence[EndedLogin]:
        """The shoppers' logins that are over before their tokens; raises when the source is away."""
        ...


class DatabaseCredentials:
    """Credentials from PostgreSQL over one connection, opened again after trouble."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection | None = None

    def read_changed(self, since: datetime | None) -> Sequence[CartCredential]:
        """Raises psycopg.Error while the database is away."""
        return self._read(lambda tx: list_cart_credentials(tx, since))

    def read_ended_logins(self) -> Sequence[EndedLogin]:
        """Raises psycopg.Error while the database is away."""
        return self._read(list_ended_logins)

    def _read(self, read: Callable[[psycopg.Connection], list[T]]) -> list[T]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options=STATEMENT_TIMEOUT
            )
        try:
            return read(self._connection)
        except psycopg.Error:
            self._connection.close()
            raise


@dataclass(frozen=True, slots=True)
class CartProof:
    """With which secret a cart came in, so that it can be told later whether that secret still counts."""

    cart_id: int
    store: str
    secret_hash: bytes
    was_current: bool


class NoProof(Enum):
    """Why a cart's password proves nothing, for the log and the console; the client never learns which."""

    UNKNOWN_CART = "unknown_cart"
    REVOKED = "revoked"
    WRONG_PASSWORD = "wrong_password"


class CredentialCopy:
    """The copy. Reading it and asking are safe from any thread; `refresh` and `follow` belong to one thread."""

    def __init__(self, source: CredentialSource) -> None:
        self._source = source
        self._carts: dict[int, CartCredential] = {}
        self.ended_logins = EndedLogins()
        self._seen_until: datetime | None = None
        self._loaded = False
        self._stopping = False
        self._following = False
        self._asking: list[Callable[[bool], None]] = []
        self._asking_lock = threading.Lock()
        self._wanted = threading.Event()

    @property
    def loaded(self) -> bool:
        """Whether the source was ever read."""
        return self._loaded

    def refresh(self) -> None:
        """Read what changed, everything after trouble; raises what the source raises."""
        since, self._seen_until = self._seen_until, None
        latest = since
        for credential in self._source.read_changed(since):
            self._carts[credential.cart_id] = credential
            if latest is None or credential.changed_at > latest:
                latest = credential.changed_at
        self.ended_logins.replace(self._source.read_ended_logins())
        self._seen_until = latest
        self._loaded = True

    def follow(self, every_s: float) -> threading.Thread:
        """Refresh every `every_s` seconds in a daemon thread until `stop`; trouble is logged once per outage."""
        self._following = True
        context = contextvars.copy_context()  # what the logs are bound to
        thread = threading.Thread(target=context.run, args=(self._run, every_s), name="credentials", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the thread soon."""
        self._stopping = True
        self._wanted.set()

    def prove(self, cart_id: int, password: bytes, now: datetime) -> CartProof | NoProof:
        """The proof for a right password of a cart that is not revoked, as far as the copy knows."""
        known = self._carts.get(cart_id)
        if known is None:
            return NoProof.UNKNOWN_CART
        if known.revoked:
            return NoProof.REVOKED
        return _prove(known, password, now) or NoProof.WRONG_PASSWORD

    def ask(self, told: Callable[[bool], None]) -> bool:
        """Have the table read soon, then call `told` in the reading thread: False when the read failed.

        The read begins after this call, so it sees whatever was committed before. Gives False, and calls nothing, when
        nobody reads or too many wait already.
        """
        with self._asking_lock:
            if not self._following or self._stopping or len(self._asking) >= ASKING_MAX:
                return False
            self._asking.append(told)
        self._wanted.set()
        return True

    def still_counts(self, proof: CartProof, now: datetime) -> bool:
        """Whether a connection that came in with `proof` may stay: not after revocation, rotation or a move."""
        known = self._carts.get(proof.cart_id)
        if known is None or known.revoked or known.store != proof.store:
            return False
        if proof.was_current:
            return known.secret_hash == proof.secret_hash
        return known.previous_secret_hash == proof.secret_hash and _overlap_lasts(known, now)

    def _run(self, every_s: float) -> None:
        away = False
        while not self._stopping:
            with self._asking_lock:
                asking, self._asking = self._asking, []
            try:
                self.refresh()
            except Exception as problem:
                if not away:
                    log.warning("credentials_unavailable", error=type(problem).__name__)
                away = True
            else:
                if away:
                    log.info("credentials_available")
                away = False
            for told in asking:
                told(not away)
            time.sleep(READ_PAUSE_S)
            self._wanted.wait(every_s - READ_PAUSE_S)
            self._wanted.clear()


def _prove(known: CartCredential, password: bytes, now: datetime) -> CartProof | None:
    secret = password.decode("utf-8", "surrogateescape")
    if secret_matches(secret, known.secret_hash):
        return CartProof(known.cart_id, known.store, known.secret_hash, was_current=True)
    previous = known.previous_secret_hash
    if previous is not None and _overlap_lasts(known, now) and secret_matches(secret, previous):
        return CartProof(known.cart_id, known.store, previous, was_current=False)
    return None


def _overlap_lasts(known: CartCredential, now: datetime) -> bool:
    return known.previous_valid_until is not None and now < known.previous_valid_until
