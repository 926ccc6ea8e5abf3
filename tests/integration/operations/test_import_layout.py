"""Importing a floor plan: a store is made, versions grow only with a difference, problems are named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.layout import LayoutAdded, LayoutUnchanged, load_layout
from shared.db.stores import find_layout, get_store, list_sections
from shared.navigation.layout import LayoutError

Command = Callable[..., tuple[int, list[str], str]]


def plan(**changes: Any) -> dict[str, Any]:
    """A store of one shelf with two sections."""
    floor = {
        "floor": 0,
        "bounds": [0, 0, 10, 10],
        "shelves": [[4, 2, 5, 8]],
        "sections": [
            {"name": "Dairy", "x1": 0, "y1": 0, "x2": 5, "y2": 10},
            {"name": "Bakery", "x1": 5, "y1": 0, "x2": 10, "y2": 10},
        ],
    }
    return {
        "store": "corner-shop",
        "y_axis": "down",
        "clearance_m": 0.3,
        "floors": [{**floor, **changes}],
        "entrances": [[0, 1, 9]],
        "checkouts": [{"name": "1", "at": [0, 9, 9]}],
    }


def test_a_layout_makes_its_store_and_the_same_document_changes_nothing(smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan()))
    assert smartcart("import", "layout", file)[:2] == (0, ["store=corner-shop version=1 is in force"])
    assert smartcart("import", "layout", file)[:2] == (0, ["store=corner-shop version=1 was in force already"])
    file.write_text(json.dumps(plan(shelves=[[4, 2, 5, 7]])))
    exit_code, (line,), _ = smartcart("import", "layout", file, "--json")
    assert (exit_code, json.loads(line)) == (0, {"store": "corner-shop", "version": 2, "changed": True})


def test_the_plan_is_drawn_on_request(smartcart: Command, tmp_path: Path) -> None:
    file, svg = tmp_path / "plan.json", tmp_path / "plan.svg"
    file.write_text(json.dumps(plan()))
    assert smartcart("import", "layout", file, "--svg", svg)[0] == 0
    drawn = svg.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "Dairy" in drawn
    assert smartcart("import", "layout", file, "--svg", tmp_path / "no" / "folder.svg")[0] == 1


def test_a_section_keeps_its_number_while_it_keeps_its_name(connection: Connection[TupleRow]) -> None:
    assert load_layout(connection, plan()) == LayoutAdded("corner-shop", 1)
    store = get_store(connection, "corner-shop")
    before = {section.name: section_id for section_id, section in list_sections(connection, store.store_id).items()}
    moved = plan(
        sections=[
            {"name": "Dairy", "x1": 0, "y1": 0, "x2": 2, "y2": 2},
            {"name": "Fruit", "x1": 5, "y1": 0, "x2": 10, "y2": 10},
        ]
    )
    assert load_layout(connection, moved) == LayoutAdded("corner-shop", 2)
    sections = list_sections(connection, store.store_id)
    assert sections[before["Dairy"]].x2 == 2
    assert {section.name for section in sections.values()} == {"Dairy", "Fruit"}
    assert load_layout(connection, moved) == LayoutUnchanged("corner-shop", 2)


def test_going_back_to_an_older_plan_is_a_new_version(connection: Connection[TupleRow]) -> None:
    load_layout(connection, plan())
    load_layout(connection, plan(shelves=[]))
    assert load_layout(connection, plan()) == LayoutAdded("corner-shop", 3)
    stored = find_layout(connection, get_store(connection, "corner-shop").store_id)
    assert stored is not None
    assert stored.document == plan()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([], "wrong_type"),
        ({}, "missing_field"),
        (plan(bounds=[0, 0, 3, 3]), "outside_bounds"),
        (plan(bounds=[0, 0, float("nan"), 3]), "not_a_number"),
        (plan(shelves=[[0, 8, 10, 8.5], [8, 0, 8.5, 10]]), "unreachable_checkout"),
        (
            plan(sections=[{"name": "Dairy", "x1": 0, "y1": 0, "x2": 5, "y2": 10}] * 2),
            "duplicate_section",
        ),
        (plan(sections=[{"name": "Da\x00iry", "x1": 0, "y1": 0, "x2": 5, "y2": 10}]), "wrong_name"),
    ],
)
def test_a_wrong_layout_is_not_imported_and_its_problem_has_a_name(
    connection: Connection[TupleRow], document: object, code: str
) -> None:
    with pytest.raises(LayoutError) as refused:
        load_layout(connection, document)
    assert code in {problem.code for problem in refused.value.problems}
    assert connection.execute("SELECT count(*) FROM store").fetchone() == (0,)


def test_the_command_names_each_problem_and_its_place(smartcart: Command, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan(shelves=[[4, 2, 5, 80]])))
    exit_code, lines, error = smartcart("import", "layout", file)
    assert (exit_code, lines) == (1, [])
    assert "outside_bounds /floors/0/shelves/0 [4, 2, 5, 80]" in error


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_json_ends_the_command_with_one_line(
    smartcart: Command, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    exit_code, lines, error = smartcart("import", "layout", file)
    assert (exit_code, lines, error.count("\n")) == (1, [], 1)
