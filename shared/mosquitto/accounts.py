"""Accounts of a running Mosquitto: added, renewed, listed and taken away through the plugin's control topic.

Mosquitto keeps them itself, also over a restart. It stores a hash of its own, so an account can be made only where the
password is known: when a cart is added or rotated, when a phone gets its token.
"""

import json
import secrets
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from shared.access import Identity, username
from shared.mosquitto.rights import ADMIN, CONTROL_TOPIC, Account, role_of

REQUESTS = f"{CONTROL_TOPIC}/v1"
RESPONSES = f"{CONTROL_TOPIC}/v1/response"
QOS = 1
PAGE = 200
_MISSING = ("Client not found", "Role not found")


class AccountsUnavailable(Exception):
    """Mosquitto did not answer, or refused a change: what was asked for may have happened in part or in whole."""


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """Where Mosquitto takes changes of accounts: its control listener, which several may use at once."""

    url: str
    admin_password: str = field(repr=False)
    ca_file: Path | None = None
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as Mosquitto has it."""

    username: str
    note: str


class MosquittoAccounts:
    """One connection as `admin`; `with` opens and closes it. Not for use by several threads at once.

    Every call ends within the address's `timeout_s`, and raises AccountsUnavailable when it was not answered.
    """

    def __init__(self, address: ControlAddress) -> None:
        self._address = address
        self._ready, self._answered = threading.Event(), threading.Event()
        self._refusal = ""
        self._expected = ""
        self._answers: list[dict[str, Any]] = []
        # Its own id each time, so that nobody who changes accounts ends the connection of another who does.
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{ADMIN}-{secrets.token_hex(8)}", protocol=mqtt.MQTTv311
        )
        self._client.connect_timeout = address.timeout_s
        self._client.username_pw_set(ADMIN, address.admin_password)
        self._client.on_socket_open = _send_at_once
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = self._note_subscription
        self._client.on_message = lambda _client, _data, message: self._note_answer(message.payload)

    def __enter__(self) -> Self:
        where = urlsplit(self._address.url)
        tls = where.scheme == "mqtts"
        host, port = where.hostname or "", where.port or (8883 if tls else 1883)
        try:
            if tls:
                self._client.tls_set_context(ssl.create_default_context(cafile=self._address.ca_file))
            self._client.connect(host, port)
        except OSError as problem:
            raise AccountsUnavailable(f"no Mosquitto answers at {host}:{port}: {problem}") from problem
        self._client.loop_start()
        answered = self._ready.wait(self._address.timeout_s)
        if self._refusal or not answered:
            self._leave()
            raise AccountsUnavailable(self._refusal or f"Mosquitto at {host}:{port} does not answer")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def put(self, accounts: Iterable[Account]) -> None:
        """Make each account as given, whatever it was before; a connection under its older password ends."""
        for account in accounts:
            self._ask([*_removal(account.identity), *_creation(account)])

    def remove(self, identities: Iterable[Identity]) -> None:
        """Take accounts away; their connections end at once. One that does not exist is no error."""
        for identity in identities:
            self._ask(_removal(identity))

    def mend_role(self, identity: Identity) -> None:
        """Give an account exactly the rights of its identity; its connection ends, so that they count at once."""
        self._ask([{"command": "modifyRole", **role_of(identity)}])

    def list_accounts(self) -> list[KnownAccount]:
        """Every account but `admin`."""
        found = self._list("listClients", "clients")
        return [
            KnownAccount(client["username"], client.get("textdescription", ""))
            for client in found
            if client["username"] != ADMIN
        ]

    def find_account(self, identity: Identity) -> KnownAccount | None:
        """One account, if there is such a one."""
        (answer,) = self._ask([{"command": "getClient", "username": username(identity)}])
        client = answer.get("data", {}).get("client")
        return KnownAccount(client["username"], client.get("textdescription", "")) if client else None

    def list_roles(self) -> dict[str, dict[str, Any]]:
        """Every role by its name."""
        return {role["rolename"]: role for role in self._list("listRoles", "roles")}

    def _list(self, command: str, what: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            (answer,) = self._ask([{"command": command, "verbose": True, "count": PAGE, "offset": offset}])
            page = answer["data"][what]
            yield from page
            offset += len(page)
            if len(page) < PAGE:
                return

    def _ask(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """One request: Mosquitto runs its commands one after the other with nothing in between."""
        self._expected, self._answers = secrets.token_hex(8), []
        self._answered.clear()
        marked = [{**command, "correlationData": self._expected} for command in commands]
        self._client.publish(REQUESTS, json.dumps({"commands": marked}), QOS)
        if not self._answered.wait(self._address.timeout_s):
            raise AccountsUnavailable("Mosquitto did not answer a change of accounts")
        refused = [
            f"{answer.get('command')}: {answer['error']}"
            for answer in self._answers
            if "error" in answer
            and not (answer["error"] in _MISSING and str(answer.get("command")).startswith(("delete", "getClient")))
        ]
        if refused:
            raise AccountsUnavailable("Mosquitto refused: " + "; ".join(refused))
        return self._answers

    def _leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = f"Mosquitto refuses `{ADMIN}`: {reason}"
            self._ready.set()
        else:
            client.subscribe(RESPONSES, QOS)

    def _note_subscription(self, _client: mqtt.Client, _data: Any, _id: int, codes: Any, _properties: Any) -> None:
        if any(code.is_failure for code in codes):
            self._refusal = f"Mosquitto does not let `{ADMIN}` change accounts"
        self._ready.set()

    def _note_answer(self, payload: bytes | bytearray) -> None:
        """Mosquitto tells every `admin` what it told one of them: only answers to our own question count."""
        responses = json.loads(payload)["responses"]
        if any(response.get("correlationData") == self._expected for response in responses):
            self._answers = responses
            self._answered.set()


def _send_at_once(_client: mqtt.Client, _data: Any, line: Any) -> None:
    """Nagle's algorithm and delayed acknowledgements together would hold each request back for some 40 ms."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _creation(account: Account) -> list[dict[str, Any]]:
    name = username(account.identity)
    return [
        {"command": "createRole", **role_of(account.identity)},
        {
            "command": "createClient",
            "username": name,
            "clientid": name,
            "password": account.password,
            "textdescription": account.note,
            "roles": [{"rolename": name}],
        },
    ]


def _removal(identity: Identity) -> list[dict[str, Any]]:
    name = username(identity)
    return [{"command": "deleteClient", "username": name}, {"command": "deleteRole", "rolename": name}]
