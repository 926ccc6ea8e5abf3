"""Prints a Mosquitto configuration and the dynamic security plugin's file from the access policy.

What `shared.access` grants is all that is granted; a role per identity, because the plugin of Mosquitto 2.0
knows no patterns. Starting and stopping Mosquitto is not done here.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared import access

PLUGIN_PATHS = (
    Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/mosquitto_dynamic_security.so"),
)
HASH_ITERATIONS = 101  # the plugin's own default; secrets of 256 bits need no slow hash (RELIABILITY S3)
SALT_BYTES = 12
ADMIN = "admin"  # the account that may change accounts, and nothing else
CONTROL_TOPIC = "$CONTROL/dynamic-security"
CONTAINER_NOTE = """\
# Printed by broker/mosquitto/render.py; a test compares. Paths are those of the image eclipse-mosquitto:2.
#
# Before the first start `python -m broker.mosquitto FILE` writes the plugin's FILE with the service accounts and the
# account `admin`; carts and phones are added while the broker runs (broker/mosquitto/accounts.py).
#
# TLS, wherever the broker is reached over a network: behind `listener 8883` add
#   certfile /mosquitto/tls/server.crt
#   keyfile /mosquitto/tls/server.key
#   tls_version tlsv1.2
# and publish only that port.

"""
_PRIORITY = 0
_ADMIN_ACLS = ("publishClientSend", "publishClientReceive", "subscribePattern")
# Once a second, not on every change: Mosquitto writes its whole memory each time, which with 10,000 events waiting
# slows it from thousands to about 80 a second (measured, 2.0.11). What a power cut takes of that last second, the
# carts still hold (DESIGN section 4).
PERSISTENCE = ("persistence true", "autosave_on_changes false", "autosave_interval 1")


@dataclass(frozen=True, slots=True)
class Account:
    """One identity with the password it connects with."""

    identity: access.Identity
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate and key; with them the MQTT listener speaks TLS 1.2 or newer only."""

    certificate: Path
    key: Path


def render_config(
    folder: Path,
    port: int,
    ws_port: int | None,
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
    listeners = [f"listener {port} 127.0.0.1", *_tls_lines(tls)]
    if ws_port is not None:
        listeners += [f"listener {ws_port} 127.0.0.1", "protocol websockets"]
    config = folder / "mosquitto.conf"
    config.write_text(configuration(listeners, plugin, security, folder, user), encoding="utf-8")
    return config


def container_configuration() -> str:
    """The `mosquitto.conf` beside this module, as the image eclipse-mosquitto:2 wants its paths."""
    data = Path("/mosquitto/data")
    return CONTAINER_NOTE + configuration(
        ["listener 1883", "listener 8083", "protocol websockets"],
        Path("/usr/lib/mosquitto_dynamic_security.so"),
        data / "dynamic-security.json",
        data,
        user=None,
    )


def configuration(listeners: Iterable[str], plugin: Path, security: Path, data: Path, user: str | None) -> str:
    """A whole `mosquitto.conf` around these listeners."""
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        "use_username_as_clientid true",
        f"plugin {plugin}",
        f"plugin_opt_config_file {security}",
        *listeners,
        *([f"user {user}"] if user is not None else []),
        *PERSISTENCE,
        f"persistence_location {data}/",
        "persistent_client_expiration 14d",
        "set_tcp_nodelay true",
        "max_inflight_messages 2000",
        "max_queued_messages 100000",
        "max_packet_size 16384",
        "message_size_limit 8192",
        "max_keepalive 120",
        "sys_interval 0",
        "connection_messages false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
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
        clients.append(_client(ADMIN, admin_password))
        roles.append({"rolename": ADMIN, "acls": [_acl(kind, f"{CONTROL_TOPIC}/#") for kind in _ADMIN_ACLS]})
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


def role_of(identity: access.Identity) -> dict[str, Any]:
    """One role of the plugin with exactly the identity's grants."""
    granted = access.grants(identity)
    acls = [_acl("publishClientSend", topic) for topic in granted.publish]
    for topic in granted.receive:
        acls += [_acl("publishClientReceive", topic), _acl("subscribePattern", topic)]
        if isinstance(identity, access.ServiceIdentity):
            acls.append(_acl("subscribePattern", f"$share/{access.SHARE_GROUP}/{topic}"))
    return {"rolename": access.username(identity), "acls": acls}


def find_plugin() -> Path | None:
    """Where this machine's Mosquitto package has put the dynamic security plugin."""
    return next((path for path in PLUGIN_PATHS if path.exists()), None)


def _client(name: str, password: str) -> dict[str, Any]:
    """The password is hashed as the plugin does it (PBKDF2-HMAC-SHA-512)."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ITERATIONS)
    return {
        "username": name,
        "clientid": name,
        "roles": [{"rolename": name, "priority": _PRIORITY}],
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": HASH_ITERATIONS,
    }


def _tls_lines(tls: Tls | None) -> list[str]:
    if tls is None:
        return []
    return [f"certfile {tls.certificate}", f"keyfile {tls.key}", "tls_version tlsv1.2"]


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": _PRIORITY, "allow": True}
