"""Tables as people export them: one line a row, columns found by name, parted by comma, semicolon or tab.

A cell never holds a line end, so that one broken line costs one row.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass

from services.operations.refusals import RowRefused

_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Header:
    """The names in the first line, in lower case, and what parts the columns."""

    names: tuple[str, ...]
    delimiter: str

    def row(self, text: str) -> dict[str, str]:
        """The cells of a later line by column, without spaces around them; raises RowRefused."""
        cells = _split(text, self.delimiter)
        if len(cells) != len(self.names):
            raise RowRefused("broken_line", f"{len(cells)} columns instead of {len(self.names)}")
        return {name: cell.strip() for name, cell in zip(self.names, cells, strict=True)}

    def code_in(self, text: str) -> str:
        """What stands in the column `code` of a line that may be broken, for the report."""
        cells = text.split(self.delimiter)
        place = self.names.index("code") if "code" in self.names else len(cells)
        return cells[place].strip().strip('"') if place < len(cells) else ""


def find_header(text: str, required: Collection[str]) -> Header | None:
    """The header in a first line, or None when no delimiter brings out the required names."""
    for delimiter in _DELIMITERS:
        try:
            names = tuple(name.strip().lower() for name in _split(text, delimiter))
        except RowRefused:
            continue
        if set(names).issuperset(required):
            return Header(names, delimiter)
    return None


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as problem:
        raise RowRefused("broken_line", f"not a line of CSV: {problem}") from None
