"""`smartcart carts`: accounts of cart devices. A password is printed once, by add or rotate, and kept nowhere."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, assert_never

import typer
from rich.console import Console
from rich.table import Table

from services.operations.terminal import fail, open_database
from shared.db.carts import (
    MAX_OVERLAP_S,
    CartAdded,
    CartRevoked,
    CartRotated,
    CartUnknown,
    ListedCart,
    add_carts,
    list_carts,
    revoke_cart,
    rotate_cart,
)

# Carts in one transaction: all of them are seen by the broker within its poll.
_BATCH = 500

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
    with open_database(context) as connection:
        for first in range(0, count, _BATCH):
            with connection.transaction():
                added = add_carts(connection, store, min(_BATCH, count - first))
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
    """Give a cart a new password and print it; the old one is refused within 5 s, or after --overlap-s."""
    with open_database(context) as connection, connection.transaction():
        outcome = rotate_cart(connection, cart_id, overlap_s)
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
    """Take a cart's access away for good; a live connection loses its rights within 5 s."""
    with open_database(context) as connection, connection.transaction():
        outcome = revoke_cart(connection, cart_id)
    match outcome:
        case CartRevoked(_, store, revoked_at):
            line = {"cart_id": cart_id, "store": store, "revoked_at": revoked_at.isoformat()}
            typer.echo(json.dumps(line) if as_json else f"cart {cart_id} is revoked since {line['revoked_at']}")
        case CartUnknown():
            fail(f"there is no cart {cart_id}")
        case _ as never:
            assert_never(never)


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
