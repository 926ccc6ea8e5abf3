"""Reads our own source for the house rules: which modules there are, what they import, which texts they hold."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"/(\.(?!ci\b|env\.example|gitignore|dockerignore)|__pycache__|build|dist|\w+\.egg-info)")
PACKAGES = ("broker", "firmware_sim", "services", "shared")


@dataclass(frozen=True)
class Module:
    """One module of the programs: its dotted name, where it is, and its syntax tree."""

    name: str
    path: str
    tree: ast.Module

    def is_in(self, *packages: str) -> bool:
        return any(self.name == package or self.name.startswith(f"{package}.") for package in packages)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the programs; tests are not among them."""
    found = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT)
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(name, str(path), ast.parse(file.read_text(encoding="utf-8"))))
    return tuple(found)


def modules_in(*packages: str) -> list[Module]:
    """The modules of these packages; a rule about nothing is no rule, so there must be some."""
    found = [module for module in modules() if module.is_in(*packages)]
    assert found, f"no modules in {packages}"
    return found


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno}: relative import"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def texts(module: Module) -> Iterator[tuple[int, str]]:
    """Line and content of every string that is not a docstring; the holes of an f-string are `{}`."""
    documentation = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.add(node.value)
    inside = {part for node in ast.walk(module.tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and node not in documentation | inside and isinstance(node.value, str):
            yield node.lineno, node.value


def called_name(call: ast.Call) -> str:
    """The dotted name of what is called, as far as it is plain: `datetime.now`, `print`."""
    parts: list[str] = []
    target: ast.expr = call.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if isinstance(target, ast.Name):
        parts.append(target.id)
    return ".".join(reversed(parts))


@cache
def tracked_files() -> tuple[str, ...]:
    """Every file under version control; without git, every file that is not in a hidden or made folder."""
    try:
        git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(file.relative_to(ROOT)) for file in ROOT.rglob("*") if not MADE.search(str(file))]
    return tuple(name for name in listed if name and (ROOT / name).is_file())
