"""`smartcart`: the table of contents. Each command lives in the module named beside it, imported when it is used."""

import os
import sys
from collections.abc import MutableMapping
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from services.commands.lazy import CommandMissing, LazyCommand, table_of
from services.stack.errors import BadEnvFile, StackError
from services.stack.selection import DEFAULT_DATA_DIR, Selection
from shared.version import VERSION

COMMANDS = (
    LazyCommand("up", "services.commands.stack:up", "Run the whole stack until Ctrl-C."),
    LazyCommand("demo", "services.commands.stack:demo", "Run the stack with the demo store and carts that shop."),
    LazyCommand("migrate", "services.commands.stack:migrate", "Bring the database's tables up to date."),
    LazyCommand("import", "services.operations.imports:app", "Load a catalogue, layout, locations or the demo store."),
    LazyCommand("carts", "services.operations.carts:app", "Add, list, rotate and revoke carts."),
    LazyCommand("operators", "services.operations.operators:app", "Add, list and remove operators of the console."),
    LazyCommand("sim", "services.operations.sim:sim", "Play a fleet of carts and compare its ledger with ours."),
    LazyCommand("dead-letters", "services.operations.dead_letters:app", "List, show and retry what was set aside."),
    LazyCommand("replay", "services.operations.replay:replay", "Fold the event log again and compare."),
    LazyCommand("backup", "services.operations.backup:backup", "Write everything that a store needs into a folder."),
    LazyCommand("restore", "services.operations.restore:restore", "Bring an empty stack to what a backup holds."),
    LazyCommand("plan", "services.operations.plan:plan", "Plan a walk through the store."),
    LazyCommand("aisles", "services.operations.aisles:app", "Block and unblock aisles."),
    LazyCommand("bench", "services.operations.bench:bench", "Measure ingest against a naive worker."),
    LazyCommand("contracts", "services.commands.documents:contracts", "Check or write the printed documents."),
    LazyCommand("env-example", "services.commands.documents:env_example", "Print every setting with its default."),
)

app = typer.Typer(
    cls=table_of(COMMANDS),
    name="smartcart",
    help="Smart carts: their scans reach the shopper's phone, exactly once.",
    epilog="--data DIR may stand anywhere on the line; each command has its own --help.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback must not show a secret
)


def tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"smartcart {VERSION}")
        raise typer.Exit


@app.callback()
def select_stack(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(envvar="SMARTCART_DATA", help="Folder of the stack that the command is about.")
    ] = DEFAULT_DATA_DIR,
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    os.environ["SMARTCART_DATA"] = str(data)  # programs started from here speak of the same stack
    context.obj = Selection(data, os.environ)


def main() -> None:
    """Run one command; what is wrong with the stack is one line on standard error and exit code 1."""
    try:
        add_env_file(Path(".env"), os.environ)
        app(data_option_first(sys.argv[1:]), prog_name="smartcart")
    except (StackError, CommandMissing) as problem:
        print(f"smartcart: {problem}", file=sys.stderr)
        raise SystemExit(1) from None


def add_env_file(file: Path, environment: MutableMapping[str, str]) -> None:
    """Add the settings of a file to the environment, which wins; empty ones are none. Raises BadEnvFile."""
    if not file.exists():
        return
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadEnvFile(f"{file} cannot be read: {getattr(problem, 'strerror', None) or problem}") from problem
    from dotenv import dotenv_values

    for name, value in dotenv_values(stream=StringIO(text)).items():
        if value and not environment.get(name):
            environment[name] = value


def data_option_first(arguments: list[str]) -> list[str]:
    """Move `--data DIR` to the front, where the option of all commands belongs, from wherever it was typed."""
    options: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument == "--data":
            options += [argument, *([value] if (value := next(remaining, None)) is not None else [])]
        elif argument.startswith("--data="):
            options.append(argument)
        else:
            rest.append(argument)
    return options + rest


if __name__ == "__main__":
    main()
