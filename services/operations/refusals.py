"""What an import says about rows it did not take: a stable reason, a sentence, and the report file."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPORT_COLUMNS = ("line", "code", "reason", "detail")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not imported. `line` counts from 1, as an editor shows it."""

    line: int
    code: str
    reason: str
    detail: str


class RowRefused(ValueError):
    """Raised while a row is read; whoever reads rows knows the line and makes a Refusal of it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class FileRefused(Exception):
    """A file as a whole cannot be read or written; one sentence for the person at the terminal."""

    code = "file_refused"


@dataclass
class Report:
    """Counts refusals by reason, and writes each to the file when there is one."""

    writer: Any = None
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, refusal: Refusal) -> None:
        self.reasons[refusal.reason] += 1
        if self.writer is not None:
            self.writer.writerow([refusal.line, _printable(refusal.code), refusal.reason, _printable(refusal.detail)])

    @property
    def refused(self) -> int:
        return self.reasons.total()


@contextmanager
def open_report(path: Path | None) -> Iterator[Report]:
    """A report that is written to `path` as CSV while rows come in; None only counts."""
    if path is None:
        yield Report()
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as problem:
        raise FileRefused(f"{path}: {problem.strerror or problem}") from None
    with file:
        writer = csv.writer(file)
        writer.writerow(REPORT_COLUMNS)
        yield Report(writer)


def _printable(text: str) -> str:
    """Whatever a broken row holds, the report stays one line a row and opens in a spreadsheet as text."""
    shown = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text[:200])
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
