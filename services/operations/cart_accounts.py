"""Carts' accounts at the broker, beside their rows in the database.

The embedded broker reads the rows themselves: there is nothing to do. Mosquitto keeps accounts of its own, of which it
tells a name and a note but never the password; the note is the beginning of the secret's hash in the database, so that
`compare` can tell which accounts still fit.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import typer

from services.commands.lazy import selected
from services.operations.terminal import fail
from shared.access import CartIdentity, Identity, ServiceIdentity, cart_of, is_service, username
from shared.db.carts import CartAdded, CartCredential, CartRotated
from shared.domain.device_secret import hash_secret
from shared.mosquitto.accounts import AccountsUnavailable, ControlAddress, KnownAccount, MosquittoAccounts
from shared.mosquitto.rights import Account, is_same_role, role_of

NOTE_DIGITS = 16  # of the hash of 256 random bits: enough to tell two apart, of no use to anybody else


class CartAccounts(Protocol):
    """What a broker has to be told about carts. Each call may raise AccountsUnavailable."""

    def put(self, accounts: Iterable[Account]) -> None: ...
    def remove(self, identities: Iterable[Identity]) -> None: ...


class ReadFromDatabase:
    """The embedded broker."""

    def put(self, accounts: Iterable[Account]) -> None: ...
    def remove(self, identities: Iterable[Identity]) -> None: ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between Mosquitto's accounts and the database."""

    surplus: tuple[CartIdentity, ...]  # accounts of carts that were revoked or never committed
    other_rights: tuple[Identity, ...]  # of a cart that moved, or from before a change of the contract
    without_password: tuple[int, ...]  # carts whose present password Mosquitto does not know


@contextmanager
def open_cart_accounts(context: typer.Context, advice: str) -> Iterator[CartAccounts]:
    """The accounts at the selected stack's broker; `advice` follows the one line that says what went wrong."""
    address = control_address(context)
    if address is None:
        yield ReadFromDatabase()
        return
    with open_mosquitto(address, advice) as accounts:
        yield accounts


@contextmanager
def open_mosquitto(address: ControlAddress, advice: str) -> Iterator[MosquittoAccounts]:
    """Mosquitto's accounts; what keeps it from answering becomes one line and exit code 1."""
    try:
        with MosquittoAccounts(address) as accounts:
            yield accounts
    except AccountsUnavailable as problem:
        fail(f"{problem}; {advice}")


def control_address(context: typer.Context) -> ControlAddress | None:
    """Where Mosquitto takes changes, as the environment says; None with the embedded broker."""
    environment = selected(context).environment
    url = environment.get("MQTT_CONTROL_URL")
    if not url:
        return None
    password, ca_file = environment.get("MQTT_ADMIN_PASSWORD"), environment.get("MQTT_CA_FILE")
    if not password:
        fail("MQTT_ADMIN_PASSWORD must be set with MQTT_CONTROL_URL")
    return ControlAddress(url, password, Path(ca_file) if ca_file else None)


def account_of(cart: CartAdded | CartRotated) -> Account:
    """The account of a cart whose password is known because it was made just now."""
    return Account(CartIdentity(cart.cart_id, cart.store), cart.password, note_of(hash_secret(cart.password)))


def note_of(secret_hash: bytes) -> str:
    """What Mosquitto keeps beside a cart's account."""
    return f"secret {secret_hash.hex()[:NOTE_DIGITS]}"


def compare(accounts: MosquittoAccounts, credentials: Sequence[CartCredential]) -> Comparison:
    """Read all of Mosquitto's accounts and hold them against all of the database's carts."""
    known, roles = accounts.list_accounts(), accounts.list_roles()
    valid = {username(CartIdentity(cart.cart_id, cart.store)): cart for cart in credentials if not cart.revoked}
    notes = {account.username: account.note for account in known}
    present = [CartIdentity(valid[name].cart_id, valid[name].store) for name in notes if name in valid]
    services = [ServiceIdentity(name) for name in notes if is_service(name)]
    kept: list[Identity] = [*services, *present]
    return Comparison(
        surplus=tuple(_surplus(known, valid.keys())),
        other_rights=tuple(
            identity for identity in kept if not is_same_role(roles.get(username(identity), {}), role_of(identity))
        ),
        without_password=tuple(
            cart.cart_id for name, cart in valid.items() if notes.get(name) != note_of(cart.secret_hash)
        ),
    )


def _surplus(known: Iterable[KnownAccount], valid: Iterable[str]) -> Iterator[CartIdentity]:
    allowed = set(valid)
    for account in known:
        cart_id = cart_of(account.username)
        if cart_id is not None and account.username not in allowed:
            yield CartIdentity(cart_id, "")
