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
_PRIORITY = 0
# Once a second, not on every change: Mosquitto writes its whole memory each time, which with 10,000 events waiting
# slows it from thousands to about 80 a second (measured, 2.0.11). What a power cut takes of that last second, the
# carts still hold (DESIGN section 4).
PERSISTENCE = ("persistence true", "autosave_on_changes false", "autosave_interval 1")


@dataclass(frozen=True, slots=True)
class Account:
    """One identity with the password it connects with."""

    identity: access.Identity
    password: str = field(repr=False)


def render_config(
    folder: Path,
    port: int,
    ws_port: int | None,
    accounts: Iterable[Account],
    *,
    plugin: Path,
    user: str | None = None,
) -> Path:
    """Write `mosquitto.conf` and `dynamic-security.json` into `folder`; gives the path of the former.

    `user` is the account Mosquitto drops to when it is started as root.
    """
    security = folder / "dynamic-security.json"
    # The plugin writes this file again itself; nobody else needs to read it.
    with open(os.open(security, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(dynamic_security(accounts), file)
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        "use_username_as_clientid true",
        f"plugin {plugin}",
        f"plugin_opt_config_file {security}",
        f"listener {port} 127.0.0.1",
        *([f"listener {ws_port} 127.0.0.1", "protocol websockets"] if ws_port is not None else []),
        *([f"user {user}"] if user is not None else []),
        f"persistence_location {folder}/",
        *PERSISTENCE,
        "persistent_client_expiration 14d",
        "max_inflight_messages 2000",
        "max_queued_messages 100000",
        "max_packet_size 16384",
        "message_size_limit 8192",
        "max_keepalive 120",
        "sys_interval 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "connection_messages false",
    ]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def dynamic_security(accounts: Iterable[Account]) -> dict[str, Any]:
    """The plugin's file: default deny, one client and one role per account."""
    accounts = tuple(accounts)
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [client_of(account) for account in accounts],
        "roles": [role_of(account.identity) for account in accounts],
        "groups": [],
    }


def client_of(account: Account) -> dict[str, Any]:
    """One client of the plugin, its password hashed as the plugin does (PBKDF2-HMAC-SHA-512)."""
    name, salt = access.username(account.identity), secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", account.password.encode(), salt, HASH_ITERATIONS)
    return {
        "username": name,
        "clientid": name,
        "roles": [{"rolename": name, "priority": _PRIORITY}],
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": HASH_ITERATIONS,
    }


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


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": _PRIORITY, "allow": True}
