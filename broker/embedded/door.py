"""Who is let in and what they may do: passwords are checked here, topics by `shared.access`.

The broker asks a Door before it looks at any session, and asks the Rights it got for everything after.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from broker.embedded.credentials import CartProof, CredentialCopy, NoProof
from broker.embedded.limits import ClientLimits, Limits
from shared import access
from shared.mqtt_tokens import read_mqtt_grant


class Refusal(Enum):
    """Why a CONNECT is turned away; the client learns only that it was not authorised, or to come later."""

    NO_PASSWORD = "no_password"
    WRONG_CLIENT_ID = "wrong_client_id"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_CART = "unknown_cart"
    REVOKED = "revoked"
    WRONG_PASSWORD = "wrong_password"
    WRONG_TOKEN = "wrong_token"
    UNAVAILABLE = "unavailable"


class Rights(Protocol):
    """What one admitted client may do."""

    @property
    def limits(self) -> ClientLimits: ...

    def may_publish(self, topic: str) -> bool: ...
    def may_retain(self, topic: str) -> bool: ...
    def may_subscribe(self, topic_filter: str) -> bool: ...
    def may_receive(self, topic: str) -> bool: ...

    def still_hold(self, now: datetime) -> bool:
        """False once the credential behind them was revoked, replaced or has expired."""
        ...


@dataclass(frozen=True, slots=True)
class Unsure:
    """Refused as far as memory goes; the carts' table may know better.

    `ask` has it read once more and then calls, in another thread, with whether that succeeded; it gives False when
    `refusal` is final at once.
    """

    refusal: Refusal
    ask: Callable[[Callable[[bool], None]], bool]


class Door(Protocol):
    """Checks who wants to come in; answers at once, from memory."""

    def admit(
        self, client_id: str, username: str | None, password: bytes | None, now: datetime
    ) -> Rights | Refusal | Unsure:
        """Rights for exactly this client id, or why not."""
        ...


@dataclass(frozen=True, slots=True)
class _Granted:
    """Rights from the access policy, good while `ends_at`, the cart's secret and the shopper's login are."""

    identity: access.Identity
    limits: ClientLimits
    ends_at: datetime | None = None
    proof: CartProof | None = None
    credentials: CredentialCopy | None = None
    family_id: UUID | None = None

    def may_publish(self, topic: str) -> bool:
        return access.may_publish(self.identity, topic)

    def may_retain(self, topic: str) -> bool:
        return access.may_retain(self.identity, topic)

    def may_subscribe(self, topic_filter: str) -> bool:
        return access.may_subscribe(self.identity, topic_filter)

    def may_receive(self, topic: str) -> bool:
        return access.may_receive(self.identity, topic)

    def still_hold(self, now: datetime) -> bool:
        if self.ends_at is not None and now >= self.ends_at:
            return False
        if self.credentials is None:
            return True
        if isinstance(self.identity, access.ShopperIdentity):
            return not self.credentials.ended_logins.has(self.identity.shopper_id, self.family_id)
        if self.proof is None:
            return True
        return self.credentials.still_counts(self.proof, now)


class HouseDoor:
    """Carts by their secret, shoppers by their token, services by the service password; all else stays out."""

    def __init__(
        self, credentials: CredentialCopy, service_password: str, token_secret: str, limits: Limits | None = None
    ) -> None:
        self._credentials = credentials
        self._service_password = service_password.encode()
        self._token_secret = token_secret
        self._limits = limits or Limits()

    def admit(
        self, client_id: str, username: str | None, password: bytes | None, now: datetime
    ) -> Rights | Refusal | Unsure:
        """The client id must equal the user name, so that nobody can ask for another's session."""
        if username is None or password is None:
            return Refusal.NO_PASSWORD
        if client_id != username:
            return Refusal.WRONG_CLIENT_ID
        cart_id = access.cart_of(username)
        if cart_id is not None:
            return self._admit_cart(cart_id, password, now)
        shopper_id = access.shopper_of(username)
        if shopper_id is not None:
            return self._admit_shopper(shopper_id, password, now)
        if not access.is_service(username):
            return Refusal.UNKNOWN_USER
        if not hmac.compare_digest(password, self._service_password):
            return Refusal.WRONG_PASSWORD
        return _Granted(access.ServiceIdentity(username), self._limits.services)

    def _admit_cart(self, cart_id: int, password: bytes, now: datetime) -> Rights | Refusal | Unsure:
        if not self._credentials.loaded:
            return Refusal.UNAVAILABLE
        proof = self._credentials.prove(cart_id, password, now)
        if isinstance(proof, NoProof):
            return Unsure(Refusal(proof.value), self._credentials.ask)
        identity = access.CartIdentity(cart_id, proof.store)
        return _Granted(identity, self._limits.carts, proof=proof, credentials=self._credentials)

    def _admit_shopper(self, shopper_id: int, password: bytes, now: datetime) -> Rights | Refusal:
        grant = read_mqtt_grant(self._token_secret, password.decode("utf-8", "replace"), now)
        if grant is None or grant.shopper_id != shopper_id:
            return Refusal.WRONG_TOKEN
        if not self._credentials.loaded:
            return Refusal.UNAVAILABLE
        rights = _Granted(
            access.ShopperIdentity(shopper_id),
            self._limits.shoppers,
            ends_at=grant.ends_at,
            credentials=self._credentials,
            family_id=grant.family_id,
        )
        return rights if rights.still_hold(now) else Refusal.WRONG_TOKEN


def connack_code(refusal: Refusal) -> int:
    """The CONNACK return code (MQTT 3.1.1 table 3.1): all but "come later" look the same from outside."""
    return 3 if refusal is Refusal.UNAVAILABLE else 5
