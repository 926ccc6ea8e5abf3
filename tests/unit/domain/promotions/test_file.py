"""The file of promotions: what is wrong is named with its place and reason, and nothing else passes."""

import json
from typing import Any

import jsonschema
import pytest

from shared.domain.promotions import Book, FileError, PromotionFile, read_promotions
from shared.domain.promotions.book import bind
from shared.domain.promotions.file import print_schema
from tests.unit.domain.promotions.examples import EXAMPLES

GOOD: dict[str, Any] = {
    "id": "p",
    "name": "3 for 2",
    "needs": [{"of": {"codes": ["A"]}, "quantity": 3}],
    "gives": {"free": 1},
}


def read(*promotions: dict[str, Any], **more: Any) -> PromotionFile | tuple[FileError, ...]:
    return read_promotions(json.dumps({"v": 1, "promotions": promotions, **more}).encode())


@pytest.mark.parametrize(
    ("changed", "place", "reason"),
    [
        ({"gives": {"free": 4}}, "promotions[0]", "4 free of 3 needed units"),
        ({"gives": {"percent": 101, "on": "needed"}}, "promotions[0].gives.percent", "less than or equal to 100"),
        ({"gives": {"percent": True, "on": "needed"}}, "promotions[0].gives.percent", "valid integer"),
        ({"gives": {"percent": 10.5, "on": "needed"}}, "promotions[0].gives.percent", "valid integer"),
        ({"gives": {"percent": 10, "on": "shelf"}}, "promotions[0].gives.on", "'needed', 'cheapest' or 'trip'"),
        ({"needs": []}, "promotions[0].needs", "at least 1"),
        ({"needs": [{"trip_minor": 5}]}, "promotions[0]", "use `on: trip`"),
        ({"needs": [{"of": "some", "quantity": 1}]}, "promotions[0].needs[0].of", "'all'"),
        ({"needs": [{"of": "all", "quantity": 0}]}, "promotions[0].needs[0].quantity", "greater than or equal to 1"),
        ({"from": "2026-06-03T00:00+02:00"}, "promotions[0].from", "without a zone"),
        ({"from": "tomorrow"}, "promotions[0].from", "no ISO 8601"),
        ({"from": 5}, "promotions[0].from", "as a text"),
        ({"from": "2026-06-03", "until": "2026-06-03"}, "promotions[0]", "`until` is not after `from`"),
        ({"days": ["sunday"]}, "promotions[0].days[0]", "'sun'"),
        ({"hours": ["17:00"]}, "promotions[0].hours", "at least 2"),
        ({"hours": ["17:00", "25:00"]}, "promotions[0].hours[1]", "hour must be in"),
        ({"limit": 0}, "promotions[0].limit", "greater than or equal to 1"),
        ({"shop": "main"}, "promotions[0].shop", "not permitted"),
        ({"name": "a\nb"}, "promotions[0].name", "pattern"),
        ({"id": ""}, "promotions[0].id", "pattern"),
    ],
)
def test_what_is_wrong_is_named_with_place_and_reason(changed: dict[str, Any], place: str, reason: str) -> None:
    errors = read({**GOOD, "id": "first"}, {**GOOD, **changed})
    assert isinstance(errors, tuple)
    wanted = place.replace("[0]", "[1]", 1)
    assert any(error.place == wanted and reason in error.reason for error in errors), errors


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"v":1,"v":1,"promotions":[]}', "twice"),
        (b'{"v":1,"promotions":NaN}', "NaN"),
        (b"[" * 100_000, "no JSON"),
        (b'{"v":2,"promotions":[]}', "1"),
        (b'{"v":1}', "required"),
        (b"[]", "dictionary"),
    ],
)
def test_a_file_that_is_none_is_refused_without_an_exception(raw: bytes, reason: str) -> None:
    errors = read_promotions(raw)
    assert isinstance(errors, tuple)
    assert any(reason in error.reason for error in errors), errors


def test_every_error_of_a_file_is_told_at_once() -> None:
    errors = read({**GOOD, "limit": 0}, {**GOOD, "id": "q", "gives": {"free": 9}})
    assert isinstance(errors, tuple)
    assert {error.place.partition("]")[0] for error in errors} == {"promotions[0", "promotions[1"}


def test_ids_are_unique_and_a_group_combines_wholly_or_not() -> None:
    twice, mixed = read(GOOD, GOOD), read(GOOD, {**GOOD, "id": "q", "combine": True})
    assert isinstance(twice, tuple)
    assert isinstance(mixed, tuple)
    assert "twice" in twice[0].reason
    assert "`combine` is the same" in mixed[0].reason


def test_a_code_that_no_product_has_is_an_error_with_its_place() -> None:
    file = read({**GOOD, "needs": [{"of": {"codes": ["A", "B"]}, "quantity": 3}]})
    assert isinstance(file, PromotionFile)
    assert bind(file, {"A": 1}) == (FileError("promotions[0].needs[0].of.codes[1]", "no product has the code B"),)
    assert isinstance(bind(file, {"A": 1, "B": 2}), Book)


def test_the_schema_takes_what_we_take_and_refuses_an_unknown_key() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(print_schema()))
    for example in EXAMPLES:
        schema.validate({"v": 1, "promotions": list(example.promotions)})
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({"v": 1, "promotions": [{**GOOD, "shop": "main"}]})
