"""`python -m broker.embedded`: reads the settings, opens the ports, runs until SIGTERM or SIGINT."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import structlog
import uvloop

from broker.embedded.broker import Broker
from broker.embedded.credentials import CredentialCopy, DatabaseCredentials
from broker.embedded.door import HouseDoor
from broker.embedded.limits import Limits
from broker.embedded.refusals import RefusalWriter
from broker.embedded.server import Address, Server
from broker.embedded.settings import EmbeddedBrokerSettings
from shared.db.migrate import find_misfit
from shared.logs import configure_logs
from shared.open_files import allow_open_files
from shared.settings import read_settings, refuse_to_start

log = structlog.get_logger()

EX_SOFTWARE = 70  # sysexits.h: our own mistake
EX_OSERR = 71  # sysexits.h: cannot open the ports
PORTS_FILE = "broker.ports.json"
FILES_OF_OUR_OWN = 64  # listeners, logs, the database


def main() -> int:
    """Run the broker; the exit code follows sysexits.h."""
    settings = read_settings(EmbeddedBrokerSettings)
    configure_logs("broker", settings.log_level)
    misfit = find_misfit(settings.database_url)
    if misfit is not None:
        refuse_to_start(misfit)
    return uvloop.run(_serve(settings))


async def _serve(settings: EmbeddedBrokerSettings) -> int:
    limits = _limits(settings)
    credentials = CredentialCopy(DatabaseCredentials(settings.database_url))
    door = HouseDoor(
        credentials,
        settings.mqtt_service_password.get_secret_value(),
        settings.mqtt_token_secret.get_secret_value(),
        limits,
    )
    broker = Broker(door, limits)
    server = Server(broker, settings.ws_origins or None)
    refusals = RefusalWriter(broker.refusals, settings.database_url)
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    credentials.follow(settings.credential_poll_s)
    refusals.start()
    try:
        address = await server.start(Address(settings.mqtt_host, settings.mqtt_port, settings.ws_port))
    except OSError as problem:
        log.error("port_taken", error=str(problem))
        return EX_OSERR
    if settings.run_dir is not None:
        _write_ports(settings.run_dir, address)
    log.info("broker_ready", host=address.host, mqtt_port=address.mqtt_port, ws_port=address.ws_port)
    healthy = await server.run(stopping)
    credentials.stop()
    refusals.stop()
    await server.stop()
    log.info("broker_stopped", healthy=healthy)
    return 0 if healthy else EX_SOFTWARE


def _limits(settings: EmbeddedBrokerSettings) -> Limits:
    standard = Limits()
    return replace(
        standard,
        connections_max=min(
            settings.broker_connections_max,
            max(1, allow_open_files(settings.broker_connections_max + FILES_OF_OUR_OWN) - FILES_OF_OUR_OWN),
        ),
        connections_per_address=settings.broker_connections_per_address,
        carts=replace(standard.carts, publish_per_s=settings.cart_publish_per_s or None),
    )


def _write_ports(run_dir: Path, address: Address) -> None:
    """Atomically, so that a reader never sees half of it."""
    target = run_dir / PORTS_FILE
    draft = target.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"mqtt": address.mqtt_port, "ws": address.ws_port}))
    draft.replace(target)


if __name__ == "__main__":
    sys.exit(main())
