"""`smartcart up`: everything that one machine needs, started, announced, kept running and stopped."""

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import psycopg

from services.stack.address import StackAddress, write_address
from services.stack.errors import StackFailed
from services.stack.folder import StackFolder
from services.stack.parts import (
    BrokerKind,
    broker_accepts,
    broker_part,
    gateway_part,
    ingest_part,
    part_environment,
    postgres_part,
)
from services.stack.ports import HOST, claim_ports
from services.stack.postgres import Cluster, clear_leftovers, ensure_database
from services.stack.supervisor import StopRequested, Supervisor
from shared.db.pepper import give_up_old_pepper

_EVERY_ADDRESS = ("", "0.0.0.0", "::")
_FOREIGN_BROKER_WITHIN_S = 5.0


@dataclass(frozen=True)
class Ports:
    """The ports asked for; 0 takes any free one."""

    http: int = 8000
    mqtt: int = 1883
    ws: int = 8083
    metrics: int = 0


def run_stack(
    folder: StackFolder,
    asked: Ports,
    environment: Mapping[str, str],
    *,
    simulated: bool = False,
    broker: BrokerKind = "embedded",
    announce: Callable[[str], None],
    say: Callable[[str], None],
    new_secrets: bool = False,
) -> None:
    """Run a stack on a folder until SIGINT or SIGTERM.

    `simulated` is for simulated shoppers: nothing limits how often codes are sent, and the log has them.
    `announce` gets the one line `ready http=… mqtt=… ws=…` when everything answers, `say` what happens besides.
    A DATABASE_URL or MQTT_URL in `environment` replaces the part of ours. `new_secrets` gives up what is kept under the
    old ones: every known phone number becomes a stranger. Raises StackError; nothing is left running however this
    returns.
    """
    if simulated and _is_production(environment):
        raise StackFailed("ENV=production and simulated shoppers exclude each other: --sim sends codes without a limit")
    if broker == "amqtt":
        _check_amqtt(environment)
    folder.make()
    supervisor = Supervisor(folder, say)
    with folder.locked(), folder.postgres_cluster() as cluster, supervisor.listening_to_signals():
        if new_secrets:
            folder.make_new_secrets()
        supervisor.clear_leftovers()  # before the ports are claimed, which they may still hold
        own_database = not environment.get("DATABASE_URL")
        own_broker = not environment.get("MQTT_URL")
        ports = _claim(asked, own_broker=own_broker)
        address = replace(_address(cluster, ports, environment), simulated=simulated)
        told = part_environment(folder, address, environment, own_broker=own_broker, simulated=simulated)
        folder.address_file.unlink(missing_ok=True)
        try:
            if own_database:
                supervisor.start([postgres_part(cluster)])
                ensure_database(cluster)
            migrate_database(address.database_url)
            if new_secrets:
                give_up_old_pepper(address.database_url, told["CODE_PEPPER"])
            if not own_broker:
                _wait_for_broker(address.mqtt_url, supervisor)
            brokers = [broker_part(ports, told, broker)] if own_broker else []
            supervisor.start([*brokers, ingest_part(ports, told), gateway_part(ports, address, told)])
            write_address(folder, address)
            say(mode_line(environment, simulated=simulated))
            announce(_ready_line(address))
            supervisor.keep_running()
        except StopRequested:
            pass
        finally:
            folder.address_file.unlink(missing_ok=True)
            supervisor.stop()
            if own_database:
                clear_leftovers(cluster)


def mode_line(environment: Mapping[str, str], *, simulated: bool) -> str:
    """In one line, for whom this stack is and where its codes for logging in go."""
    if _is_production(environment):
        return "production: codes go to SMS_WEBHOOK_URL"
    if simulated:
        return "for simulated shoppers: codes are in the gateway's log and nothing limits them; never for people"
    if environment.get("SMS_WEBHOOK_URL"):
        return "development (ENV is not production): codes go to SMS_WEBHOOK_URL"
    if environment.get("FIXED_OTP"):
        return "development (ENV is not production): every code is FIXED_OTP"
    return "development (ENV is not production): no code is sent, set SMS_WEBHOOK_URL, or FIXED_OTP to try it"


def _check_amqtt(environment: Mapping[str, str]) -> None:
    """Raises StackFailed where amqtt may not run, or cannot."""
    if _is_production(environment):
        raise StackFailed("ENV=production: amqtt is for development only; docs/brokers.md tells why")
    if importlib.util.find_spec("amqtt") is None:
        raise StackFailed("amqtt is not installed: pip install 'smartcart[amqtt]'")


def _is_production(environment: Mapping[str, str]) -> bool:
    return environment.get("ENV") == "production"


def _claim(asked: Ports, *, own_broker: bool) -> dict[str, int]:
    wanted = {"http": asked.http, "metrics": asked.metrics}
    if own_broker:
        wanted |= {"mqtt": asked.mqtt, "ws": asked.ws}
    return claim_ports(wanted)


def _address(cluster: Cluster, ports: Mapping[str, int], environment: Mapping[str, str]) -> StackAddress:
    host = environment.get("HTTP_HOST", HOST)
    reachable = HOST if host in _EVERY_ADDRESS else host
    own_ws = f"ws://{HOST}:{ports['ws']}" if "ws" in ports else f"ws://{HOST}:8083"
    return StackAddress(
        database_url=environment.get("DATABASE_URL") or cluster.url(),
        mqtt_url=environment.get("MQTT_URL") or f"mqtt://{HOST}:{ports['mqtt']}",
        mqtt_ws_url=environment.get("MQTT_WS_URL") or own_ws,
        http_url=f"http://{reachable}:{ports['http']}",
    )


def migrate_database(database_url: str) -> list[str]:
    """Apply pending migrations and return their names. Raises StackFailed."""
    from shared.db.migrate import DatabaseIsNewer, MigrationChanged, apply_migrations

    try:
        return apply_migrations(database_url)
    except DatabaseIsNewer as problem:
        raise StackFailed(str(problem)) from problem
    except (psycopg.Error, MigrationChanged) as problem:
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise StackFailed(f"the database cannot be prepared: {reason}") from problem


def _wait_for_broker(mqtt_url: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _FOREIGN_BROKER_WITHIN_S
    while not broker_accepts(mqtt_url):
        supervisor.go_on_or_stop()
        if time.monotonic() > deadline:
            raise StackFailed(f"no broker answers at MQTT_URL within {_FOREIGN_BROKER_WITHIN_S:g} s")
        time.sleep(0.1)


def _ready_line(address: StackAddress) -> str:
    scheme, _, rest = address.mqtt_url.partition("://")
    without_password = f"{scheme}://{rest.rpartition('@')[2]}"
    return f"ready http={address.http_url} mqtt={without_password} ws={address.mqtt_ws_url}"
