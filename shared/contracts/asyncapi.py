"""Prints the AsyncAPI 3.0 document of the MQTT contract from the channel list."""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.contracts.channels import CHANNELS, MAX_PAYLOAD_BYTES, ROOT, Channel, Role

CONTRACT_VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"


def print_asyncapi() -> str:
    """The document as JSON text with a trailing newline; the same input always prints the same text."""
    schemas: dict[str, Any] = {}
    payload_refs = {channel.name: _payload_schema(channel, schemas) for channel in CHANNELS}
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Smart cart MQTT contract",
            "version": CONTRACT_VERSION,
            "description": "JSON, UTF-8, at most "
            f"{MAX_PAYLOAD_BYTES} bytes a message, MQTT 3.1.1. Ids in topics match [a-z0-9-]{{1,36}}. "
            "Carts may send fields that are not named here; the backend never does.",
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {f"{channel.publisher.value}_sends_{channel.name}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {
                channel.name: {"name": channel.name, "title": channel.summary, "payload": payload_refs[channel.name]}
                for channel in CHANNELS
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "address": f"{ROOT}/{channel.template}",
        "summary": channel.summary,
        "parameters": {name: {"description": f"id of the {name}"} for name in channel.parameters},
        "messages": {channel.name: {"$ref": f"#/components/messages/{channel.name}"}},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": f"From {channel.publisher.value} to {channel.subscriber.value}.",
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, "bindingVersion": "0.2.0"}},
    }


def _payload_schema(channel: Channel, schemas: dict[str, Any]) -> Any:
    payload = channel.payload
    # What a cart may leave out is optional; what we send is always there.
    mode: JsonSchemaMode = "serialization" if channel.publisher is Role.SERVICE else "validation"
    if isinstance(payload, type) and issubclass(payload, BaseModel):
        refs, definitions = models_json_schema([(payload, mode)], ref_template=_REF)
        schemas.update(definitions.get("$defs", {}))
        return refs[(payload, mode)]
    schema = TypeAdapter(payload).json_schema(ref_template=_REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    return schema
