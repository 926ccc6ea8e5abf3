"""`python -m broker.amqtt`: amqtt on our ports, with our door, until SIGTERM or SIGINT. For development."""

import asyncio
import signal
import sys

import structlog
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import AMQTTError

from broker.amqtt.plugins import Admitted, HouseAuthentication, HousePolicy
from broker.amqtt.settings import AmqttSettings
from broker.embedded.credentials import CredentialCopy, DatabaseCredentials
from broker.embedded.door import HouseDoor
from shared.logs import configure_logs
from shared.settings import read_settings

log = structlog.get_logger()

EX_OSERR = 71  # sysexits.h: cannot open the ports


def main() -> int:
    """Run the broker; the exit code follows sysexits.h."""
    settings = read_settings(AmqttSettings)
    configure_logs("broker", settings.log_level)
    return asyncio.run(_serve(settings))


async def _serve(settings: AmqttSettings) -> int:
    credentials = CredentialCopy(DatabaseCredentials(settings.database_url))
    door = HouseDoor(
        credentials, settings.mqtt_service_password.get_secret_value(), settings.mqtt_token_secret.get_secret_value()
    )
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    credentials.follow(settings.credential_poll_s)
    broker = Broker(_configuration(settings, Admitted(door)))
    try:
        await broker.start()
    except (AMQTTError, OSError) as problem:
        log.error("port_taken", error=str(problem))
        return EX_OSERR
    log.info("broker_ready", kind="amqtt", host=settings.mqtt_host, mqtt_port=settings.mqtt_port)
    await stopping.wait()
    credentials.stop()
    await broker.shutdown()
    return 0


def _configuration(settings: AmqttSettings, admitted: Admitted) -> BrokerConfig:
    def name(plugin: type) -> str:
        return f"{plugin.__module__}.{plugin.__qualname__}"

    host = settings.mqtt_host
    return BrokerConfig(
        listeners={
            "default": ListenerConfig(type=ListenerType.TCP, bind=f"{host}:{settings.mqtt_port}"),
            "phones": ListenerConfig(type=ListenerType.WS, bind=f"{host}:{settings.ws_port}"),
        },
        plugins={name(HouseAuthentication): {"admitted": admitted}, name(HousePolicy): {"admitted": admitted}},
    )


if __name__ == "__main__":
    sys.exit(main())
