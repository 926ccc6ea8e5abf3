"""The environment is read in entry points only; everything else gets values handed down."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.cli import add_env_file
from services.env_example import PROGRAMS
from tests.house.source import ROOT, Module, called_name, imports, modules

ENTRY_POINTS = (
    "services.cli",
    "broker.amqtt.__main__",
    "broker.embedded.__main__",
    "broker.mosquitto.__main__",
    "services.cart_ingest.__main__",
    "services.gateway.__main__",
)
READERS = ("os.environ", "os.getenv", "os.environb", "environ", "getenv")


def is_entry_point(module: Module) -> bool:
    return module.name in ENTRY_POINTS


def test_only_entry_points_touch_the_environment() -> None:
    wrong = []
    for module in modules():
        if is_entry_point(module):
            continue
        wrong += [f"{module.path}:{line}" for line, name in imports(module) if name in READERS]
        wrong += [
            f"{module.path}:{node.lineno}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            if isinstance(node.value, ast.Name) and node.value.id == "os"
        ]
    assert wrong == []


def test_only_entry_points_read_settings() -> None:
    builders = {"read_settings", *(program.__name__ for program in PROGRAMS.values())}
    wrong = [
        f"{module.path}:{node.lineno} calls {called_name(node)}"
        for module in modules()
        if not is_entry_point(module)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and called_name(node) in builders and not node.keywords
    ]
    assert wrong == []


def test_every_entry_point_exists() -> None:
    assert set(ENTRY_POINTS) <= {module.name for module in modules()}


def test_every_program_with_settings_is_printed_in_the_example() -> None:
    def leaves(program: type) -> set[type]:
        below = program.__subclasses__()
        return {program}.union(*map(leaves, below)) if below else {program}

    ours = {c for c in leaves(BaseSettings) if c.__module__.startswith(("shared.", "services.", "broker."))}
    programs = {c for c in ours if not c.__subclasses__()}
    assert programs == set(PROGRAMS.values())


def test_a_command_reads_the_env_file_and_what_the_environment_says_itself_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# ours\nCURRENCY=SEK\nHTTP_PORT='8100'\nexport PAIRING=open\nLOG_LEVEL=debug\nFIXED_OTP=\n")
    environment = {"LOG_LEVEL": "error", "PAIRING": ""}
    add_env_file(file, environment)
    assert environment == {"LOG_LEVEL": "error", "CURRENCY": "SEK", "HTTP_PORT": "8100", "PAIRING": "open"}


def test_without_an_env_file_the_environment_stays_as_it_is(tmp_path: Path) -> None:
    environment = {"LOG_LEVEL": "error"}
    add_env_file(tmp_path / ".env", environment)
    assert environment == {"LOG_LEVEL": "error"}


@pytest.mark.parametrize("broken", [b"\xff\xfe", None], ids=["no text", "a folder"])
def test_an_env_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, broken: bytes | None) -> None:
    file = tmp_path / ".env"
    file.write_bytes(broken) if broken else file.mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "services.cli", "migrate"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert ".env cannot be read" in ended.stderr
