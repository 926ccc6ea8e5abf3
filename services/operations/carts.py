"""`smartcart carts`: accounts of cart devices. A password is printed once, by add or rotate, and kept nowhere.

The row in the database decides. A new account is made at the broker before the row is committed, and one is taken away
after: whatever fails in between, nobody comes in whom the database does not know, and the command says what to do.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, assert_never

import typer
from rich.console import Console
from rich.table import Table

from services.operations.cart_accounts import (
    account_of,
    compare,
    control_address,
    open_cart_accounts,
    open_mosquitto,
)
from services.operations.terminal import fail, open_database
from shared.access import CartIdentity, username
from shared.db.carts import (
    MAX_OVERLAP_S,
    CartAdded,
    CartRevoked,
    CartRotated,
    CartUnknown,
    ListedCart,
    add_carts,
    list_cart_credentials,
    list_carts,
    revoke_cart,
    rotate_cart,
)

# Carts in one transaction: the embedded broker sees all of them at its next poll, Mosquitto makes each account at once.
_BATCH = 50
_SYNC = "run `smartcart carts sync` when it answers"

app = typer.Typer(no_args_is_help=True, help="Add, list, rotate and revoke carts.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
CartId = Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="Number of the cart.")]


@app.command("add")
def add(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 1,
    store: Annotated[str, typer.Option(help="The store they belong to.")] = "main",
    as_json: AsJson = False,
) -> None:
    """Add carts to a store and print their accounts at the broker; the passwords are shown only now."""
    with (
        open_database(context) as connection,
        open_cart_accounts(context, f"carts that are not printed were not added; {_SYNC}") as accounts,
    ):
        for first in range(0, count, _BATCH):
            with connection.transaction():
                added = add_carts(connection, store, min(_BATCH, count - first))
                accounts.put(map(account_of, added))
            for cart in added:
                _print_account(cart, as_json=as_json)


@app.command("list")
def list_all(
    context: typer.Context,
    store: Annotated[str | None, typer.Option(help="Only carts of this store.")] = None,
    as_json: AsJson = False,
) -> None:
    """List carts: whether they are online and in use, and whether they were revoked."""
    with open_database(context) as connection:
        carts = list_carts(connection, store)
    if as_json:
        for cart in carts:
            typer.echo(json.dumps(_shown(cart)))
        return
    table = Table("cart", "store", "online", "firmware", "last seen", "in use", "items", "revoked")
    for cart in carts:
        table.add_row(*["" if value is None else str(value) for value in _shown(cart).values()])
    Console().print(table)


@app.command("rotate")
def rotate(
    context: typer.Context,
    cart_id: CartId,
    overlap_s: Annotated[
        float,
        typer.Option(min=0, max=MAX_OVERLAP_S, help="For so long the old password stays valid; 0 ends it at once."),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Give a cart a new password and print it; the old one is refused within 5 s, or after --overlap-s.

    Mosquitto keeps one password per account: there the old one ends at once, and an overlap is refused.
    """
    if overlap_s > 0 and control_address(context) is not None:
        fail("Mosquitto keeps one password per account; rotate with --overlap-s 0")
    advice = f"rotate cart {cart_id} once more when it answers: until then it may be locked out"
    with (
        open_database(context) as connection,
        open_cart_accounts(context, advice) as accounts,
        connection.transaction(),
    ):
        outcome = rotate_cart(connection, cart_id, overlap_s)
        if isinstance(outcome, CartRotated):
            accounts.put([account_of(outcome)])
    match outcome:
        case CartRotated():
            _print_account(outcome, as_json=as_json)
        case CartRevoked(_, _, revoked_at):
            fail(f"cart {cart_id} was revoked at {revoked_at.isoformat()}; add a new one")
        case CartUnknown():
            fail(f"there is no cart {cart_id}")
        case _ as never:
            assert_never(never)


@app.command("revoke")
def revoke(context: typer.Context, cart_id: CartId, as_json: AsJson = False) -> None:
    """Take a cart's access away for good; a live connection ends within 5 s. Doing it twice changes nothing."""
    with open_database(context) as connection, connection.transaction():
        outcome = revoke_cart(connection, cart_id)
    match outcome:
        case CartRevoked(_, store, revoked_at):
            advice = f"cart {cart_id} is revoked in the database, but may still be let in: {_SYNC}"
            with open_cart_accounts(context, advice) as accounts:
                accounts.remove([CartIdentity(cart_id, store)])
            line = {"cart_id": cart_id, "store": store, "revoked_at": revoked_at.isoformat()}
            typer.echo(json.dumps(line) if as_json else f"cart {cart_id} is revoked since {line['revoked_at']}")
        case CartUnknown():
            fail(f"there is no cart {cart_id}")
        case _ as never:
            assert_never(never)


@app.command("sync")
def sync(
    context: typer.Context,
    rotate_missing: Annotated[
        bool, typer.Option("--rotate", help="Give carts without a valid account a new password and print it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make Mosquitto's accounts equal to the database's carts again, for example after its file was lost.

    Takes away what should not be there and mends rights. A password is known to the cart alone: carts that Mosquitto
    cannot let in are listed, with exit code 1, or get a new password with --rotate.
    """
    address = control_address(context)
    if address is None:
        fail("nothing to do: the embedded broker reads the database (MQTT_CONTROL_URL is not set)")
    with open_database(context) as connection, open_mosquitto(address, "run it again when it answers") as accounts:
        found = compare(accounts, list_cart_credentials(connection, None))
        for identity in found.surplus:
            accounts.remove([identity])
            typer.echo(f"removed {username(identity)}: no such cart, or revoked", err=True)
        for known in found.other_rights:
            accounts.mend_role(known)
            typer.echo(f"mended the rights of {username(known)}", err=True)
        if not rotate_missing:
            missing = ", ".join(map(str, found.without_password))
            if missing:
                fail(f"Mosquitto cannot let in cart {missing}: give each a new password, here with --rotate")
            return
        for cart_id in found.without_password:
            with connection.transaction():
                outcome = rotate_cart(connection, cart_id, 0)
                if isinstance(outcome, CartRotated):
                    accounts.put([account_of(outcome)])
            if isinstance(outcome, CartRotated):
                _print_account(outcome, as_json=as_json)


def _print_account(account: CartAdded | CartRotated, *, as_json: bool) -> None:
    if as_json:
        line = {name: getattr(account, name) for name in ("cart_id", "store", "username", "password")}
        typer.echo(json.dumps(line))
    else:
        typer.echo(f"cart {account.cart_id} store {account.store} user {account.username} password {account.password}")


def _shown(cart: ListedCart) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in asdict(cart).items()
    }
