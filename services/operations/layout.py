"""`smartcart import layout`: a store's floor plan; the store is made when it is new."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, assert_never

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.refusals import FileRefused
from services.operations.terminal import fail, open_database
from shared.db.stores import PlannedSection, add_layout, ensure_store, find_layout, lock_plan
from shared.navigation.layout import Layout, LayoutError, LayoutProblem, parse_layout
from shared.navigation.reachability import check_walkable
from shared.navigation.svg import draw_svg

# A plan of 10,000 shelves is below 1 MB.
MAX_LAYOUT_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class LayoutAdded:
    """A new version is in force."""

    store: str
    version: int


@dataclass(frozen=True, slots=True)
class LayoutUnchanged:
    """The document is the one in force already."""

    store: str
    version: int


def import_layout(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The layout as JSON.")],
    svg: Annotated[Path | None, typer.Option(help="Draw the plan into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Check a floor plan and put it in force as a new version; the document in force changes nothing.

    Each problem is named with its place in the document: something outside the bounds, no number, a checkout or a
    shelf that nobody can walk to, and so on. Then nothing is imported.
    """
    with open_database(context) as connection:
        try:
            document = read_document(file)
            done = load_layout(connection, document)
            if svg is not None:
                _draw(document, svg)
        except LayoutError as refused:
            for problem in refused.problems:
                typer.echo(f"{problem.code} {problem}", err=True)
            fail(f"{file}: the layout is not imported, {len(refused.problems)} problems")
    is_new = isinstance(done, LayoutAdded)
    if as_json:
        typer.echo(json.dumps({"store": done.store, "version": done.version, "changed": is_new}))
        return
    match done:
        case LayoutAdded(store, version):
            typer.echo(f"store={store} version={version} is in force")
        case LayoutUnchanged(store, version):
            typer.echo(f"store={store} version={version} was in force already")
        case _ as never:
            assert_never(never)


def _draw(document: object, svg: Path) -> None:
    try:
        svg.write_text(draw_svg(parse_layout(document)), encoding="utf-8")
    except OSError as problem:
        raise FileRefused(f"{svg}: {problem.strerror or problem}") from None


def read_document(file: Path) -> object:
    """The decoded file; raises FileRefused."""
    try:
        if file.stat().st_size > MAX_LAYOUT_BYTES:
            raise FileRefused(f"{file}: larger than {MAX_LAYOUT_BYTES} bytes")
        return json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as problem:
        raise FileRefused(f"{file}: {problem.strerror or problem}") from None
    except RecursionError:
        raise FileRefused(f"{file}: nested too deeply") from None
    except ValueError as problem:
        raise FileRefused(f"{file}: not JSON in UTF-8: {problem}") from None


def load_layout(connection: Connection[TupleRow], document: object) -> LayoutAdded | LayoutUnchanged:
    """Check a layout, and put it in force when it differs from the one that is; raises LayoutError."""
    layout = parse_layout(document)
    problems = [*_storage_problems(layout), *check_walkable(layout)]
    if problems:
        raise LayoutError(problems)
    sections = [
        PlannedSection(floor.floor, section.name, *section.rect)
        for floor in layout.floors
        for section in floor.sections
    ]
    with connection.transaction():
        store = ensure_store(connection, layout.store)
        lock_plan(connection, store.store_id)
        stored = find_layout(connection, store.store_id)
        if stored is not None and stored.document == document:
            return LayoutUnchanged(store.name, stored.version)
        return LayoutAdded(store.name, add_layout(connection, store.store_id, document, sections))


def _storage_problems(layout: Layout) -> Iterator[LayoutProblem]:
    """What the plan may hold but the database may not: section names that are no text, or stand twice on a floor."""
    for index, floor in enumerate(layout.floors):
        times = Counter(section.name for section in floor.sections)
        for place, section in enumerate(floor.sections):
            pointer = f"/floors/{index}/sections/{place}/name"
            if times[section.name] > 1:
                message = f"section {section.name!r} appears {times[section.name]} times on floor {floor.floor}"
                yield LayoutProblem("duplicate_section", pointer, message)
            if not section.name.isprintable():
                yield LayoutProblem("wrong_name", pointer, f"section {section.name!r} cannot be printed")
