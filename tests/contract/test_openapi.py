"""The OpenAPI document that is committed is the one the code prints, and it says what it must."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.gateway.openapi import print_openapi

COMMITTED = Path(__file__).parents[2] / "services" / "gateway" / "openapi.json"
METHODS = ("get", "post", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(print_openapi())
    return printed


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    ]


def test_the_committed_document_is_what_the_code_prints() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == print_openapi(), "print it anew: python -m services.gateway.openapi"


def test_printing_twice_gives_the_same_text() -> None:
    assert print_openapi() == print_openapi()


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")


def test_every_operation_has_a_summary_a_description_and_its_errors(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        assert operation.get("summary"), (path, method)
        assert operation.get("description"), (path, method)
        listed = {status for status in operation["responses"] if not status.startswith("2")}
        assert listed >= {"400", "422", "503"}, (path, method, listed)
        if operation.get("security") == [{"shopper": []}]:
            assert "401" in listed, (path, method)


def test_every_error_has_the_one_shape_and_an_example(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                continue
            content = response["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (path, method, status)
            for name, example in content["examples"].items():
                assert example == {"$ref": f"#/components/examples/{name}"}
                assert document["components"]["examples"][name]["value"]["code"] == name


def test_bodies_refuse_unknown_fields(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
            schema = document["components"]["schemas"][reference]
            assert schema["additionalProperties"] is False, (path, method)


def test_no_secret_or_default_of_ours_is_printed() -> None:
    assert "development-" not in print_openapi()
