"""`smartcart aisles`: close and open aisles and connectors; in force with the next walk that is planned."""

import getpass
import json
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.operations.terminal import fail, open_database
from shared.db.aisles import ClosedConnector, ClosedRect, block_aisle, list_blocks, unblock_aisle
from shared.db.stores import find_layout, get_store
from shared.db.types import Tx
from shared.navigation import Layout, parse_layout

app = typer.Typer(no_args_is_help=True, help="Block and unblock aisles.")
Store = Annotated[str, typer.Option(help="The store.")]


@app.command("block")
def block(
    context: typer.Context,
    rect: Annotated[str | None, typer.Option(help="X1,Y1,X2,Y2 in metres of the store's plan.")] = None,
    floor: Annotated[int, typer.Option(help="The floor of the rectangle.")] = 0,
    connector: Annotated[
        int | None, typer.Option(min=0, help="A lift, travelator or ramp by its place in the layout, from 0.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why, for whoever looks at the list.")] = None,
    store: Store = "main",
) -> None:
    """Close a rectangle of floor or a connector, and print the number that opens it again."""
    if (rect is None) == (connector is None):
        raise typer.BadParameter("say either --rect or --connector")
    with open_database(context) as connection, connection.transaction():
        store_id = get_store(connection, store).store_id
        layout = _layout(connection, store_id, store)
        closed = _rect(rect, floor, layout) if rect is not None else _connector(connector or 0, layout)
        block_id = block_aisle(connection, store_id, closed, note, getpass.getuser())
    typer.echo(f"block={block_id}")


@app.command("unblock")
def unblock(
    context: typer.Context,
    block_id: Annotated[int, typer.Argument(min=1, help="The number that `block` printed.")],
    store: Store = "main",
) -> None:
    """Open again what was closed."""
    with open_database(context) as connection, connection.transaction():
        store_id = get_store(connection, store).store_id
        if not unblock_aisle(connection, store_id, block_id, getpass.getuser(), datetime.now(UTC)):
            fail(f"nothing is closed under the number {block_id} in {store}")
    typer.echo(f"unblocked={block_id}")


@app.command("list")
def list_closed(
    context: typer.Context,
    store: Store = "main",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List what is closed at the moment."""
    with open_database(context) as connection:
        blocks = list_blocks(connection, get_store(connection, store).store_id)
    if as_json:
        for one in blocks:
            typer.echo(json.dumps(asdict(one), default=str))
        return
    table = Table("block", "where", "note", "by", "since")
    for one in blocks:
        rect = f"floor {one.floor}: {one.x1:g},{one.y1:g} to {one.x2:g},{one.y2:g}" if one.floor is not None else ""
        where = rect or f"connector {one.connector}"
        table.add_row(str(one.block_id), where, one.note or "", one.blocked_by, f"{one.blocked_at:%Y-%m-%d %H:%M}")
    Console().print(table)


def _layout(tx: Tx, store_id: int, store: str) -> Layout:
    stored = find_layout(tx, store_id)
    if stored is None:
        fail(f"{store} has no layout yet; run `smartcart import layout`")
    return parse_layout(stored.document)


def _rect(text: str, floor: int, layout: Layout) -> ClosedRect:
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not X1,Y1,X2,Y2", param_hint="--rect") from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x1 >= x2 or y1 >= y2:
        raise typer.BadParameter("X1 < X2 and Y1 < Y2 are needed", param_hint="--rect")
    if floor not in {plan.floor for plan in layout.floors}:
        raise typer.BadParameter(f"the layout has no floor {floor}", param_hint="--floor")
    return ClosedRect(floor, x1, y1, x2, y2)


def _connector(number: int, layout: Layout) -> ClosedConnector:
    if number >= len(layout.connectors):
        raise typer.BadParameter(f"the layout has {len(layout.connectors)} connectors", param_hint="--connector")
    return ClosedConnector(number)
