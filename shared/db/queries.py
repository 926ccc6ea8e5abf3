"""Loads the named queries of `shared/db/sql/*.sql`.

A query starts with `-- name: <snake_case>` and one line of purpose (`-- …`); parameters are named `%(name)s`.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\n-- ([^\n]+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement; `sql` is typed as a literal because it comes from our own files only."""

    name: str
    purpose: str
    sql: LiteralString
    file: str


@cache
def load_queries() -> dict[str, Query]:
    """Every named query by name; raises ValueError for text before a name or a name used twice."""
    queries: dict[str, Query] = {}
    for path in sorted(_FOLDER.glob("*.sql")):
        pieces = _NAME.split(path.read_text(encoding="utf-8"))
        if any(line and not line.startswith("--") for line in pieces[0].splitlines()):
            raise ValueError(f"{path.name}: statement without a name")
        for name, purpose, sql in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            if name in queries:
                raise ValueError(f"{path.name}: query {name} exists twice")
            queries[name] = Query(name, purpose, sql.strip(), path.name)
    return queries


def sql(name: str) -> LiteralString:
    """The text of the query called `name`; raises KeyError."""
    return load_queries()[name].sql
