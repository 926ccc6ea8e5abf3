"""The environment is read in entry points only; everything else gets values handed down."""

import ast

from pydantic_settings import BaseSettings

from services.env_example import PROGRAMS
from tests.house.source import Module, called_name, imports, modules

ENTRY_POINTS = (
    "services.cli",
    "broker.amqtt.__main__",
    "broker.embedded.__main__",
    "broker.mosquitto.__main__",
    "services.cart_ingest.__main__",
    "services.gateway.__main__",
)
READERS = ("os.environ", "os.getenv", "os.environb", "environ", "getenv")


def is_entry_point(module: Module) -> bool:
    return module.name in ENTRY_POINTS


def test_only_entry_points_touch_the_environment() -> None:
    wrong = []
    for module in modules():
        if is_entry_point(module):
            continue
        wrong += [f"{module.path}:{line}" for line, name in imports(module) if name in READERS]
        wrong += [
            f"{module.path}:{node.lineno}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            if isinstance(node.value, ast.Name) and node.value.id == "os"
        ]
    assert wrong == []


def test_only_entry_points_read_settings() -> None:
    builders = {"read_settings", *(program.__name__ for program in PROGRAMS.values())}
    wrong = [
        f"{module.path}:{node.lineno} calls {called_name(node)}"
        for module in modules()
        if not is_entry_point(module)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and called_name(node) in builders and not node.keywords
    ]
    assert wrong == []


def test_every_entry_point_exists() -> None:
    assert set(ENTRY_POINTS) <= {module.name for module in modules()}


def test_every_program_with_settings_is_printed_in_the_example() -> None:
    def leaves(program: type) -> set[type]:
        below = program.__subclasses__()
        return {program}.union(*map(leaves, below)) if below else {program}

    ours = {c for c in leaves(BaseSettings) if c.__module__.startswith(("shared.", "services.", "broker."))}
    programs = {c for c in ours if not c.__subclasses__()}
    assert programs == set(PROGRAMS.values())
