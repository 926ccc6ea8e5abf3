"""`smartcart contracts` and `env-example`: documents that are printed by the code and kept in the repository."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from services.env_example import print_env_example

# Committed file, and `module:function` that prints it.
PRINTED_DOCUMENTS = (
    ("shared/contracts/asyncapi.json", "shared.contracts.asyncapi:print_asyncapi"),
    ("services/gateway/openapi.json", "services.gateway.openapi:print_openapi"),
    (".env.example", "services.env_example:print_env_example"),
    ("docs/promotions.schema.json", "shared.domain.promotions.file:print_schema"),
)


def contracts(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a committed document is out of date.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write every document anew.")] = False,
    root: Annotated[Path, typer.Option(help="The checkout.", exists=True, file_okay=False)] = Path("."),
) -> None:
    """Compare AsyncAPI, OpenAPI and .env.example with what the code prints, or write them."""
    if check == write:
        typer.echo("smartcart: contracts needs either --check or --write", err=True)
        raise typer.Exit(2)
    outdated = [name for name, target in PRINTED_DOCUMENTS if not is_current(root / name, target)]
    for name, target in PRINTED_DOCUMENTS:
        if name not in outdated:
            typer.echo(f"same {name}")
        elif write:
            (root / name).write_text(printed(target), encoding="utf-8")
            typer.echo(f"written {name}")
        else:
            typer.echo(f"differs {name}: run `smartcart contracts --write`")
    if check and outdated:
        raise typer.Exit(1)


def env_example() -> None:
    """Print every setting of every program with its default, as a commented file for `.env`."""
    typer.echo(print_env_example(), nl=False)


def is_current(path: Path, target: str) -> bool:
    """Whether the committed document is what the code prints."""
    return path.exists() and path.read_text(encoding="utf-8") == printed(target)


def printed(target: str) -> str:
    """What `module:function` prints."""
    module_name, _, function = target.partition(":")
    text: str = getattr(importlib.import_module(module_name), function)()
    return text
