"""`smartcart replay --verify`: the log folded again, and compared with the tables to the cent."""

import json
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.operations.terminal import open_database
from shared.db.replay import Verified, count_log, verify_log

SHOWN_MAX = 20


def replay(
    context: typer.Context,
    verify: Annotated[bool, typer.Option("--verify", help="Compare with the tables; nothing is changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fold the event log again and compare every session, open and closed, order by order, with the tables.

    Also checks each cart's frontier against the numbers in the log, and that received = applied + refused + late +
    duplicates + dead letters. Exits with 1 on any difference. Run it at a quiet moment: it reads one snapshot.
    """
    if not verify:
        raise typer.BadParameter("the log is only read, so far: say --verify")
    started_s = time.monotonic()
    console = Console(stderr=True)
    columns = (TextColumn("folding the log"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with open_database(context) as connection:
        count = count_log(connection)
        bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        with bar as progress, connection.transaction():
            task = progress.add_task("folding", total=count)
            verified = verify_log(connection, lambda done: progress.update(task, completed=done))
    took_s = time.monotonic() - started_s
    if as_json:
        typer.echo(json.dumps(_as_json(verified, took_s), default=str))
    else:
        show_verified(verified, took_s)
    if not verified.is_clean:
        raise typer.Exit(1)


def _as_json(verified: Verified, took_s: float) -> dict[str, object]:
    return {**asdict(verified), "conservation_holds": verified.conservation.holds, "seconds": round(took_s, 2)}


def show_verified(verified: Verified, took_s: float) -> None:
    """Differences, the conservation law, and how much was folded."""
    for difference in verified.differences[:SHOWN_MAX]:
        place = f"cart {difference.cart_id}, session {difference.session_id or 'none'}"
        typer.echo(f"{place}: {difference.what}: tables {difference.in_tables}, log {difference.in_log}")
    law = verified.conservation
    typer.echo(
        f"received={law.received} = applied={law.applied} + refused={law.refused} + late={law.late}"
        f" + duplicates={law.duplicates} + dead_letters={law.dead_letters + law.forgotten}"
        f"{'' if law.holds else '  DOES NOT ADD UP'}"
    )
    rate = verified.events / took_s if took_s else 0
    typer.echo(
        f"events={verified.events} sessions={verified.sessions} orders={verified.orders} carts={verified.carts}"
        f" differences={len(verified.differences)} ({rate:,.0f} events/s)"
    )
