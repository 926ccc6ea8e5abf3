"""Prints `.env.example` from the settings classes, so that no variable is missing or described wrongly."""

from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from broker.amqtt.settings import AmqttSettings
from broker.embedded.settings import EmbeddedBrokerSettings
from broker.mosquitto.settings import MosquittoSettings
from shared.settings import GatewaySettings, IngestSettings

PROGRAMS: dict[str, type[BaseSettings]] = {
    "cart-ingest": IngestSettings,
    "the embedded broker": EmbeddedBrokerSettings,
    "amqtt": AmqttSettings,
    "the gateway": GatewaySettings,
    "python -m broker.mosquitto": MosquittoSettings,
}

_HEAD = """\
# Settings of the smart cart programs, printed by `smartcart env-example` from their settings classes.
# Copy to .env and change what you need; every commented line shows its default. Nothing is needed on one
# machine: `smartcart up` makes its own secrets and starts its own PostgreSQL and broker. Every `smartcart`
# command reads .env in the folder where it is started, and so does compose; what the environment says itself
# wins. A program started without `smartcart` reads its environment only.
"""

_TAIL = """
## Read by compose.yaml only

# password of the database's owner; letters and digits only, since it becomes part of DATABASE_URL
# A secret: production needs one of its own, at least 32 bytes.
POSTGRES_PASSWORD=

# with broker/mosquitto/compose.tls.yaml: folder of server.crt, server.key and ca.crt, and the name in the certificate
#TLS_DIR=
#TLS_NAME=

# ports of the same: MQTT for carts, MQTT over WebSocket for phones
#MQTTS_PORT=8883
#WSS_PORT=8084

# file of baskets that the profile `sim` shops from, a basket a line
#SIM_BASKETS=./baskets.csv
"""


def print_env_example() -> str:
    """Every variable once: those that several programs read first, then each program's own."""
    readers: dict[str, list[str]] = {}
    settings: dict[str, FieldInfo] = {}
    for title, program in PROGRAMS.items():
        for name, setting in program.model_fields.items():
            readers.setdefault(name, []).append(title)
            settings.setdefault(name, setting)
    sections = {"more than one program": [name for name, titles in readers.items() if len(titles) > 1]}
    for title in PROGRAMS:
        sections[title] = [name for name, titles in readers.items() if titles == [title]]
    body = "".join(
        f"\n## Read by {title}\n" + "".join(_entry(name, settings[name]) for name in names)
        for title, names in sections.items()
        if names
    )
    return _HEAD + body + _TAIL


def _entry(name: str, setting: FieldInfo) -> str:
    variable = name.upper()
    lines = [f"\n# {setting.description}{_choices(setting)}\n"]
    if _is_secret(setting):
        lines.append(f"# A secret: production needs one of its own, at least 32 bytes.\n{variable}=\n")
    else:
        lines.append(f"#{variable}={_shown(setting.default)}\n")
    return "".join(lines)


def _is_secret(setting: FieldInfo) -> bool:
    return setting.is_required() or SecretStr in (setting.annotation, *get_args(setting.annotation))


def _choices(setting: FieldInfo) -> str:
    if get_origin(setting.annotation) is Literal:
        return f" ({' | '.join(map(str, get_args(setting.annotation)))})"
    return ""


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default)
