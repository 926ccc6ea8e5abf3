"""`smartcart backup`: everything a store needs to be brought back, while its carts go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.commands.lazy import selected
from services.operations.terminal import fail
from services.stack.backup_folder import (
    BROKER_ACCOUNTS,
    DATABASE,
    SECRETS,
    FileName,
    Manifest,
    draft_of,
    keep_file,
    sum_of,
    write_manifest,
)
from services.stack.dump import dump
from services.stack.errors import StackNotFound
from services.stack.folder import StackFolder
from services.stack.postgres import server_alone
from services.stack.selection import Selection
from shared.db.restoring import Moment, read_moment


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder that is new or empty; it becomes the backup.")],
    dynamic_security: Annotated[
        Path | None, typer.Option(help="Mosquitto's dynamic-security.json, to be kept with the rest.")
    ] = None,
) -> None:
    """Write database, secrets and broker accounts of one moment into a folder; the stack may run or not.

    The folder gets its name when everything is on disk, and holds secrets: only its owner may read it.
    """
    selection = selected(context)
    stack = StackFolder.at(selection.data_dir)
    extra: dict[FileName, Path] = {SECRETS: stack.secrets_file} if stack.secrets_file.exists() else {}
    accounts = dynamic_security or stack.root / "mosquitto" / BROKER_ACCOUNTS
    if dynamic_security is not None or accounts.exists():
        extra[BROKER_ACCOUNTS] = accounts
    target = folder.expanduser().absolute()
    try:
        with draft_of(target) as draft, _database(selection, stack) as url:
            moment = _dump_moment(url, draft)
            for name, source in extra.items():
                keep_file(draft, name, source)
            kept: list[FileName] = [DATABASE, *extra]
            manifest = Manifest(
                made_at=moment.at,
                postgresql=moment.server_version,
                migrations=moment.schema,
                counts=moment.counts,
                files={name: sum_of(draft / name) for name in kept},
            )
            write_manifest(draft, manifest)
    except psycopg.errors.UndefinedTable:
        fail("the database lacks tables; there is nothing to back up")
    except psycopg.OperationalError as problem:
        fail(f"the database does not answer: {' '.join(str(problem).split())}")
    size = sum(one.bytes for one in manifest.files.values())
    typer.echo(f"backup {target} of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {size:,} bytes, {shown(manifest.counts)}")
    if SECRETS not in manifest.files:
        typer.echo("secrets are not in it: they are where this environment has them from")


def shown(counts: dict[str, int]) -> str:
    """Rows by what they are, in words."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())


@contextmanager
def _database(selection: Selection, stack: StackFolder) -> Iterator[str]:
    """The database's URL; a stack that does not run gets its server for the time being."""
    if selection.environment.get("DATABASE_URL") or stack.is_held():
        yield selection.database_url()
        return
    if not (stack.root / "postgres" / "PG_VERSION").exists():
        raise StackNotFound(f"there is no stack on {stack.root}, and DATABASE_URL names no database")
    stack.make()
    with stack.locked(), stack.postgres_cluster() as cluster, server_alone(cluster, stack.log_file("postgres")):
        yield cluster.url()


def _dump_moment(url: str, draft: Path) -> Moment:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with psycopg.connect(url, connect_timeout=10, application_name="smartcart backup") as tx, bar as progress:
        moment = read_moment(tx)
        task = progress.add_task("dumping the database", total=None)
        dump(url, draft / DATABASE, moment.snapshot, lambda size: progress.update(task, completed=size))
    return moment
