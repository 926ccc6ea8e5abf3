"""compose.yaml names the variables that the settings classes know, waits for health and never sleeps."""

import re
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from broker.mosquitto.settings import MosquittoSettings
from services.env_example import print_env_example
from shared.settings import DatabaseSettings, GatewaySettings, IngestSettings
from tests.house.source import ROOT

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
TLS_TEXT = (ROOT / "broker/mosquitto/compose.tls.yaml").read_text(encoding="utf-8")
WITH_TLS: dict[str, Any] = yaml.safe_load(TLS_TEXT)["services"]
READ_BY: dict[str, type[BaseSettings]] = {
    "accounts": MosquittoSettings,
    "migrate": DatabaseSettings,
    "ingest": IngestSettings,
    "gateway": GatewaySettings,
}


NOT_HANDED_ON = {"RUN_DIR": "for the supervisor of `smartcart up`; here it is Docker"}


@pytest.mark.parametrize(("service", "program"), READ_BY.items())
def test_every_setting_that_a_program_reads_is_handed_on(service: str, program: type[BaseSettings]) -> None:
    told = {**SERVICES[service]["environment"], **WITH_TLS.get(service, {}).get("environment", {})}
    read = {name.upper() for name in program.model_fields}
    assert read - told.keys() - NOT_HANDED_ON.keys() == set()


@pytest.mark.parametrize(("service", "program"), READ_BY.items())
def test_what_is_set_in_the_env_file_reaches_its_program_under_its_own_name(
    service: str, program: type[BaseSettings]
) -> None:
    for name, value in SERVICES[service]["environment"].items():
        taken = re.findall(r"\$\{([A-Z_]+)", value)
        assert taken in ([], [name]) or name == "DATABASE_URL", name


def test_the_services_of_a_store_are_there() -> None:
    assert set(SERVICES) == {"postgres", "accounts", "broker", "migrate", "ingest", "gateway", "sim"}
    assert SERVICES["sim"]["profiles"] == ["sim"]


@pytest.mark.parametrize(("service", "program"), READ_BY.items())
def test_a_service_is_told_only_what_its_program_reads(service: str, program: type[BaseSettings]) -> None:
    known = {name.upper() for name in program.model_fields}
    told = {**SERVICES[service]["environment"], **WITH_TLS.get(service, {}).get("environment", {})}
    assert set(told) <= known


@pytest.mark.parametrize(("service", "program"), READ_BY.items())
def test_a_service_is_given_every_secret_and_compose_refuses_an_empty_one(
    service: str, program: type[BaseSettings]
) -> None:
    for name, setting in program.model_fields.items():
        if isinstance(setting.default, SecretStr) or setting.is_required() or name == "mqtt_admin_password":
            assert SERVICES[service]["environment"][name.upper()].startswith(f"${{{name.upper()}:?")


def test_every_variable_taken_from_the_env_file_is_in_its_example() -> None:
    taken = set(re.findall(r"\$\{([A-Z_]+)", TEXT + TLS_TEXT))
    listed = set(re.findall(r"^#?([A-Z_]+)=", print_env_example(), re.MULTILINE))
    assert len(taken) > 5
    assert taken - listed == set()


def test_what_keeps_running_has_a_health_check_and_what_waits_waits_for_health() -> None:
    for name, service in SERVICES.items():
        once = service.get("restart") == "no"
        assert once or service["healthcheck"]["test"], name
        for other, waited in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if SERVICES[other].get("restart") == "no" else "service_healthy"
            assert waited["condition"] == wanted, f"{name} waits for {other}"


def test_nothing_sleeps_and_no_port_is_open_to_the_network() -> None:
    assert "sleep" not in TEXT
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_with_tls_every_address_of_the_broker_is_a_secured_one() -> None:
    for service in ("ingest", "gateway"):
        secured, plain = WITH_TLS[service]["environment"], SERVICES[service]["environment"]
        addresses = {name: url for name, url in secured.items() if re.fullmatch(r"MQTT_(\w+_)?URL", name)}
        assert set(addresses) == {name for name in plain if re.fullmatch(r"MQTT_(\w+_)?URL", name)}
        assert all(re.search(r"\b(mqtts|wss)://", url) for url in addresses.values())
        assert secured["MQTT_CA_FILE"] == "/tls/ca.crt"
    assert WITH_TLS["broker"]["command"][-1] == "/mosquitto/config/tls.conf"


def test_the_console_is_told_where_ingest_speaks_of_itself() -> None:
    port = SERVICES["ingest"]["environment"]["INGEST_HTTP_PORT"]
    assert SERVICES["gateway"]["environment"]["INGEST_METRICS_URL"] == f"http://ingest:{port}/metrics"
