"""How a command finds the stack it is about."""

from pathlib import Path

import pytest

from services.stack.address import StackAddress, find_database, find_stack, write_address
from services.stack.errors import PortTaken, StackNotFound
from services.stack.folder import StackFolder
from services.stack.ports import claim_ports

RUNNING = StackAddress(
    database_url="postgresql://postgres@/smartcart?host=somewhere",
    mqtt_url="mqtt://127.0.0.1:20001",
    mqtt_ws_url="ws://127.0.0.1:20002",
    http_url="http://127.0.0.1:20003",
)


@pytest.fixture
def folder(tmp_path: Path) -> StackFolder:
    folder = StackFolder.at(tmp_path / "stack")
    folder.make()
    return folder


def test_a_running_stack_is_found_with_its_secrets(folder: StackFolder) -> None:
    secrets = folder.secrets()
    with folder.locked():
        write_address(folder, RUNNING)
        found = find_stack(folder.root, {})
    assert found.http_url == RUNNING.http_url
    assert found.database_url == RUNNING.database_url
    assert found.secrets == secrets


def test_the_address_of_a_stack_that_was_killed_is_not_believed(folder: StackFolder) -> None:
    write_address(folder, RUNNING)
    with pytest.raises(StackNotFound, match=r"no stack runs on .*; start one with `smartcart up --data "):
        find_stack(folder.root, {})


def test_a_stack_that_is_still_starting_is_told_apart_from_none(folder: StackFolder) -> None:
    with folder.locked(), pytest.raises(StackNotFound, match="is still starting"):
        find_stack(folder.root, {})


def test_the_environment_names_a_stack_without_any_folder(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://db/shop", "MQTT_URL": "mqtt://broker", "MQTT_TOKEN_SECRET": "t"}
    found = find_stack(tmp_path / "none", environment)
    assert (found.database_url, found.mqtt_url) == ("postgresql://db/shop", "mqtt://broker")
    assert found.secrets == {"MQTT_TOKEN_SECRET": "t"}
    assert not (tmp_path / "none").exists()


def test_a_database_of_the_environment_is_enough_for_commands_that_need_no_more(tmp_path: Path) -> None:
    assert find_database(tmp_path / "none", {"DATABASE_URL": "postgresql://db/shop"}) == "postgresql://db/shop"


def test_neither_secrets_nor_the_database_are_shown_when_an_address_is_printed(folder: StackFolder) -> None:
    shown = repr(
        StackAddress("postgresql://me:word@db/shop", "mqtt://b", "ws://b", "http://g", {"CODE_PEPPER": "p3pp"})
    )
    assert "word" not in shown
    assert "p3pp" not in shown


def test_free_ports_differ_and_a_number_asked_for_twice_is_refused() -> None:
    claimed = claim_ports({"http": 0, "mqtt": 0, "ws": 0})
    assert len(set(claimed.values())) == 3
    port = claimed["http"]
    with pytest.raises(PortTaken, match=f"port {port} \\(--ws-port\\) is in use"):
        claim_ports({"mqtt": port, "ws": port})
