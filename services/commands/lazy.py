"""Commands whose module is imported when they are used, so that `smartcart --help` answers at once."""

import importlib
from collections.abc import Iterable
from typing import Any

import typer
import typer.core
import typer.main

from services.stack.selection import Selection


class CommandMissing(Exception):
    """The table of contents names a command that this installation does not have."""


def selected(context: typer.Context) -> Selection:
    """The stack that the command line selected."""
    selection = context.find_object(Selection)
    assert selection is not None, "the callback of services.cli sets it"
    return selection


class LazyCommand(typer.core.TyperCommand):
    """A name and a line of help; `target` is `module:attribute`, a function or a Typer app with sub-commands."""

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self.target = target

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.load().make_context(info_name, args, parent=parent, **extra)

    def load(self) -> Any:
        """The real command. Raises CommandMissing; other import errors are bugs and pass."""
        module_name, _, attribute = self.target.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), attribute, None)
        except ModuleNotFoundError as problem:
            if problem.name is None or not module_name.startswith(problem.name):
                raise
            found = None
        if found is None:
            raise CommandMissing(f"`{self.name}` is not part of this installation ({self.target} is missing)")
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        single = typer.Typer(add_completion=False)
        single.command(self.name, help=None if found.__doc__ else self.help)(found)
        return typer.main.get_command(single)


def table_of(commands: Iterable[LazyCommand]) -> type[typer.core.TyperGroup]:
    """A group that holds these commands, in this order."""
    rows = {str(command.name): command for command in commands}

    class Table(typer.core.TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**{**attributes, "commands": rows})

    return Table
