"""`smartcart restore`: an empty stack becomes what a backup holds, and is made safe for carts that know more."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.commands.lazy import selected
from services.operations.backup import shown
from services.operations.replay import show_verified
from services.operations.terminal import fail
from services.stack.backup_folder import (
    BROKER_ACCOUNTS,
    DATABASE,
    SECRETS,
    Manifest,
    check_files,
    read_manifest,
    to_disk,
)
from services.stack.dump import load
from services.stack.errors import BackupRefused
from services.stack.folder import StackFolder, write_privately
from services.stack.postgres import ensure_database, server_alone
from shared.db.replay import Verified, verify_log
from shared.db.restoring import RECEIPTS, Readied, count_what_is_kept, is_empty, take_up_again, unknown_migrations


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A backup, as `smartcart backup` wrote it.")],
) -> None:
    """Bring an empty data folder, or the empty database of DATABASE_URL, to what the backup holds.

    Checks the backup first. Then versions are lifted above all that carts and phones have shown, log-ins and one-time
    codes end, trips that were open are flagged incomplete, and the log is folded again. Exits with 1 on any difference.
    """
    selection = selected(context)
    stack = StackFolder.at(selection.data_dir)
    with _telling() as tell:
        manifest = read_manifest(folder)
        tell("checking the backup")
        check_files(folder, manifest, lambda _: None)
        unknown = unknown_migrations(manifest.migrations)
        if unknown:
            raise BackupRefused(f"the backup is of a newer or another program: it has {', '.join(unknown)}")
        secrets = (folder / SECRETS).read_text(encoding="utf-8") if SECRETS in manifest.files else None
        stack.make()
        with stack.locked():
            foreign = selection.environment.get("DATABASE_URL")
            _refuse_other_secrets(stack, secrets, is_foreign=foreign is not None)
            try:
                if foreign:
                    readied, verified = _fill(foreign, folder, manifest, tell)
                else:
                    readied, verified = _fill_own(stack, folder, manifest, secrets, tell)
            except psycopg.OperationalError as problem:
                fail(f"the database does not answer: {' '.join(str(problem).split())}")
            if secrets is not None:
                write_privately(stack.secrets_file, secrets)
    _report(folder, manifest, readied)
    show_verified(verified, 0)
    if not verified.is_clean:
        raise typer.Exit(1)


def _refuse_other_secrets(stack: StackFolder, secrets: str | None, *, is_foreign: bool) -> None:
    if not is_foreign and (stack.root / "postgres").exists():
        raise BackupRefused(f"{stack.root} holds a database already; restore into an empty folder")
    if secrets is None or not stack.secrets_file.exists():
        return
    if stack.secrets_file.read_text(encoding="utf-8") != secrets:
        raise BackupRefused(f"{stack.secrets_file} holds other secrets than the backup; move it away first")


def _fill_own(
    stack: StackFolder, folder: Path, manifest: Manifest, secrets: str | None, tell: Callable[[str], None]
) -> tuple[Readied, Verified]:
    """In a folder beside, which gets its name at the end: half a restore is never taken for a stack."""
    with stack.postgres_cluster() as cluster:
        draft = replace(cluster, data_dir=stack.root / "postgres.restoring")
        shutil.rmtree(draft.data_dir, ignore_errors=True)
        tell("making a database")
        with server_alone(draft, stack.log_file("postgres")):
            ensure_database(draft)
            done = _fill(draft.url(), folder, manifest, tell)
        if secrets is not None:
            write_privately(stack.secrets_file, secrets)
        draft.data_dir.rename(cluster.data_dir)
        to_disk(stack.root)
    return done


def _fill(url: str, folder: Path, manifest: Manifest, tell: Callable[[str], None]) -> tuple[Readied, Verified]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="smartcart restore") as connection:
        if not is_empty(connection):
            raise BackupRefused("the database is not empty; make a new one for the restore")
        tell(f"loading {manifest.files[DATABASE].bytes:,} bytes")
        load(url, folder / DATABASE, lambda: None)
        found = count_what_is_kept(connection)
        if found != manifest.counts:
            raise BackupRefused(f"the restored database holds {shown(found)}, the backup {shown(manifest.counts)}")
        with connection.transaction():
            readied = take_up_again(connection, manifest.migrations, manifest.made_at, datetime.now(UTC))
        tell("folding the log")
        with connection.transaction():
            return readied, verify_log(connection, lambda _: None)


def _report(folder: Path, manifest: Manifest, readied: Readied) -> None:
    typer.echo(f"restored what was there at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {shown(manifest.counts)}")
    for line in (
        "gone is what happened since: orders, log-ins, new carts and prices, and erasures, which have to be done again",
        f"{readied.carts:,} carts are told their state anew; what they said since and have forgotten shows up as a gap",
        f"{readied.trips:,} trips were open: they are flagged incomplete, and staff are called to each",
        f"{readied.logins:,} log-ins and {readied.codes:,} one-time codes ended; operators log in again",
        f"receipts go on {RECEIPTS:,} numbers later: those between may have been given out",
    ):
        typer.echo(f"- {line}")
    if BROKER_ACCOUNTS in manifest.files:
        typer.echo(f"- put {folder / BROKER_ACCOUNTS} back before Mosquitto starts, or run `smartcart carts sync`")
    else:
        typer.echo("- with Mosquitto, `smartcart carts sync` removes accounts that this database does not know")


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """What is done now, on standard error and only when a person looks."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda doing: progress.update(task, description=doing)
