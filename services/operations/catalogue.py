"""`smartcart import catalogue`: products from a file into the catalogue that all stores share."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations import open_food_facts, own_csv
from services.operations.catalogue_row import CatalogueRow, contradictions_left_out, normalised
from services.operations.csv_rows import find_header
from services.operations.lines import Line, read_lines
from services.operations.price_rules import DEFAULT_PRICE_RULE, PriceRule, estimate_price, parse_price_rule
from services.operations.refusals import FileRefused, Refusal, Report, RowRefused, open_report
from services.operations.terminal import bytes_bar, fail, open_database
from shared.db.catalogue import (
    CatalogueProduct,
    StoredProduct,
    insert_products,
    list_products_by_codes,
    lock_catalogue,
    update_products,
)

BATCH_ROWS = 500  # rows a transaction: long enough to be quick, short enough to hold nobody up


@dataclass(frozen=True, slots=True)
class Format:
    """How a file's lines are read. `read` raises RowRefused; `code_in` finds the code of a line that may be broken."""

    name: str
    header: str | None
    read: Callable[[str], CatalogueRow]
    code_in: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class NumberedRow:
    line: int
    row: CatalogueRow


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: products that are new, that changed, and that already were as the file says."""

    imported: int
    updated: int
    unchanged: int


def import_catalogue(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV of ours, or Open Food Facts as JSON lines or CSV export; .gz too.")],
    price_rule: Annotated[
        str,
        typer.Option(
            help="Price of a product that has none: hash:LOW-HIGH tells a stable one from its code, fixed:PRICE is one "
            "for all, none refuses the row. Such prices are marked as estimated and never replace a real one."
        ),
    ] = DEFAULT_PRICE_RULE,
    report: Annotated[
        Path | None, typer.Option(help="CSV file for each refused row: line, code, reason, detail.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file, for example cp1252.")] = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Load products; a file that was loaded before changes nothing.

    Columns of our own CSV, in any order, parted by comma, semicolon or tab: code and name (required), brand, quantity
    ("350 g"), price and discounted_price (12.50), offer, weight_g (one piece on the scale), category, food_types,
    allergens, traces, tax_rate (per cent), expiry (2027-01-31), image (file name), more_codes. Several food types,
    allergens or codes in a cell are parted by |. A column that is absent leaves what the catalogue has; an empty cell
    takes it away, except a price. An empty cell under allergens means unknown; none means that there are none.

    Allergens: gluten, crustaceans, eggs, fish, peanuts, soybeans, milk, nuts, celery, mustard, sesame-seeds,
    sulphur-dioxide-and-sulphites, lupin, molluscs.

    Open Food Facts: a millilitre counts as a gram; allergens count as known only where the field is filled in and
    every word of it is understood.
    """
    try:
        rule = parse_price_rule(price_rule)
        "".encode(encoding)
    except LookupError:
        fail(f"there is no encoding {encoding!r}")
    except ValueError as problem:
        fail(str(problem))
    with open_database(context) as connection, open_report(report) as refusals, bytes_bar(file) as advance:
        done = load_catalogue(connection, file, rule, refusals, encoding=encoding, advance=advance)
    print_result(done, refusals, as_json=as_json)


def load_catalogue(
    connection: Connection[TupleRow],
    file: Path,
    rule: PriceRule,
    report: Report,
    *,
    encoding: str = "utf-8",
    advance: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Import a file in transactions of BATCH_ROWS rows; raises FileRefused when it is of no known format."""
    lines = read_lines(file, encoding)
    first = next(lines, None)
    if first is None:
        raise FileRefused(f"{file}: the file is empty")
    file_format = detect_format(first, file)
    lines = lines if file_format.header is not None else itertools.chain([first], lines)
    seen: dict[str, int] = {}
    imported = updated = unchanged = 0
    for batch in _batches(_read_rows(lines, file_format, seen, report, advance)):
        with connection.transaction():
            lock_catalogue(connection)
            known = list_products_by_codes(connection, {code for numbered in batch for code in numbered.row.codes})
            new, changed, same = _decide(batch, known, rule, seen, report)
            insert_products(connection, new)
            update_products(connection, changed)
        imported, updated, unchanged = imported + len(new), updated + len(changed), unchanged + same
    return Imported(imported, updated, unchanged)


def detect_format(first: Line, file: Path) -> Format:
    """The format of a file that begins with this line; raises FileRefused."""
    try:
        if first.shown().lstrip().startswith("{"):
            return Format(
                "Open Food Facts JSON lines",
                None,
                open_food_facts.read_json_line,
                lambda text: open_food_facts.code_in(text, ""),
            )
        header = first.text()
        if open_food_facts.is_tsv_header(header):
            return Format(
                "Open Food Facts CSV export",
                header,
                open_food_facts.tsv_reader(header),
                lambda text: open_food_facts.code_in(text, header),
            )
        if (columns := find_header(header, own_csv.REQUIRED)) is not None:
            for name in sorted(set(columns.names) - own_csv.COLUMNS):
                typer.echo(f"smartcart: {file}: column {name!r} is left out", err=True)
            return Format("CSV", header, lambda text: own_csv.read_cells(columns.row(text)), columns.code_in)
    except RowRefused as problem:
        raise FileRefused(f"{file}: the first line cannot be read: {problem}") from None
    raise FileRefused(
        f"{file}: neither Open Food Facts (JSON lines or CSV export) nor a CSV whose first line names code and name"
    )


def print_result(done: Imported, report: Report, *, as_json: bool) -> None:
    """The result for a person, ending in `imported=… updated=… refused=…`, or for a program."""
    if as_json:
        counts = {"imported": done.imported, "updated": done.updated, "unchanged": done.unchanged}
        typer.echo(json.dumps({**counts, "refused": report.refused, "reasons": dict(report.reasons)}))
        return
    for reason, count in report.reasons.most_common():
        typer.echo(f"refused {reason}: {count}")
    typer.echo(f"imported={done.imported} updated={done.updated} refused={report.refused}")


def _read_rows(
    lines: Iterable[Line], file_format: Format, seen: dict[str, int], report: Report, advance: Callable[[int], None]
) -> Iterator[NumberedRow]:
    for line in lines:
        advance(line.consumed)
        try:
            row = file_format.read(line.text())
            for known_code in sorted(row.codes & seen.keys()):
                raise RowRefused("duplicate_code", f"line {seen[known_code]} has the code already")
        except RowRefused as problem:
            report.add(Refusal(line.number, file_format.code_in(line.shown()), problem.reason, problem.detail))
            continue
        seen.update(dict.fromkeys(row.codes, line.number))
        yield NumberedRow(line.number, row)


def _batches(rows: Iterator[NumberedRow]) -> Iterator[list[NumberedRow]]:
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        yield batch


def _decide(
    batch: Sequence[NumberedRow],
    known: dict[str, StoredProduct],
    rule: PriceRule,
    seen: dict[str, int],
    report: Report,
) -> tuple[list[CatalogueProduct], dict[int, CatalogueProduct], int]:
    """Products to insert, products to change by id, and how many are as they should be; the rest is reported."""
    new: list[CatalogueProduct] = []
    changed: dict[int, CatalogueProduct] = {}
    decided: dict[int, int] = {}
    unchanged = 0
    for line, row in ((numbered.line, numbered.row) for numbered in batch):
        try:
            stored = _owner(row, known)
            if stored is not None and stored.product_id in decided:
                raise RowRefused("duplicate_code", f"line {decided[stored.product_id]} is about the same product")
            product = merge(row, None if stored is None else stored.product, rule)
        except RowRefused as problem:
            report.add(Refusal(line, row.facts["barcode"], problem.reason, problem.detail))
            continue
        # Another line of the file may come to the same product by another of its codes.
        seen.update(dict.fromkeys(product.codes, line))
        if stored is None:
            new.append(product)
            continue
        decided[stored.product_id] = line
        if stored.product == product:
            unchanged += 1
        else:
            changed[stored.product_id] = product
    return new, changed, unchanged


def _owner(row: CatalogueRow, known: dict[str, StoredProduct]) -> StoredProduct | None:
    owners = {known[code].product_id: known[code] for code in row.codes if code in known}
    if len(owners) > 1:
        names = " and ".join(sorted(repr(owner.product.name) for owner in owners.values()))
        raise RowRefused("code_taken", f"the row's codes belong to different products: {names}")
    return next(iter(owners.values()), None)


def merge(row: CatalogueRow, known: CatalogueProduct | None, rule: PriceRule) -> CatalogueProduct:
    """The product after this row: what the row states, else what was known. Raises RowRefused.

    An estimated price gives way to a stated one and to another rule; a stated one never gives way to an estimate.
    """
    facts: dict[str, Any] = {**row.facts}
    has_price = "price_minor" in facts
    if known is None:
        facts["price_minor"] = row.facts["price_minor"] if has_price else estimate_price(rule, row.key)
        product = CatalogueProduct(gtin=row.gtin, codes=row.codes, price_is_estimated=not has_price, **facts)
    else:
        if normalised(known.barcode) != row.key:
            del facts["barcode"]  # the row names a further code of the product, not the one on its pack
        if has_price:
            facts["price_is_estimated"] = False
        elif known.price_is_estimated:
            facts["price_minor"] = estimate_price(rule, known.gtin or row.key)
        product = replace(known, gtin=known.gtin or row.gtin, codes=known.codes | row.codes, **facts)
    if product.discounted_price_minor is not None and product.discounted_price_minor > product.price_minor:
        raise RowRefused("discount", "the discounted price is above the price")
    return contradictions_left_out(product)
