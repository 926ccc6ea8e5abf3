"""Prints a Mosquitto configuration and the dynamic security plugin's file, as it is before the first start.

Accounts that come later are in `shared.mosquitto.accounts`. Starting and stopping Mosquitto is not done here.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import access
from shared.mosquitto.rights import ADMIN, PRIORITY, Account, admin_role, role_of

PLUGIN_PATHS = (
    Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/mosquitto_dynamic_security.so"),
)
HASH_ITERATIONS = 101  # the plugin's own default; secrets of 256 bits need no slow hash (docs/reliability.md S3)
SALT_BYTES = 12
# Ciphers that exist only since TLS 1.2. `tls_version` alone would not do: a WebSocket listener ignores it.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
CONNECTIONS_MAX = 10_100  # 10,000 carts and the services; and as many phones
CONTROL_CONNECTIONS_MAX = 100
# Once a second, not on every change: Mosquitto writes its whole memory each time, which with 10,000 events waiting
# slows it from thousands to about 80 a second (measured, 2.0.11). What a power cut takes of that last second, the
# carts still hold (docs/design.md, section 4).
PERSISTENCE = ("persistence true", "autosave_on_changes false", "autosave_interval 1")
# What waits for a worker that is away, in messages of some 500 bytes. Mosquitto 2.0.11 never counts down what left the
# queue: after as many queued messages in a session's life it drops all that exceeds the window in flight (measured:
# 18,000 messages/s became 2,300), which the carts then send again.
QUEUED_MAX = 1_000_000
IMAGE_NOTE = """\
# Printed by broker/mosquitto/render.py; a test compares. Paths are those of the image eclipse-mosquitto:2.0.22.
#
# Before the first start `python -m broker.mosquitto FILE` writes the plugin's FILE with the service accounts and the
# account `admin`. Carts and phones are added while the broker runs, through the last listener, which is for the
# backend alone: never publish its port.
"""
PLAIN_NOTE = """\
#
# No TLS: only where nobody else can listen, on one machine. tls.conf beside this file is for a network.

"""
TLS_NOTE = """\
#
# TLS 1.2 or newer on every port. /mosquitto/tls holds the server's certificate with its chain, and its key.

"""


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate, with its chain, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Ports:
    """Where Mosquitto listens: carts and services, phones over WebSocket, and the backend's changes of accounts."""

    mqtt: int
    websocket: int | None = None
    control: int | None = None


def render_config(
    folder: Path,
    ports: Ports,
    accounts: Iterable[Account],
    *,
    plugin: Path,
    user: str | None = None,
    admin_password: str | None = None,
    tls: Tls | None = None,
) -> Path:
    """Write `mosquitto.conf` and `dynamic-security.json` into `folder`, for loopback; gives the path of the former.

    `user` is the account Mosquitto drops to when it is started as root. An existing `dynamic-security.json` is
    replaced.
    """
    security = folder / "dynamic-security.json"
    write_security(security, accounts, admin_password)
    config = folder / "mosquitto.conf"
    listeners = _listeners(ports, tls, "127.0.0.1")
    config.write_text(configuration(listeners, plugin, security, folder, user), encoding="utf-8")
    return config


def image_configuration(*, tls: bool) -> str:
    """A `.conf` beside this module, as the image eclipse-mosquitto:2.0.22 wants its paths."""
    data, certificates = Path("/mosquitto/data"), Path("/mosquitto/tls")
    plugin = Path("/usr/lib/mosquitto_dynamic_security.so")
    if tls:
        listeners = _listeners(Ports(8883, 8083, 8884), Tls(certificates / "server.crt", certificates / "server.key"))
    else:
        listeners = _listeners(Ports(1883, 8083, 1884), None)
    settings = configuration(listeners, plugin, data / "dynamic-security.json", data, user=None)
    return IMAGE_NOTE + (TLS_NOTE if tls else PLAIN_NOTE) + settings


def configuration(listeners: Iterable[str], plugin: Path, security: Path, data: Path, user: str | None) -> str:
    """A whole `mosquitto.conf` around these listeners."""
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"plugin {plugin}",
        f"plugin_opt_config_file {security}",
        *([f"user {user}"] if user is not None else []),
        *PERSISTENCE,
        f"persistence_location {data}/",
        "persistent_client_expiration 14d",
        "set_tcp_nodelay true",
        "max_inflight_messages 10000",
        f"max_queued_messages {QUEUED_MAX}",
        "max_packet_size 16384",
        "message_size_limit 8192",
        "max_keepalive 120",
        "sys_interval 0",
        "connection_messages false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        *listeners,
    ]
    return "\n".join(lines) + "\n"


def write_security(path: Path, accounts: Iterable[Account], admin_password: str | None) -> None:
    """Write the plugin's file. The plugin writes it again itself; nobody else needs to read it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(dynamic_security(accounts, admin_password), file)


def dynamic_security(accounts: Iterable[Account], admin_password: str | None = None) -> dict[str, Any]:
    """The plugin's file: default deny, one client and one role per account, and who may change accounts."""
    accounts = tuple(accounts)
    clients = [client_of(account) for account in accounts]
    roles = [role_of(account.identity) for account in accounts]
    if admin_password is not None:
        clients.append(_client(ADMIN, admin_password, bound=False))
        roles.append(admin_role())
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": clients,
        "roles": roles,
        "groups": [],
    }


def client_of(account: Account) -> dict[str, Any]:
    """One client of the plugin."""
    return _client(access.username(account.identity), account.password)


def find_plugin() -> Path | None:
    """Where this machine's Mosquitto package has put the dynamic security plugin."""
    return next((path for path in PLUGIN_PATHS if path.exists()), None)


def _client(name: str, password: str, *, bound: bool = True) -> dict[str, Any]:
    """The password is hashed as the plugin does it (PBKDF2-HMAC-SHA-512); `bound` to the client id of that name."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ITERATIONS)
    return {
        "username": name,
        **({"clientid": name} if bound else {}),
        "roles": [{"rolename": name, "priority": PRIORITY}],
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": HASH_ITERATIONS,
    }


def _listeners(ports: Ports, tls: Tls | None, host: str | None = None) -> Sequence[str]:
    """Each line counts for the `listener` above it, `use_username_as_clientid` too: before the first it is for none.

    On the control listener the user name is not the client id, so that two who change accounts do not end each
    other's connections. All other accounts are bound to their id by the plugin, there as well.
    """
    secured = _tls_lines(tls)
    own_id = "use_username_as_clientid true"
    at = f" {host}" if host else ""
    lines = [f"listener {ports.mqtt}{at}", *secured, own_id, f"max_connections {CONNECTIONS_MAX}"]
    if ports.websocket is not None:
        lines += [f"listener {ports.websocket}{at}", "protocol websockets", *secured, own_id]
        lines.append(f"max_connections {CONNECTIONS_MAX}")
    if ports.control is not None:
        lines += [f"listener {ports.control}{at}", *secured, f"max_connections {CONTROL_CONNECTIONS_MAX}"]
    return lines


def _tls_lines(tls: Tls | None) -> list[str]:
    if tls is None:
        return []
    return [f"certfile {tls.certificate}", f"keyfile {tls.key}", f"ciphers {CIPHERS}", "tls_version tlsv1.2"]
