"""`smartcart dead-letters`: what could not be accepted, why, and another try after the fix."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, assert_never

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operations.terminal import fail, open_database
from shared.db.dead_letters import KeptLetter, find_dead_letter, list_dead_letters
from shared.db.retry import NoSuchLetter, NotRetriable, Retried, retry_dead_letter

SETTLED = {"applied", "refused", "late", "duplicate"}

app = typer.Typer(no_args_is_help=True, help="List, show and retry what was set aside.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
LetterId = Annotated[int, typer.Argument(min=1, help="Number of the dead letter.")]


@app.command("list")
def list_letters(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option(help="Only letters with this reason.")] = None,
    before: Annotated[int | None, typer.Option(help="Page on: only letters with a lower number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first."""
    with open_database(context) as connection:
        letters = list_dead_letters(connection, reason=reason, before=before, limit=limit)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_as_json(letter, with_payload=False), default=str))
        return
    table = Table("id", "reason", "cart", "epoch/seq", "times", "bytes", "last seen", "outcome of retry", "detail")
    for letter in letters:
        number = f"{letter.epoch}/{letter.seq}" if letter.epoch is not None else ""
        table.add_row(
            str(letter.dead_letter_id),
            letter.reason,
            str(letter.cart_id or ""),
            number,
            str(letter.occurrences),
            str(letter.payload_bytes),
            f"{letter.last_seen_at:%Y-%m-%d %H:%M:%S}",
            letter.outcome or "",
            Text(shown(letter.detail)[:80]),  # or a bracket in it would be taken for rich's markup
        )
    Console().print(table)


@app.command("show")
def show(context: typer.Context, dead_letter_id: LetterId, as_json: AsJson = False) -> None:
    """Show one dead letter with its bytes; control characters are written as escapes."""
    with open_database(context) as connection:
        letter = find_dead_letter(connection, dead_letter_id)
    if letter is None:
        fail(f"there is no dead letter {dead_letter_id}")
    if as_json:
        typer.echo(json.dumps(_as_json(letter, with_payload=True), default=str))
        return
    for name, value in _as_json(letter, with_payload=True).items():
        typer.echo(f"{name:>16}: {value}")


@app.command("retry")
def retry(context: typer.Context, dead_letter_id: LetterId) -> None:
    """Apply a dead letter once more, with the same number; exits with 1 when it stays dead."""
    with open_database(context) as connection, connection.transaction():
        result = retry_dead_letter(connection, dead_letter_id, datetime.now(UTC))
    match result:
        case Retried(outcome=outcome):
            typer.echo(f"dead letter {dead_letter_id}: {outcome}")
            if outcome not in SETTLED:
                raise typer.Exit(1)
        case NoSuchLetter():
            fail(f"there is no dead letter {dead_letter_id}")
        case NotRetriable(why=why):
            fail(f"dead letter {dead_letter_id} cannot be tried again: {why}")
        case _ as never:
            assert_never(never)


def shown(text: str) -> str:
    """Safe for a terminal: whatever is not printable ASCII becomes an escape."""
    return text.encode("unicode_escape").decode("ascii")


def _as_json(letter: KeptLetter, *, with_payload: bool) -> dict[str, Any]:
    row = asdict(letter)
    payload: bytes = row.pop("payload")
    row["topic"], row["detail"] = shown(letter.topic), shown(letter.detail)
    if with_payload:
        row["payload"] = shown(payload.decode("latin-1"))
    return row
