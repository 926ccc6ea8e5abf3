"""The parts of one stack: what each is started with, when it counts as ready, and how it is asked to stop."""

import http.client
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from services.stack.address import StackAddress
from services.stack.child import Command
from services.stack.folder import StackFolder
from services.stack.ports import HOST, accepts
from services.stack.postgres import Cluster, answers, prepare_cluster, server_command

_PROBE_TIMEOUT_S = 1.0
_BROKER_SECRETS = ("MQTT_SERVICE_PASSWORD", "MQTT_TOKEN_SECRET")


@dataclass(frozen=True)
class Part:
    """One supervised process. `command` is called before every start and may repair what a crash left.

    `stop_within_s` of all parts of a stack add up to 9.5 s, since the whole is to stop within 10.
    """

    name: str
    command: Callable[[], Command]
    is_ready: Callable[[], bool]
    stop_within_s: float
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM


def postgres_part(cluster: Cluster) -> Part:
    """PostgreSQL. SIGINT is its fast shutdown; when we are killed it gets SIGQUIT, the immediate one."""

    def command() -> Command:
        prepare_cluster(cluster)
        return server_command(cluster)

    return Part(
        name="postgres",
        command=command,
        is_ready=lambda: answers(cluster),
        stop_within_s=1.5,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,
    )


BrokerKind = Literal["embedded", "amqtt"]


def broker_part(ports: Mapping[str, int], environment: Mapping[str, str], kind: BrokerKind = "embedded") -> Part:
    """The broker of this machine; it keeps nothing that stopping could lose, since the carts and ingest do."""
    given = {"MQTT_HOST": HOST, "MQTT_PORT": str(ports["mqtt"]), "WS_PORT": str(ports["ws"])}
    return Part(
        name="broker",
        command=lambda: _python(f"broker.{kind}", {**environment, **given}),
        is_ready=lambda: accepts(HOST, ports["mqtt"]) and accepts(HOST, ports["ws"]),
        stop_within_s=1.0,
    )


def ingest_part(ports: Mapping[str, int], environment: Mapping[str, str]) -> Part:
    """cart-ingest; it may need 5 s for its batch (docs/reliability.md R11), and has what the gateway left besides."""
    given = {"INGEST_HTTP_HOST": HOST, "INGEST_HTTP_PORT": str(ports["metrics"])}
    return Part(
        name="ingest",
        command=lambda: _python("services.cart_ingest", {**environment, **given}),
        is_ready=lambda: _says_ready(HOST, ports["metrics"]),
        stop_within_s=4.0,
    )


def gateway_part(ports: Mapping[str, int], address: StackAddress, environment: Mapping[str, str]) -> Part:
    """The REST gateway; requests under way may finish. Its console shows what ingest says of itself."""
    where = urlsplit(address.http_url)
    host, port = where.hostname or HOST, where.port or 80
    given = {
        "HTTP_PORT": str(port),
        "MQTT_WS_URL": address.mqtt_ws_url,
        "INGEST_METRICS_URL": f"http://{HOST}:{ports['metrics']}/metrics",
    }
    return Part(
        name="gateway",
        command=lambda: _python("services.gateway", {**environment, **given}),
        is_ready=lambda: _says_ready(host, port),
        stop_within_s=3.0,
    )


def broker_accepts(mqtt_url: str) -> bool:
    """Whether somebody listens at the address of a broker that is not ours."""
    where = urlsplit(mqtt_url)
    return accepts(where.hostname or HOST, where.port or (8883 if where.scheme == "mqtts" else 1883))


# All simulated phones call from one address and come back within the hour; the limits that keep strangers from sending
# codes, and one address from calling too often, would stop a fleet. Whoever sets them himself gets what he set.
_MANY = "1000000"
_FOR_SIMULATED_SHOPPERS = {
    "CODES_IN_LOG": "true",
    "OTP_SECONDS_BETWEEN_SENDS": "0",
    "OTP_SENDS_PER_NUMBER_PER_HOUR": _MANY,
    "OTP_SENDS_PER_NUMBER_PER_DAY": _MANY,
    "OTP_SENDS_PER_ADDRESS_PER_HOUR": _MANY,
    "OTP_SENDS_PER_MINUTE": _MANY,
    "READS_PER_ADDRESS_PER_MINUTE": _MANY,
    "WRITES_PER_ADDRESS_PER_MINUTE": _MANY,
    "LOGINS_PER_ADDRESS_PER_MINUTE": _MANY,
}


def part_environment(
    folder: StackFolder,
    address: StackAddress,
    environment: Mapping[str, str],
    *,
    own_broker: bool,
    simulated: bool = False,
) -> dict[str, str]:
    """What every part of ours is told, secrets included; what the user set himself wins over our secrets.

    `simulated` lifts the limits that only people keep to. The secrets shared with the broker are ours to choose only
    when the broker is.
    """
    ours = {name: secret for name, secret in folder.secrets().items() if own_broker or name not in _BROKER_SECRETS}
    set_by_user = {name: value for name, value in environment.items() if value or name not in ours}
    return {
        "PYTHONUNBUFFERED": "1",
        **(_FOR_SIMULATED_SHOPPERS if simulated else {}),
        **ours,
        **set_by_user,
        "DATABASE_URL": address.database_url,
        "MQTT_URL": address.mqtt_url,
        "RUN_DIR": str(folder.run),
    }


def _python(module: str, environment: Mapping[str, str]) -> Command:
    return Command(arguments=(sys.executable, "-m", module), environment=environment)


def _says_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
