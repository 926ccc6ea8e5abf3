"""`smartcart operators`: who may log in at /console. A password is printed once, or typed, and kept nowhere."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.operations.terminal import fail, open_database
from shared.db.operator_passwords import (
    MAX_PASSWORD_CHARACTERS,
    MIN_PASSWORD_CHARACTERS,
    draw_password,
    hash_password,
)
from shared.db.operators import NAME, add_operator, change_password, list_operators, remove_operator

app = typer.Typer(no_args_is_help=True, help="Add, list and remove operators of the console.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Prompt = Annotated[bool, typer.Option("--prompt", help="Type a password instead of having one drawn.")]
Name = Annotated[str, typer.Argument(help="Small letters, digits, dot, dash; at most 40.")]


class RoleWord(StrEnum):
    """A role as it is typed."""

    STAFF = "staff"
    MANAGER = "manager"


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        RoleWord,
        typer.Option(
            help="staff sees everything and answers calls; a manager also retries dead letters and closes aisles."
        ),
    ] = RoleWord.STAFF,
    prompt: Prompt = False,
    as_json: AsJson = False,
) -> None:
    """Add an operator and print the password; it is shown only now."""
    _check_name(name)
    password = _password(prompt=prompt)
    hashed = hash_password(password)
    with open_database(context) as connection, connection.transaction():
        if not add_operator(connection, name, role.value, hashed, datetime.now(UTC)):
            fail(f"there is an operator {name} already")
    _print_account(name, role.value, None if prompt else password, as_json=as_json)


@app.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List operators with their roles and last logins."""
    with open_database(context) as connection:
        operators = list_operators(connection)
    if as_json:
        for one in operators:
            typer.echo(json.dumps(asdict(one), default=str))
        return
    table = Table("name", "role", "since", "last login")
    for one in operators:
        last = f"{one.last_login_at:%Y-%m-%d %H:%M}" if one.last_login_at else ""
        table.add_row(one.name, one.role, f"{one.created_at:%Y-%m-%d %H:%M}", last)
    Console().print(table)


@app.command("password")
def password(context: typer.Context, name: Name, prompt: Prompt = False, as_json: AsJson = False) -> None:
    """Give an operator another password; all logins with the old one end."""
    fresh = _password(prompt=prompt)
    hashed = hash_password(fresh)
    with open_database(context) as connection, connection.transaction():
        if not change_password(connection, name, hashed):
            fail(f"there is no operator {name}")
    _print_account(name, None, None if prompt else fresh, as_json=as_json)


@app.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """End an operator's account and logins at once; the log of actions keeps the name."""
    with open_database(context) as connection, connection.transaction():
        if not remove_operator(connection, name, datetime.now(UTC)):
            fail(f"there is no operator {name}")
    typer.echo(f"removed={name}")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise typer.BadParameter("1 to 40 small letters, digits, dots, dashes or underscores", param_hint="NAME")


def _password(*, prompt: bool) -> str:
    if not prompt:
        return draw_password()
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not MIN_PASSWORD_CHARACTERS <= len(typed) <= MAX_PASSWORD_CHARACTERS:
        fail(f"a password has {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters")
    return typed


def _print_account(name: str, role: str | None, password: str | None, *, as_json: bool) -> None:
    account = {key: value for key, value in (("name", name), ("role", role), ("password", password)) if value}
    typer.echo(json.dumps(account) if as_json else " ".join(f"{key}={value}" for key, value in account.items()))
