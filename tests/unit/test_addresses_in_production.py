"""In production nothing of ours crosses a network in the clear (docs/reliability.md S1, S4)."""

import pytest

from shared.settings import BrokerClientSettings, GatewaySettings, IngestSettings, is_private, read_settings
from tests.unit.gateway.test_production_settings import PRODUCTION, STRONG

INGEST = {"ENV": "production", "MQTT_SERVICE_PASSWORD": STRONG}
BAD: list[tuple[type[BrokerClientSettings] | type[GatewaySettings], dict[str, str], str]] = [
    (IngestSettings, {**INGEST, "MQTT_URL": "mqtt://broker.example:1883"}, "MQTT_URL"),
    (GatewaySettings, {**PRODUCTION, "MQTT_WS_URL": "ws://broker.example:8083"}, "MQTT_WS_URL"),
    (
        GatewaySettings,
        {**PRODUCTION, "MQTT_CONTROL_URL": "mqtt://broker.example:1884", "MQTT_ADMIN_PASSWORD": STRONG},
        "MQTT_CONTROL_URL",
    ),
    (GatewaySettings, {**PRODUCTION, "MQTT_CONTROL_URL": "mqtts://broker.example:8884"}, "MQTT_ADMIN_PASSWORD"),
    (
        GatewaySettings,
        {**PRODUCTION, "MQTT_CONTROL_URL": "mqtts://broker.example:8884", "MQTT_ADMIN_PASSWORD": "short"},
        "MQTT_ADMIN_PASSWORD",
    ),
]


@pytest.mark.parametrize(("program", "told", "name"), BAD)
def test_a_clear_address_or_a_weak_administrator_stops_the_start(
    program: type[GatewaySettings],
    told: dict[str, str],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable, value in told.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as stopped:
        read_settings(program)
    assert stopped.value.code == 78
    assert name in capsys.readouterr().err


def test_tls_and_this_machine_are_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {**INGEST, "MQTT_URL": "mqtts://broker.example"}.items():
        monkeypatch.setenv(variable, value)
    assert read_settings(IngestSettings).mqtt_url == "mqtts://broker.example"
    for url in ("mqtt://127.0.0.1:1883", "mqtt://localhost", "mqtt://[::1]:1883", "wss://shop.example/mqtt"):
        assert is_private(url)
    for url in ("mqtt://192.168.0.7", "mqtt://127.0.0.1.example", "ws://shop.example", ""):
        assert not is_private(url)
