"""Reasons that code, tests and records cite stand in `docs/`: a row, a section, a decision, a document that exists."""

import re
from functools import cache

from tests.house.source import ROOT, tracked_files

RELIABILITY = ROOT / "docs" / "reliability.md"
DESIGN = ROOT / "docs" / "design.md"
READ = (".py", ".sql", ".md", ".conf", ".yaml", ".toml", "Makefile", "Dockerfile")
ROW = re.compile(r"\b[RMHS]\d{1,2}\b|(?<![\w.])d\.\d+\b")
FACTS = re.compile(r"\bfacts? (\d+)(?: to (\d+))?")
SECTION = re.compile(r"design\.md, sections? (\d+)")
DECISION = re.compile(r"\bdecisions? (\d+)(?:, (\d+))?(?: (?:and|to) (\d+))?")
DOCUMENT = re.compile(r"(?<![\w-])[\w-]+\.md\b")
ABSENT = re.compile(r"\b(?:RELIABILITY|ROUTING|DESIGN|RETAIL)\b")
OF_OTHERS = {"LICENSE.md"}  # names that documents of other projects bear


@cache
def _texts() -> dict[str, str]:
    """What may cite: our own text files, but not this one, whose examples are wrong on purpose."""
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in tracked_files()
        if name.endswith(READ) and "/vendor/" not in name and name != "tests/house/test_cited_reasons.py"
    }


@cache
def _rows() -> frozenset[str]:
    """The first cell of each row, and each heading `### d.N …`."""
    text = RELIABILITY.read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\| ([RMHS]\d+|fact \d+) \|", text, re.M) + re.findall(r"^### (d\.\d+) ", text, re.M))


@cache
def _sections() -> frozenset[str]:
    return frozenset(re.findall(r"^## Section (\d+):", DESIGN.read_text(encoding="utf-8"), re.M))


@cache
def _records() -> frozenset[int]:
    return frozenset(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def missing_reasons(text: str) -> list[str]:
    """What this text cites and docs/ does not have."""
    absent = [row for row in ROW.findall(text) if row not in _rows()]
    for numbers in FACTS.findall(text):
        absent += [fact for number in numbers if number and (fact := f"fact {number}") not in _rows()]
    absent += [f"section {number}" for number in SECTION.findall(text) if number not in _sections()]
    for numbers in DECISION.findall(text):
        absent += [f"decision {number}" for number in numbers if number and int(number) not in _records()]
    return absent + ABSENT.findall(text)


def test_each_reason_that_is_cited_exists() -> None:
    missing = {name: absent for name, text in _texts().items() if (absent := missing_reasons(text))}
    assert missing == {}


def test_each_document_that_is_named_exists() -> None:
    names = {path.rpartition("/")[2] for path in tracked_files()} | OF_OTHERS
    missing = {name: absent for name, text in _texts().items() if (absent := set(DOCUMENT.findall(text)) - names)}
    assert missing == {}


def test_the_rule_would_see_a_reason_that_is_not_there() -> None:
    assert len(_rows()) > 100
    for wrong in (
        "(R99)",
        "M31 to M33",
        "H18",
        "S40",
        "docs/reliability.md d.99",
        "docs/reliability.md facts 3 to 99",
        "docs/design.md, section 77",
        "decision 999",
        "decisions 80 to 799",
        "RELIABILITY R1",
    ):
        assert missing_reasons(wrong), wrong
    assert missing_reasons("R14, docs/reliability.md d.1, d.2 and docs/design.md, section 4 (decision 39)") == []
