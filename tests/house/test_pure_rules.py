"""shared/domain and shared/navigation are pure: no clock, no chance, no files, no network, no logs."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Module, called_name, imports, modules_in

IMPURE_MODULES = {
    *("asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil"),
    *("signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib"),
    *("amqtt", "fastapi", "httpx", "paho", "psycopg", "psycopg_pool", "requests", "rich", "structlog", "typer"),
}
PURE_PARTS = ("urllib.parse",)  # text in, text out
IMPURE_CALLS = {
    *("open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "uuid1", "uuid4", "uuid.uuid1", "uuid.uuid4"),
}
# Repeats itself when given a seed.
SEEDED = {"np.random.default_rng", "numpy.random.default_rng"}
# Secrets and codes are drawn at random; that is the one thing these modules take from the world.
DRAWS_AT_RANDOM = {
    "shared.domain.device_secret": {"secrets"},
    "shared.domain.one_time_code": {"secrets"},
    "shared.domain.refresh_secret": {"secrets"},
}


def impurities(module: Module) -> Iterator[str]:
    allowed = DRAWS_AT_RANDOM.get(module.name, set())
    for line, name in imports(module):
        if name.split(".")[0] in IMPURE_MODULES - allowed and not name.startswith(PURE_PARTS):
            yield f"{module.path}:{line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and called_name(node) in IMPURE_CALLS:
            yield f"{module.path}:{node.lineno} calls {called_name(node)}"
        elif isinstance(node, ast.Call) and called_name(node) in SEEDED and not node.args:
            yield f"{module.path}:{node.lineno} draws without a seed"
        elif isinstance(node, ast.Global):
            yield f"{module.path}:{node.lineno} changes a global"


@pytest.mark.parametrize("package", ["shared.domain", "shared.navigation"])
def test_rules_take_nothing_from_the_world(package: str) -> None:
    assert [found for module in modules_in(package) for found in impurities(module)] == []


def test_the_rule_would_see_a_clock() -> None:
    tree = ast.parse("import time\nfrom datetime import datetime\ndatetime.now()\n")
    assert len(list(impurities(Module("shared.domain.x", "x.py", tree)))) == 2
