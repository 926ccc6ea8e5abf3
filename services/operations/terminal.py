"""What every command of this package shares at the terminal: the database, one-line errors, a bar over a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import typer
from psycopg import Connection
from psycopg.rows import TupleRow
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from services.commands.lazy import selected
from services.operations.refusals import FileRefused
from shared.db.migrate import DatabaseIsNewer, MigrationChanged, require_known_schema
from shared.db.stores import UnknownStore


@contextmanager
def open_database(context: typer.Context) -> Iterator[Connection[TupleRow]]:
    """A connection to the selected stack's database in autocommit; the command opens its transactions.

    What the person at the terminal can mend becomes one line on standard error and exit code 1.
    """
    url = selected(context).database_url()
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="smartcart") as connection:
            require_known_schema(connection)
            yield connection
    except (FileRefused, UnknownStore, DatabaseIsNewer, MigrationChanged) as problem:
        fail(str(problem))
    except psycopg.errors.UndefinedTable:
        fail("the database lacks tables; run `smartcart migrate`")
    except psycopg.OperationalError as problem:
        fail(f"the database does not answer: {' '.join(str(problem).split())}")


def fail(sentence: str) -> NoReturn:
    """End the command with one line on standard error and exit code 1."""
    typer.echo(f"smartcart: {sentence}", err=True)
    raise typer.Exit(1)


@contextmanager
def bytes_bar(path: Path) -> Iterator[Callable[[int], None]]:
    """A bar over a file, on standard error and only when a person looks; it is told how many bytes were read."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size if path.is_file() else None)
        yield lambda consumed: progress.update(task, completed=consumed)
