"""SQL is written in shared/db/sql and shared/db/migrations; each query is used and accepted by PostgreSQL."""

import ast
import re

import psycopg
import pytest

from shared.db.queries import Query, load_queries
from tests.house.source import ROOT, Module, called_name, modules, modules_in, texts

STATEMENT = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|LOCK|LISTEN|NOTIFY|BEGIN|COMMIT|SET|PREPARE)\s"
    r"|\b(select\s.+\sfrom|insert\s+into|delete\s+from|update\s+\w+\s+set|pg_(try_)?advisory\w*)\b",
    re.DOTALL,
)
# It keeps the table that says which migrations were applied, before there is any table.
KEEPS_ITS_OWN_TABLE = "shared.db.migrate"
RUNS_SQL = ("execute", "executemany", "stream", "copy")


def statements(module: Module) -> list[str]:
    found = [f"{module.path}:{line} {text[:60]!r}" for line, text in texts(module) if STATEMENT.search(text)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and called_name(node).split(".")[-1] in RUNS_SQL and node.args:
            first = node.args[0]
            if isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                found.append(f"{module.path}:{node.lineno} runs a text written in place")
    return found


def test_no_module_writes_sql() -> None:
    wrong = [found for module in modules() if module.name != KEEPS_ITS_OWN_TABLE for found in statements(module)]
    assert wrong == []


def test_the_rule_would_see_sql() -> None:
    assert statements(modules_in(KEEPS_ITS_OWN_TABLE)[0])


def test_sql_files_are_in_their_two_folders() -> None:
    folders = {
        str(file.parent.relative_to(ROOT))
        for package in ("shared", "services")
        for file in (ROOT / package).rglob("*.sql")
    }
    assert folders == {"shared/db/sql", "shared/db/migrations"}


@pytest.mark.parametrize("query", load_queries().values(), ids=lambda query: query.name)
def test_a_named_query_is_used(query: Query) -> None:
    users = [
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and node.value == query.name
    ]
    assert users, f"{query.file}: nobody uses {query.name}"


def test_there_are_named_queries() -> None:
    assert len(load_queries()) > 20


def test_postgres_accepts_every_named_query(database_url: str) -> None:
    refused = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for query in load_queries().values():
            try:
                if query.sql.startswith("SET "):  # a command that cannot be prepared: said in a transaction of its own
                    with connection.transaction():
                        connection.execute(query.sql)
                    continue
                if query.sql.startswith("COPY "):  # nor can this be prepared: no rows are copied
                    with connection.cursor() as cursor, cursor.copy(query.sql):
                        continue
                connection.execute(f"PREPARE {query.name} AS {with_numbered_parameters(query.sql)}")
            except psycopg.Error as problem:
                refused.append(f"{query.file}: {query.name}: {problem}")
    assert refused == []


def with_numbered_parameters(sql: str) -> str:
    """`%(name)s` as PostgreSQL itself writes parameters, `$1`, the same name the same number."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return re.sub(r"%\((\w+)\)[sbt]", number, sql).replace("%%", "%").rstrip().rstrip(";")
