"""`smartcart plan` on a small store written by the test."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.operations.plan import plan

LAYOUT = {
    "store": "corner",
    "y_axis": "down",
    "clearance_m": 0.3,
    "floors": [{"floor": 0, "bounds": [0, 0, 20, 20], "shelves": [[5, 5, 6, 15]], "sections": [], "one_way": []}],
    "connectors": [],
    "entrances": [[0, 1, 1]],
    "checkouts": [{"name": "1", "at": [0, 1, 19]}],
}


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    path = tmp_path / "corner.json"
    path.write_text(json.dumps(LAYOUT))
    return path


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(plan)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_walk_is_printed_turn_by_turn_with_its_length_and_proof(layout: Path) -> None:
    code, output = run("--layout", str(layout), "--from", "1,10", "--to", "10,10", "--end", "checkout")

    assert code == 0
    last = output.splitlines()[-1]
    assert last.startswith("order=1 metres=")
    assert last.endswith("proof=optimal")
    assert "checkout 1" in output
    assert "      [1]  Your product is here" in output.splitlines()


def test_the_walk_is_drawn_and_told_as_json(layout: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "walk.svg"

    code, output = run("--layout", str(layout), "--to", "10,10", "--to", "3,3", "--svg", str(drawn), "--json")

    assert code == 0
    assert json.loads(output)["order"] == ["2", "1"]
    assert drawn.read_text().startswith("<svg")


def test_a_place_that_nobody_can_walk_to_is_said_so(layout: Path) -> None:
    code, output = run("--layout", str(layout), "--to", "500,500")

    assert code == 1
    assert "no walk" in output


@pytest.mark.parametrize("place", ["1", "a,b", "1,2,3,4", ""])
def test_a_place_in_other_words_is_refused(layout: Path, place: str) -> None:
    code, output = run("--layout", str(layout), "--to", place)

    assert code == 2
    assert "X,Y" in output


def test_a_layout_with_a_fault_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**LAYOUT, "entrances": [[0, 500, 1]]}))

    code, output = run("--layout", str(path), "--to", "1,2")

    assert code == 1
    assert "entrances" in output
