"""The broker of a stage: the embedded one, amqtt, or a real Mosquitto with the production configuration."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from firmware_sim.cart import CartCredential
from services.stack.child import Command
from services.stack.parts import Part, broker_part
from services.stack.ports import HOST, accepts
from shared.access import CartIdentity, ServiceIdentity
from shared.mosquitto.accounts import ControlAddress, MosquittoAccounts
from shared.mosquitto.rights import Account
from tests.mosquitto import start_mosquitto

BrokerKind = Literal["embedded", "Mosquitto", "amqtt"]
WORKERS_MAX = 4
ADMIN_PASSWORD = "of whoever adds accounts on a stage"


def make_broker(kind: BrokerKind, folder: Path, ports: Mapping[str, int], environment: Mapping[str, str]) -> Part:
    """A part that can be killed and started again where it was; Mosquitto knows the services already."""
    if kind != "Mosquitto":
        return broker_part(ports, environment, kind)
    folder.mkdir()
    password = environment["MQTT_SERVICE_PASSWORD"]
    names = [f"{role}-{number}" for role in ("ingest", "publisher") for number in range(WORKERS_MAX)]
    services = [Account(ServiceIdentity(name), password) for name in names]
    with start_mosquitto(
        folder, services, port=ports["mqtt"], control_port=ports["control"], admin_password=ADMIN_PASSWORD
    ):
        pass  # its configuration stays, and is right: it came up with it
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, "it was just there"
    return Part(
        name="broker",
        command=lambda: Command((program, "-c", str(folder / "mosquitto.conf")), environment),
        is_ready=lambda: accepts(HOST, ports["mqtt"]),
        stop_within_s=2.0,
    )


def let_in(kind: BrokerKind, ports: Mapping[str, int], carts: Iterable[CartCredential]) -> None:
    """Tell a running broker about these carts as whoever adds carts does; the embedded one reads about them itself."""
    if kind == "Mosquitto":
        with MosquittoAccounts(ControlAddress(f"mqtt://{HOST}:{ports['control']}", ADMIN_PASSWORD)) as accounts:
            accounts.put(Account(CartIdentity(one.cart_id, one.store), one.password) for one in carts)
