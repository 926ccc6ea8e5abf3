"""Operators for gateway tests: the account is written into the database, the login is the one of the console."""

from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from services.gateway.console.staff import CONSOLE_HEADER, COOKIE, draw_token, hash_token
from shared.db.operator_passwords import HashedPassword, hash_password
from shared.db.operators import Role, add_operator, find_operator_password, open_session
from tests.integration.gateway.shop import Shop

PASSWORD = "an old boat in calm water"
_HASHED: list[HashedPassword] = []  # hashing is slow on purpose: once for all tests


@dataclass
class LoggedInOperator:
    """A browser with an operator's cookie, and the header that the console sends."""

    client: httpx.Client
    name: str
    token: str

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {CONSOLE_HEADER: "1", "Cookie": f"{COOKIE}={self.token}", **more.pop("headers", {})}
        return self.client.request(method, f"/console/api{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def add(shop: Shop, name: str, role: Role) -> None:
    """An account with PASSWORD."""
    if not _HASHED:
        _HASHED.append(hash_password(PASSWORD))
    with psycopg.connect(shop.database_url) as tx:
        assert add_operator(tx, name, role, _HASHED[0], shop.clock())


def log_in(shop: Shop, name: str = "olga", role: Role = "staff") -> LoggedInOperator:
    """A login without the slow comparison of its password."""
    add(shop, name, role)
    token = draw_token()
    with psycopg.connect(shop.database_url) as tx:
        operator = find_operator_password(tx, name)
        assert operator is not None
        open_session(tx, operator.operator_id, hash_token(token), name, bytes(32), shop.clock())
    return LoggedInOperator(shop.client, name, token)
