"""Where a running stack is: read from its folder, or from the environment when that names other parts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services.stack.errors import StackFailed, StackNotFound
from services.stack.folder import StackFolder, secret_names, write_privately


@dataclass(frozen=True)
class StackAddress:
    """How to reach each part. `secrets` holds the stack's own secrets by the name of their variable."""

    database_url: str = field(repr=False)  # may hold a password
    mqtt_url: str
    mqtt_ws_url: str
    http_url: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    simulated: bool | None = None  # whether it is for simulated shoppers; None when the environment named the parts


def find_stack(data_dir: Path, environment: Mapping[str, str]) -> StackAddress:
    """The stack that runs on `data_dir`, or the parts that the environment names.

    DATABASE_URL, MQTT_URL, MQTT_WS_URL and SMARTCART_HTTP_URL each win over the folder's file; with the
    first two set the folder is not needed at all. Raises StackNotFound.
    """
    folder = StackFolder.at(data_dir)
    if environment.get("DATABASE_URL") and environment.get("MQTT_URL"):
        found: dict[str, Any] = {"mqtt_ws_url": "ws://127.0.0.1:8083", "http_url": "http://127.0.0.1:8000"}
        found |= _read_address(folder) or {}
    else:
        found = _running_address(folder)
    for name, variable in (
        ("database_url", "DATABASE_URL"),
        ("mqtt_url", "MQTT_URL"),
        ("mqtt_ws_url", "MQTT_WS_URL"),
        ("http_url", "SMARTCART_HTTP_URL"),
    ):
        if environment.get(variable):
            found[name] = environment[variable]
    kept = folder.secrets() if folder.secrets_file.exists() else {}
    given = {name: environment[name] for name in secret_names() if environment.get(name)}
    return StackAddress(**found, secrets={**kept, **given})


def find_database(data_dir: Path, environment: Mapping[str, str]) -> str:
    """The database's URL only, for commands that need nothing else. Raises StackNotFound."""
    return environment.get("DATABASE_URL") or find_stack(data_dir, environment).database_url


def write_address(folder: StackFolder, address: StackAddress) -> None:
    """Publish the address of a stack that has become ready."""
    kept = asdict(address)
    del kept["secrets"]  # they have a file of their own
    write_privately(folder.address_file, json.dumps(kept, indent=2))


def _running_address(folder: StackFolder) -> dict[str, Any]:
    if not folder.is_held():
        raise StackNotFound(f"no stack runs on {folder.root}; start one with `smartcart up --data {folder.root}`")
    found = _read_address(folder)
    if found is None:
        raise StackNotFound(f"the stack on {folder.root} is still starting; its logs are in {folder.logs}")
    return found


def _read_address(folder: StackFolder) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(folder.address_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StackFailed(f"{folder.address_file} cannot be read: {problem.strerror}") from problem
    return found
