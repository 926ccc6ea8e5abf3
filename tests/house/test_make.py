"""`make` explains itself, and finds a Python that is new enough or says that there is none."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

FIND_PYTHON = ["/bin/sh", str(ROOT / ".ci" / "find-python")]


def fake_python(folder: Path, name: str, exit_code: int) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def find_python(path: str, *given: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*FIND_PYTHON, *given], env={"PATH": path}, capture_output=True, text=True)


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    targets = phony[1].split()
    assert {"install", "demo", "up", "test", "check", "bench", "clean"} <= set(targets)
    assert [target for target in targets if f"make {target} " not in shown] == []


def test_the_interpreter_that_is_given_is_taken_when_it_is_new_enough() -> None:
    found = find_python(os.defpath, sys.executable)
    assert found.stdout.strip() == sys.executable


def test_an_old_interpreter_that_is_given_is_refused_in_one_line(tmp_path: Path) -> None:
    fake_python(tmp_path, "python2", 1)
    refused = find_python(os.defpath, str(tmp_path / "python2"))
    assert refused.returncode == 1
    assert refused.stderr == f"smartcart: PYTHON={tmp_path / 'python2'} is not Python 3.11 or newer\n"


def test_a_newer_python_is_found_when_python3_is_too_old(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3", 1)
    fake_python(tmp_path, "python3.12", 0)
    assert find_python(str(tmp_path)).stdout.strip() == str(tmp_path / "python3.12")


def test_without_any_python_the_way_out_is_named(tmp_path: Path) -> None:
    refused = find_python(str(tmp_path))
    assert refused.returncode == 1
    assert "make PYTHON=" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
