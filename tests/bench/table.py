"""The table on the terminal, as Markdown to paste, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import PARTS, median_per_s
from tests.bench.report import Findings, Row

HEADINGS = ("what", "figure", "beside ours", *PARTS, "target", "verdict")
CPU_NOTE = f"{', '.join(PARTS)}: processor seconds for 1,000 events. A ratio is the median of the rounds' own ratios."


def show(found: Findings, rows: Sequence[Row], console: Console) -> None:
    """Print the table; a narrow terminal folds its cells and cuts none."""
    table = Table(title="Events from carts to PostgreSQL and back", caption=CPU_NOTE, caption_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in PARTS else "left", overflow="fold")
    for number, row in enumerate(rows):
        last_of_section = number + 1 == len(rows) or rows[number + 1].section != row.section
        style = {"met": "green", "missed": "red"}.get(row.verdict.split(" ")[0], "")
        *cells, said = cells_of(row)
        table.add_row(*cells, f"[{style}]{said}[/]" if style else said, end_section=last_of_section)
    console.print(table)
    for condition in found.conditions:
        console.print(condition, highlight=False, markup=False)


def markdown(found: Findings, rows: Sequence[Row]) -> str:
    """The same, to paste into a document."""
    lines = [f"| {' | '.join(HEADINGS)} |"]
    lines.append(f"|{'|'.join(' ---: ' if heading in PARTS else ' --- ' for heading in HEADINGS)}|")
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in cells_of(row))} |" for row in rows]
    return "\n".join([*lines, "", CPU_NOTE, "", *(f"- {condition}" for condition in found.conditions), ""])


def as_json(found: Findings) -> str:
    """Everything measured, run by run, with the medians."""
    document: dict[str, Any] = asdict(found)
    document["median_per_s"] = {what: median_per_s(runs) for what, runs in found.rates.items() if runs}
    return json.dumps(document, indent=2)


def cells_of(row: Row) -> tuple[str, ...]:
    """A row's texts in the order of HEADINGS."""
    cpu = (f"{row.cpu[part]:.3f}" if part in row.cpu else "" for part in PARTS)
    return (row.what, row.figure, row.ratio, *cpu, row.target, row.verdict)
