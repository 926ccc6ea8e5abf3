"""Accounts of a running Mosquitto: added, renewed and taken away through the plugin's control topic.

Mosquitto keeps them itself, also over a restart. It stores a hash of its own, so an account can be made only where the
password is known: when a cart is added or rotated, when a phone gets its token.
"""

import json
import secrets
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from broker.mosquitto.render import ADMIN, CONTROL_TOPIC, Account, role_of
from shared.access import Identity, username

REQUESTS = f"{CONTROL_TOPIC}/v1"
RESPONSES = f"{CONTROL_TOPIC}/v1/response"
QOS = 1
_MISSING = ("Client not found", "Role not found")


class AccountsUnavailable(Exception):
    """Mosquitto did not answer, or refused a change."""


class MosquittoAccounts:
    """One connection as `admin`; `with` opens and closes it. Not for use by several threads at once."""

    def __init__(
        self, host: str, port: int, admin_password: str, *, ca_file: Path | None = None, timeout_s: float = 5.0
    ):
        self._timeout_s = timeout_s
        self._host, self._port = host, port
        self._ready, self._answered = threading.Event(), threading.Event()
        self._expected = ""
        self._answers: list[dict[str, Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=ADMIN, protocol=mqtt.MQTTv311)
        self._client.username_pw_set(ADMIN, admin_password)
        if ca_file is not None:
            self._client.tls_set(str(ca_file))
        self._client.on_connect = lambda client, *_: client.subscribe(RESPONSES, QOS)
        self._client.on_subscribe = lambda _client, _data, _id, codes, _properties: (
            None if any(code.is_failure for code in codes) else self._ready.set()
        )
        self._client.on_message = lambda _client, _data, message: self._note(message.payload)

    def __enter__(self) -> Self:
        try:
            self._client.connect(self._host, self._port)
        except OSError as problem:
            raise AccountsUnavailable(f"no broker at {self._host}:{self._port}") from problem
        self._client.loop_start()
        if not self._ready.wait(self._timeout_s):
            self.__exit__(None, None, None)
            raise AccountsUnavailable("the broker does not let `admin` change accounts")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def put(self, accounts: Iterable[Account]) -> None:
        """Make each account as given, whatever it was before; a connection under its older password ends."""
        for account in accounts:
            self._change([*_removal(account.identity), *_creation(account)])

    def remove(self, identities: Iterable[Identity]) -> None:
        """Take accounts away; their connections end at once. One that does not exist is no error."""
        for identity in identities:
            self._change(_removal(identity))

    def _change(self, commands: Sequence[dict[str, Any]]) -> None:
        """One request: Mosquitto runs its commands one after the other with nothing in between."""
        self._expected, self._answers = secrets.token_hex(8), []
        self._answered.clear()
        marked = [{**command, "correlationData": self._expected} for command in commands]
        self._client.publish(REQUESTS, json.dumps({"commands": marked}), QOS)
        if not self._answered.wait(self._timeout_s):
            raise AccountsUnavailable("the broker did not answer")
        refused = [
            f"{answer.get('command')}: {answer['error']}"
            for answer in self._answers
            if "error" in answer
            and not (answer["error"] in _MISSING and str(answer.get("command")).startswith("delete"))
        ]
        if refused:
            raise AccountsUnavailable("; ".join(refused))

    def _note(self, payload: bytes | bytearray) -> None:
        responses = json.loads(payload)["responses"]
        if any(response.get("correlationData") == self._expected for response in responses):
            self._answers = responses
            self._answered.set()


def _creation(account: Account) -> list[dict[str, Any]]:
    name = username(account.identity)
    return [
        {"command": "createRole", **role_of(account.identity)},
        {
            "command": "createClient",
            "username": name,
            "clientid": name,
            "password": account.password,
            "roles": [{"rolename": name}],
        },
    ]


def _removal(identity: Identity) -> list[dict[str, Any]]:
    name = username(identity)
    return [{"command": "deleteClient", "username": name}, {"command": "deleteRole", "rolename": name}]
