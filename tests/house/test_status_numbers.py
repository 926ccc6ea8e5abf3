"""HTTP status numbers stand in one table at the gateway's door; everywhere else they have names."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, called_name, modules_in

THE_TABLE = "services.gateway.errors"
STATUS_NUMBERS = range(100, 600)
TAKES_A_STATUS = ("HTTPException", "Response", "JSONResponse", "PlainTextResponse", "HTMLResponse", "Meaning")


def is_status_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value in STATUS_NUMBERS


def status_numbers(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        places: list[ast.expr] = []
        if isinstance(node, ast.keyword) and node.arg in ("status_code", "status"):
            places = [node.value]
        elif isinstance(node, ast.keyword) and node.arg == "responses" and isinstance(node.value, ast.Dict):
            places = [key for key in node.value.keys if key is not None]
        elif isinstance(node, ast.Call) and called_name(node).split(".")[-1] in TAKES_A_STATUS:
            places = list(node.args)
        elif isinstance(node, ast.Compare) and "status" in ast.dump(node.left):
            places = list(node.comparators)
        elif isinstance(node, ast.Dict) and any(isinstance(k, ast.Constant) and k.value == "status" for k in node.keys):
            places = list(node.values)
        for place in places:
            if is_status_number(place):
                yield f"{module.path}:{place.lineno} {ast.unparse(place)}"


def test_status_numbers_are_written_in_one_table() -> None:
    found = [number for m in modules_in("services.gateway") if m.name != THE_TABLE for number in status_numbers(m)]
    assert found == []


def test_the_table_is_where_the_rule_says() -> None:
    table = modules_in(THE_TABLE)[0]
    assert len(list(status_numbers(table))) > 5
