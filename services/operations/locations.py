"""`smartcart import locations`: where products stand in a store, checked against its layout."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.catalogue_row import clean_text, normalised
from services.operations.csv_rows import Header, find_header
from services.operations.lines import read_lines
from services.operations.refusals import FileRefused, Refusal, Report, RowRefused, open_report
from services.operations.terminal import bytes_bar, open_database
from shared.db.catalogue import list_product_ids_by_codes
from shared.db.stores import (
    Location,
    delete_locations,
    find_layout,
    get_store,
    list_locations_of_products,
    list_sections,
    lock_plan,
    save_locations,
)
from shared.navigation.layout import Layout, parse_layout

REQUIRED = ("code", "floor", "x", "y")
Place = tuple[int, int, float, float]  # product, floor, x, y


@dataclass(frozen=True, slots=True)
class LocationsImported:
    """Places that are new, that changed section, aisle or shelf, and where a product of the file stands no longer."""

    imported: int
    updated: int
    removed: int


@dataclass(frozen=True, slots=True)
class ReadLocation:
    """A row before its product is looked up."""

    line: int
    code: str
    key: str
    floor: int
    x: float
    y: float
    section: str
    aisle_num: str | None
    shelf_num: str | None


def import_locations(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV: code,floor,x,y,section,aisle_num,shelf_num.")],
    store: Annotated[str, typer.Option(help="The store, known by its layout.")] = "main",
    report: Annotated[
        Path | None, typer.Option(help="CSV file for each refused row: line, code, reason, detail.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Load where products stand; a product may stand in several places.

    A product in the file stands afterwards where the file says and nowhere else; products not in it stay where they
    are. x and y are metres in the store's plan. Refused: unknown codes, floors and sections, places outside the
    floor's bounds.
    """
    with open_database(context) as connection, open_report(report) as refusals, bytes_bar(file) as advance:
        done = load_locations(connection, file, store, refusals, advance=advance)
    counts = {"imported": done.imported, "updated": done.updated, "refused": refusals.refused, "removed": done.removed}
    if as_json:
        typer.echo(json.dumps({**counts, "reasons": dict(refusals.reasons)}))
        return
    for reason, count in refusals.reasons.most_common():
        typer.echo(f"refused {reason}: {count}")
    typer.echo(" ".join(f"{name}={count}" for name, count in counts.items()))


def load_locations(
    connection: Connection[TupleRow],
    file: Path,
    store_name: str,
    report: Report,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> LocationsImported:
    """Import a file in one transaction; raises FileRefused and UnknownStore."""
    with connection.transaction():
        store = get_store(connection, store_name)
        lock_plan(connection, store.store_id)
        layout = _layout_of(connection, store.store_id, store_name)
        sections = {
            (section.floor, section.name.casefold()): section_id
            for section_id, section in list_sections(connection, store.store_id).items()
        }
        rows = _read_rows(file, layout, sections, report, advance)
        product_ids = list_product_ids_by_codes(connection, {row.key for row in rows})
        wanted = _wanted(rows, product_ids, sections, report)
        known = list_locations_of_products(connection, store.store_id, {place[0] for place in wanted})
        placed = {_place(location): location for location in known.values()}
        new = [location for place, location in wanted.items() if place not in placed]
        changed = [location for place, location in wanted.items() if place in placed and placed[place] != location]
        removed = [location_id for location_id, location in known.items() if _place(location) not in wanted]
        save_locations(connection, store.store_id, new + changed)
        delete_locations(connection, removed)
    return LocationsImported(len(new), len(changed), len(removed))


def _layout_of(connection: Connection[TupleRow], store_id: int, store_name: str) -> Layout:
    stored = find_layout(connection, store_id)
    if stored is None:
        raise FileRefused(f"store {store_name!r} has no layout; import its layout first")
    return parse_layout(stored.document)


def _place(location: Location) -> Place:
    return location.product_id, location.floor, location.x, location.y


def _read_rows(
    file: Path,
    layout: Layout,
    sections: Mapping[tuple[int, str], int],
    report: Report,
    advance: Callable[[int], None],
) -> list[ReadLocation]:
    rows: list[ReadLocation] = []
    header: Header | None = None
    for line in read_lines(file):
        advance(line.consumed)
        if header is None:
            header = find_header(line.shown(), REQUIRED)
            if header is None:
                raise FileRefused(f"{file}: the first line does not name {', '.join(REQUIRED)}")
            continue
        try:
            rows.append(_read_row(line.number, header.row(line.text()), layout, sections))
        except RowRefused as problem:
            report.add(Refusal(line.number, header.code_in(line.shown()), problem.reason, problem.detail))
    if header is None:
        raise FileRefused(f"{file}: the file is empty")
    return rows


def _read_row(
    line: int, cells: Mapping[str, str], layout: Layout, sections: Mapping[tuple[int, str], int]
) -> ReadLocation:
    code = cells["code"]
    if not code:
        raise RowRefused("no_code", "the row has no code")
    key = normalised(code)
    bounds = {floor.floor: floor.bounds for floor in layout.floors}
    floor = _whole_number(cells["floor"])
    if floor not in bounds:
        raise RowRefused("unknown_floor", f"the store has no floor {cells['floor']!r}")
    x, y = _metres(cells["x"], "x"), _metres(cells["y"], "y")
    x1, y1, x2, y2 = bounds[floor]
    if not (x1 <= x <= x2 and y1 <= y <= y2):
        raise RowRefused("outside_bounds", f"({x:g}, {y:g}) is outside [{x1:g}, {y1:g}, {x2:g}, {y2:g}]")
    section = clean_text(cells.get("section", ""), "section", 80)
    if section and (floor, section.casefold()) not in sections:
        raise RowRefused("unknown_section", f"floor {floor} has no section {section!r}")
    aisle = clean_text(cells.get("aisle_num", ""), "aisle", 40) or None
    shelf = clean_text(cells.get("shelf_num", ""), "shelf", 40) or None
    return ReadLocation(line, code, key, floor, x, y, section, aisle, shelf)


def _whole_number(text: str) -> int | None:
    try:
        return int(text) if len(text) <= 9 else None
    except ValueError:
        return None


def _metres(text: str, what: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise RowRefused("not_a_number", f"{what} is {text!r}, not a number of metres")
    return number


def _wanted(
    rows: list[ReadLocation],
    product_ids: Mapping[str, int],
    sections: Mapping[tuple[int, str], int],
    report: Report,
) -> dict[Place, Location]:
    """Each place once; unknown products and repeated places are reported."""
    wanted: dict[Place, Location] = {}
    first_lines: dict[Place, int] = defaultdict(int)
    for row in rows:
        product_id = product_ids.get(row.key)
        if product_id is None:
            report.add(Refusal(row.line, row.code, "unknown_code", "no product of the catalogue has this code"))
            continue
        section_id = sections[row.floor, row.section.casefold()] if row.section else None
        location = Location(product_id, row.floor, row.x, row.y, section_id, row.aisle_num, row.shelf_num)
        place = _place(location)
        if place in wanted:
            detail = f"line {first_lines[place]} puts the product there already"
            report.add(Refusal(row.line, row.code, "duplicate_place", detail))
            continue
        wanted[place] = location
        first_lines[place] = row.line
    return wanted
