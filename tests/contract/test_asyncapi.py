"""The AsyncAPI document: committed as printed, whole in itself, and true of what our models send and read."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

import shared.contracts
from shared.contracts.asyncapi import print_asyncapi
from shared.contracts.canary import Canary
from shared.contracts.channels import CHANNELS, MAX_PAYLOAD_BYTES, Channel, Role
from shared.contracts.commands import Identify, Resend, ShowMessage
from shared.contracts.decode import Undecodable, decode_event, decode_status, decode_telemetry
from shared.contracts.events import Help, Remove, Scan, Weight
from shared.contracts.fields import FromBackend, FromCart
from shared.contracts.state import Ack, CartState, Notice, StateLine, WeightCheck
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry, Health, Location
from tests.bench.fuzz_decoder import CART_ID, hostile_payloads

COMMITTED = Path(shared.contracts.__file__).with_name("asyncapi.json")
DOCUMENT: dict[str, Any] = json.loads(print_asyncapi())

LINE = StateLine(
    line=2,
    product_id=5,
    gtin="09521234567893",
    code="9521234567893",
    name="Milk",
    quantity=2,
    unit_price_minor=129,
    total_minor=240,
    weight_g=1030,
)
STATE = CartState(
    cart_id=7,
    session_id="0f3c",
    version=12,
    status="active",
    ack=Ack(epoch=7, seq=142),
    lines=(LINE, LINE.model_copy(update={"gtin": None, "weight_g": None, "line": 3})),
    lines_omitted=1,
    total_items=5,
    subtotal_minor=258,
    discount_minor=18,
    total_minor=240,
    currency="EUR",
    weight=WeightCheck(expected_g=2060, measured_g=None, tolerance_g=51, verdict="unknown"),
    notices=(Notice(epoch=7, seq=141, code="unknown_code", detail="4006381333931"),),
    at=1_790_000_000_123,
)
IDLE = STATE.model_copy(
    update={"session_id": None, "status": "idle", "lines": (), "notices": (), "pairing_code": "042137"}
)
EXAMPLES: dict[str, tuple[BaseModel, ...]] = {
    "cart_events": (
        Scan(epoch=7, seq=1, at=1_790_000_000_123, session="0f3c", code="9521234567893", quantity=2, weight_g=410),
        Scan(epoch=7, seq=2, code="A-1"),
        Remove(epoch=7, seq=3, code="9521234567893", quantity=2),
        Weight(epoch=7, seq=4, total_g=-3),
        Help(epoch=7, seq=5, at="noon"),
    ),
    "cart_telemetry": (
        CartTelemetry(location=Location(x=1.5, y=20.0, floor=1)),
        CartTelemetry(health=Health(battery_pct=80, rssi_dbm=-60, journal_length=0)),
    ),
    "cart_status": (CartStatus(online=True, epoch=7, firmware="1.2.3"), CartStatus(online=False)),
    "cart_state": (STATE, IDLE),
    "cart_commands": (
        Identify(expires_at=1),
        Resend(expires_at=1, epoch=7, seq=143),
        ShowMessage(expires_at=1, text="Staff is on the way"),
    ),
    "shopper_cart": (STATE,),
    "service_canary": (Canary(nonce="0f3c", n=1),),
}
ALL_EXAMPLES = [
    pytest.param(channel, example, id=f"{channel.name}-{number}")
    for channel in CHANNELS
    for number, example in enumerate(EXAMPLES[channel.name], 1)
]
BY_NAME = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every object within a document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def validator_of(channel: Channel) -> Draft202012Validator:
    payload = DOCUMENT["components"]["messages"][channel.name]["payload"]
    return Draft202012Validator({**payload, "components": DOCUMENT["components"]})


def models_of(channel: Channel) -> set[type[BaseModel]]:
    """Every model in a channel's payload, nested ones too."""
    found: set[type[BaseModel]] = set()

    def collect(annotation: object) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in found:
            found.add(annotation)
            for field in annotation.model_fields.values():
                collect(field.annotation)
        for inner in getattr(annotation, "__args__", ()):
            collect(inner)

    collect(channel.payload)
    return found


def with_unknown_fields(document: object) -> object:
    """The same, with a field more in every object."""
    if isinstance(document, dict):
        return {name: with_unknown_fields(value) for name, value in document.items()} | {"from_the_future": [1]}
    if isinstance(document, list):
        return [with_unknown_fields(value) for value in document]
    return document


def test_the_committed_document_is_what_the_code_prints() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == print_asyncapi(), "smartcart contracts --check tells the same"


def test_the_document_is_an_asyncapi_3_document() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version", "description"} <= set(DOCUMENT["info"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", DOCUMENT["info"]["version"])
    assert set(DOCUMENT) == {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    assert set(DOCUMENT["components"]) == {"messages", "schemas"}
    keys = re.compile(r"[a-zA-Z0-9._-]+")
    for group in (DOCUMENT["channels"], DOCUMENT["operations"], *DOCUMENT["components"].values()):
        assert all(keys.fullmatch(name) for name in group)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    references = {node["$ref"] for node in nodes(DOCUMENT) if isinstance(node.get("$ref"), str)}
    for reference in references:
        assert isinstance(resolved(reference), dict)
    mapped = {
        target for node in nodes(DOCUMENT) for target in node.get("discriminator", {}).get("mapping", {}).values()
    }
    assert all(isinstance(resolved(target), dict) for target in mapped)
    assert {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]} == {
        reference for reference in references | mapped if reference.startswith("#/components/schemas/")
    }


def test_every_schema_is_a_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_channels_messages_and_operations_are_those_of_the_list() -> None:
    names = {channel.name for channel in CHANNELS}
    assert len(names) == len(CHANNELS)
    assert set(DOCUMENT["channels"]) == set(DOCUMENT["components"]["messages"]) == set(EXAMPLES) == names
    assert len(DOCUMENT["operations"]) == len(CHANNELS)


@BY_NAME
def test_a_channel_says_its_address_its_ids_and_its_message(channel: Channel) -> None:
    printed = DOCUMENT["channels"][channel.name]
    assert printed["address"].startswith("smartcart/v1/")
    assert re.sub(r"\{[a-z]+\}", "+", printed["address"]) == channel.filter
    assert re.findall(r"\{([a-z]+)\}", printed["address"]) == list(printed["parameters"])
    assert printed["messages"] == {channel.name: {"$ref": f"#/components/messages/{channel.name}"}}


@BY_NAME
def test_an_operation_says_who_sends_and_how(channel: Channel) -> None:
    operation = DOCUMENT["operations"][f"{channel.publisher.value}_sends_{channel.name}"]
    assert operation["action"] == "send"
    assert operation["channel"] == {"$ref": f"#/channels/{channel.name}"}
    assert operation["bindings"]["mqtt"]["qos"] == channel.qos
    assert operation["bindings"]["mqtt"]["retain"] == channel.retain


def test_only_births_and_states_are_retained_and_only_telemetry_may_be_lost() -> None:
    assert {channel.name for channel in CHANNELS if channel.retain} == {"cart_status", "cart_state"}
    assert {channel.name for channel in CHANNELS if channel.qos != 1} == {"cart_telemetry"}


@pytest.mark.parametrize(("channel", "example"), ALL_EXAMPLES)
def test_what_our_models_write_is_what_the_document_says(channel: Channel, example: BaseModel) -> None:
    payload = example.model_dump_json().encode()
    assert len(payload) <= MAX_PAYLOAD_BYTES
    assert list(validator_of(channel).iter_errors(json.loads(payload))) == []
    assert TypeAdapter(channel.payload).validate_json(payload) == example


@pytest.mark.parametrize(("channel", "example"), ALL_EXAMPLES)
def test_unknown_fields_are_ignored_from_carts_and_forbidden_from_us(channel: Channel, example: BaseModel) -> None:
    more = json.dumps(with_unknown_fields(json.loads(example.model_dump_json())))
    if channel.publisher is Role.CART:
        assert TypeAdapter(channel.payload).validate_json(more) == example
    else:
        with pytest.raises(ValidationError):
            TypeAdapter(channel.payload).validate_json(more)


@BY_NAME
def test_every_model_of_a_channel_keeps_the_rule_of_its_sender(channel: Channel) -> None:
    base = FromCart if channel.publisher is Role.CART else FromBackend
    for model in models_of(channel):
        assert issubclass(model, base)
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == ("ignore" if base is FromCart else "forbid")
        schema = DOCUMENT["components"]["schemas"][model.__name__]
        assert schema.get("additionalProperties", True) == (base is FromCart)


@pytest.mark.parametrize("example", EXAMPLES["cart_events"], ids=list("12345"))
def test_the_decoder_reads_what_a_cart_writes(example: BaseModel) -> None:
    assert decode_event(example.model_dump_json().encode(), CART_ID) == example
    assert decode_event(example.model_dump_json(exclude_none=True).encode(), CART_ID) == example


def test_the_decoder_reads_births_wills_and_telemetry() -> None:
    for status in EXAMPLES["cart_status"]:
        assert decode_status(status.model_dump_json().encode()) == status
    for telemetry in EXAMPLES["cart_telemetry"]:
        assert decode_telemetry(telemetry.model_dump_json().encode()) == telemetry


def test_what_the_decoder_lets_through_is_what_the_document_says() -> None:
    validators = {channel.name: validator_of(channel) for channel in CHANNELS}
    read = 0
    for payload in islice(hostile_payloads(seed=2), 5000):
        for answer, validator in (
            (decode_event(payload, CART_ID), validators["cart_events"]),
            (decode_status(payload), validators["cart_status"]),
            (decode_telemetry(payload), validators["cart_telemetry"]),
        ):
            if not isinstance(answer, Undecodable):
                read += 1
                # As it was understood: what could not be read of the optional fields has been left out.
                understood = answer.model_dump(exclude_none=True)
                assert list(validator.iter_errors(understood)) == [], payload
    assert read > 200
