"""Every command in the table of contents of `smartcart` can be loaded, and its help answers fast."""

import subprocess
import sys
import tomllib

import pytest

from services.cli import COMMANDS, data_option_first
from services.commands.lazy import CommandMissing, LazyCommand
from shared.version import VERSION
from tests.house.source import ROOT


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_a_command_in_the_table_can_be_loaded(command: LazyCommand) -> None:
    loaded = command.load()
    assert loaded.help or loaded.commands


def test_the_version_is_written_in_one_place_and_told_by_the_command() -> None:
    told = subprocess.run([sys.executable, "-m", "services.cli", "--version"], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, f"smartcart {VERSION}\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "shared.version.VERSION"}


def test_a_command_whose_module_is_missing_says_so_in_a_line() -> None:
    with pytest.raises(CommandMissing, match="`fly` is not part of this installation"):
        LazyCommand("fly", "services.operations.fly:fly", "Fly.").load()


def test_the_table_is_shown_without_loading_what_it_names() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "services.cli", "--help"], capture_output=True, text=True
    )
    assert shown.returncode == 0
    assert all(str(command.name) in shown.stdout for command in COMMANDS)
    assert "psycopg" not in shown.stderr
    assert "services.operations" not in shown.stderr


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["carts", "list", "--data", "d"], ["--data", "d", "carts", "list"]),
        (["carts", "list", "--data=d"], ["--data=d", "carts", "list"]),
        (["up", "--data"], ["--data", "up"]),
        (["x", "--", "--data", "d"], ["x", "--", "--data", "d"]),
    ],
)
def test_the_data_option_may_stand_anywhere(typed: list[str], understood: list[str]) -> None:
    assert data_option_first(typed) == understood
