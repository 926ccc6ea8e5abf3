"""The committed AsyncAPI, OpenAPI and .env.example are what the code prints."""

import pytest

from services.commands.documents import PRINTED_DOCUMENTS, printed
from tests.house.source import ROOT, tracked_files


@pytest.mark.parametrize(("name", "target"), PRINTED_DOCUMENTS)
def test_a_committed_document_is_what_the_code_prints(name: str, target: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == printed(target), "run `smartcart contracts --write`"


@pytest.mark.parametrize("name", [name for name, _ in PRINTED_DOCUMENTS])
def test_a_printed_document_is_committed(name: str) -> None:
    assert name in tracked_files()
