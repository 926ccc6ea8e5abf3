"""A store on Mosquitto with TLS, end to end: its carts are added, rotated and revoked by the command, its phones let in
by the gateway (docs/reliability.md S4, S8)."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from typer.testing import CliRunner

from firmware_sim.cart import CartCredential
from services.cli import app
from services.gateway.phone_accounts import KeptByMosquitto, has_ended
from shared.access import CartIdentity, ServiceIdentity
from shared.contracts.state import CartState
from shared.mosquitto.accounts import ControlAddress, MosquittoAccounts
from shared.mosquitto.rights import Account
from tests.certificates import Authority
from tests.eventually import eventually
from tests.integration.cart_ingest.program import running_ingest
from tests.integration.gateway.shop import LoggedIn, Shop, open_shop
from tests.journeys.carts import carts_on_thread
from tests.mosquitto import MosquittoAddress, free_port, needs_mosquitto, start_mosquitto

pytestmark = [pytest.mark.mosquitto, needs_mosquitto]

ADMIN_PASSWORD = "admin-password-for-tests"
SERVICE_PASSWORD = "service-password-for-tests"
MILK = "9520000000011"
PROMISED_S = 5.0  # docs/reliability.md S8


@dataclass(frozen=True)
class Store:
    """Mosquitto, the database, and the command line of its operator."""

    broker: MosquittoAddress
    database_url: str
    authority: Authority
    folder: Path

    @property
    def mqtt_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.broker.port}"

    @property
    def control(self) -> ControlAddress:
        url = f"mqtts://127.0.0.1:{self.broker.control_port}"
        return ControlAddress(url, ADMIN_PASSWORD, self.authority.ca_file, timeout_s=2.0)

    def carts(self, *arguments: str, **environment: str) -> tuple[int, list[Any], str]:
        """`smartcart carts …`: exit code, the JSON lines it printed, standard error."""
        told = {
            "DATABASE_URL": self.database_url,
            "MQTT_CONTROL_URL": self.control.url,
            "MQTT_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "MQTT_CA_FILE": str(self.authority.ca_file),
            **environment,
        }
        done = CliRunner().invoke(app, ["carts", *arguments], env=told, catch_exceptions=False)
        printed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return done.exit_code, printed, done.stderr

    def add_cart(self) -> CartCredential:
        code, (cart,), error = self.carts("add", "--json")
        assert code == 0, error
        return CartCredential(**cart)

    def accounts(self) -> dict[str, str]:
        """The note beside each account of Mosquitto."""
        with MosquittoAccounts(self.control) as accounts:
            return {account.username: account.note for account in accounts.list_accounts()}

    def lets_in(self, cart: CartCredential) -> bool:
        client = self.client(cart.username, cart.password)
        try:
            return client.is_connected()
        finally:
            client.leave()

    def client(self, name: str, password: str, *, url: str | None = None) -> "Client":
        return Client(url or self.mqtt_url, name, password, self.authority)


class Client:
    """A client that says what becomes of its one connection."""

    def __init__(self, url: str, name: str, password: str, authority: Authority) -> None:
        where = urlsplit(url)
        self.heard: list[bytes] = []
        self.ended_at_s: float | None = None
        self._answered, self._accepted = threading.Event(), False
        self._granted = threading.Event()
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=name,
            transport="websockets" if where.scheme == "wss" else "tcp",
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(name, password)
        self._client.tls_set_context(ssl.create_default_context(cafile=authority.ca_file))
        self._client.on_connect = self._note_answer
        self._client.on_disconnect = self._note_end
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.on_message = lambda _client, _data, message: self.heard.append(message.payload)
        self._client.connect(where.hostname or "", where.port or 0)
        self._client.loop_start()

    def is_connected(self) -> bool:
        assert self._answered.wait(5)
        return self._accepted

    def follow(self, topic: str) -> None:
        assert self.is_connected()
        self._client.subscribe(topic, 1)
        assert self._granted.wait(5)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note_answer(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._accepted = not reason.is_failure
        self._answered.set()

    def _note_end(self, *_: Any) -> None:
        self.ended_at_s = time.monotonic()


@pytest.fixture
def store(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))  # whom the simulated carts trust
    services = [Account(ServiceIdentity(name), SERVICE_PASSWORD) for name in ("ingest-0", "publisher-0")]
    tls = authority.certify("127.0.0.1")
    with start_mosquitto(tmp_path, services, ws_port=free_port(), admin_password=ADMIN_PASSWORD, tls=tls) as address:
        yield Store(address, database_url, authority, tmp_path)


@pytest.fixture
def shop(store: Store) -> Iterator[Shop]:
    """The store's products and its gateway, which knows Mosquitto."""
    with open_shop(
        store.database_url,
        mqtt_control_url=store.control.url,
        mqtt_admin_password=ADMIN_PASSWORD,
        mqtt_ca_file=store.authority.ca_file,
        mqtt_ws_url=f"wss://127.0.0.1:{store.broker.ws_port}",
    ) as shop:
        yield shop


def identity_of(cart: CartCredential, **changes: Any) -> CartIdentity:
    return replace(CartIdentity(cart.cart_id, cart.store), **changes)


def phone_client(store: Store, phone: LoggedIn) -> tuple[Client, dict[str, Any]]:
    token = phone.post("/mqtt/token").json()
    client = store.client(token["username"], token["password"], url=token["url"])
    return client, token


def test_a_cart_is_added_shops_with_a_phone_and_is_shut_out_when_it_is_revoked(store: Store, shop: Shop) -> None:
    added = store.add_cart()
    ada = shop.log_in()
    with (
        running_ingest(
            store.folder,
            store.database_url,
            store.broker.port,
            MQTT_URL=store.mqtt_url,
            MQTT_CA_FILE=store.authority.ca_file,
            MQTT_SERVICE_PASSWORD=SERVICE_PASSWORD,
        ),
        carts_on_thread(store.mqtt_url, [added]) as (cart,),
    ):
        cart.wait_until_free()
        shop.connect(ada, cart.cart_id)
        phone, token = phone_client(store, ada)
        phone.follow(token["topic"])
        cart.scan(MILK)
        assert cart.wait_until_settled().total_items == 1
        eventually(lambda: [s for s in map(CartState.model_validate_json, phone.heard) if s.total_items == 1])

        started_s = time.monotonic()
        assert store.carts("revoke", str(cart.cart_id))[0] == 0
        eventually(lambda: not cart.sim.connection.up, within_s=PROMISED_S)
        eventually(lambda: cart.sim.connection.refused is not None, within_s=PROMISED_S)
        assert time.monotonic() - started_s < PROMISED_S
        phone.leave()


def test_a_rotated_password_is_the_only_one_and_the_live_connection_ends(store: Store, shop: Shop) -> None:
    old = store.add_cart()
    live = store.client(old.username, old.password)
    assert live.is_connected()

    code, (line,), _ = store.carts("rotate", str(old.cart_id), "--json")

    assert code == 0
    eventually(lambda: live.ended_at_s is not None, within_s=PROMISED_S)
    live.leave()
    assert store.lets_in(CartCredential(**line))
    assert not store.lets_in(old)


def test_two_passwords_at_once_are_refused_before_anything_changes(store: Store, shop: Shop) -> None:
    cart = store.add_cart()
    code, printed, error = store.carts("rotate", str(cart.cart_id), "--overlap-s", "60")
    assert (code, printed) == (1, [])
    assert "one password per account" in error
    assert store.lets_in(cart)


class TestWhileMosquittoIsAway:
    AWAY = "mqtts://127.0.0.1:1"

    def test_no_cart_is_added_or_rotated(self, store: Store, shop: Shop) -> None:
        cart = store.add_cart()
        before = shop.execute("SELECT cart_id, secret_hash FROM cart ORDER BY cart_id")
        for arguments in (("add", "--json"), ("rotate", str(cart.cart_id), "--json")):
            code, printed, error = store.carts(*arguments, MQTT_CONTROL_URL=self.AWAY)
            assert (code, printed) == (1, [])
            assert "no Mosquitto answers" in error
            assert error.count("\n") == 1
        assert shop.execute("SELECT cart_id, secret_hash FROM cart ORDER BY cart_id") == before
        assert store.lets_in(cart)

    def test_a_revoked_cart_is_revoked_and_the_next_sync_shuts_it_out(self, store: Store, shop: Shop) -> None:
        cart = store.add_cart()
        code, _, error = store.carts("revoke", str(cart.cart_id), MQTT_CONTROL_URL=self.AWAY)
        assert code == 1
        assert "smartcart carts sync" in error
        assert store.lets_in(cart)

        store.carts("sync", "--rotate")

        assert not store.lets_in(cart)

    def test_a_phone_is_told_to_come_back_and_nothing_else_waits(self, store: Store, database_url: str) -> None:
        with open_shop(database_url, mqtt_control_url=self.AWAY, mqtt_admin_password=ADMIN_PASSWORD) as shop:
            ada = shop.log_in()
            for _ in range(2):
                answer = ada.post("/mqtt/token")
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert answer.headers["Retry-After"] == "2"
            assert ada.post("/auth/logout").status_code == 204


class TestSync:
    def test_a_lost_file_needs_new_passwords_which_sync_gives(self, store: Store, shop: Shop) -> None:
        cart = store.add_cart()
        assert store.carts("sync", "--rotate")[0] == 0, "the shop's own carts were never told to Mosquitto"
        with MosquittoAccounts(store.control) as accounts:  # as after the loss of dynamic-security.json
            accounts.remove([identity_of(cart)])
        code, printed, error = store.carts("sync", "--json")
        assert (code, printed) == (1, [])
        assert f"cannot let in cart {cart.cart_id}:" in error

        code, (line,), _ = store.carts("sync", "--rotate", "--json")

        assert code == 0
        assert line["cart_id"] == cart.cart_id
        assert store.lets_in(CartCredential(**line))
        assert store.carts("sync")[0] == 0

    def test_an_account_without_a_cart_goes_and_foreign_rights_are_mended(self, store: Store, shop: Shop) -> None:
        cart = store.add_cart()
        store.carts("sync", "--rotate")
        with MosquittoAccounts(store.control) as accounts:
            accounts.put([Account(identity_of(cart, cart_id=4711), "4" * 64)])
            accounts.mend_role(identity_of(cart, store="other"))

        code, _, error = store.carts("sync")

        assert code == 0
        assert "removed cart-4711" in error
        assert f"mended the rights of {cart.username}" in error
        assert "cart-4711" not in store.accounts()
        assert store.lets_in(cart)

    def test_a_password_that_was_never_committed_is_found_out(self, store: Store, shop: Shop) -> None:
        cart = store.add_cart()
        store.carts("sync", "--rotate")
        with MosquittoAccounts(store.control) as accounts:  # as when the database went away before the commit
            accounts.put([Account(identity_of(cart), "never committed", "secret 0000000000000000")])
        assert f"cannot let in cart {cart.cart_id}:" in store.carts("sync")[2]


class TestPhones:
    def test_a_token_opens_the_phones_own_topic_until_it_ends(self, store: Store, shop: Shop) -> None:
        ada = shop.log_in()
        phone, token = phone_client(store, ada)
        assert phone.is_connected()
        name = token["username"]
        assert not has_ended(store.accounts()[name], datetime.now(UTC))
        keeper = KeptByMosquitto(store.control)

        keeper.sweep(datetime.now(UTC))
        assert name in store.accounts()
        keeper.sweep(datetime.now(UTC) + timedelta(seconds=token["expires_in"] + 1))

        assert name not in store.accounts()
        eventually(lambda: phone.ended_at_s is not None, within_s=PROMISED_S)
        phone.leave()

    def test_a_new_token_takes_the_place_of_the_old_one(self, store: Store, shop: Shop) -> None:
        ada = shop.log_in()
        first, token = phone_client(store, ada)
        assert first.is_connected()
        second, _ = phone_client(store, ada)
        assert second.is_connected()
        eventually(lambda: first.ended_at_s is not None)
        again = store.client(token["username"], token["password"], url=token["url"])
        assert not again.is_connected()
        for client in (first, second, again):
            client.leave()

    def test_logging_out_ends_the_live_connection(self, store: Store, shop: Shop) -> None:
        ada = shop.log_in()
        phone, token = phone_client(store, ada)
        assert phone.is_connected()
        assert ada.post("/auth/logout").status_code == 204
        eventually(lambda: phone.ended_at_s is not None, within_s=PROMISED_S)
        phone.leave()
        assert token["username"] not in store.accounts()

    def test_erasure_ends_the_live_connection_and_lets_nobody_in_again(self, store: Store, shop: Shop) -> None:
        ada = shop.log_in()
        phone, token = phone_client(store, ada)
        assert phone.is_connected()
        assert ada.request("DELETE", "/user").status_code == 204
        eventually(lambda: phone.ended_at_s is not None, within_s=PROMISED_S)
        assert token["username"] not in store.accounts()
        assert ada.post("/mqtt/token").status_code == 401
        again = store.client(token["username"], token["password"], url=token["url"])
        assert not again.is_connected()
        for client in (phone, again):
            client.leave()

    def test_an_account_that_another_gateway_made_in_between_ends_within_seconds(
        self, store: Store, shop: Shop
    ) -> None:
        """It had asked whether the login lasts just before, and made the account just after."""
        ada = shop.log_in()
        ((family,),) = shop.execute("SELECT family_id FROM refresh_token")
        keeper = KeptByMosquitto(store.control)
        shop.execute("INSERT INTO ended_login (shopper_id, family_id) VALUES (%s, %s)", ada.user_id, family)
        keeper.let_in(ada.user_id, family, "a password", datetime.now(UTC) + timedelta(minutes=15))
        eventually(lambda: f"shopper-{ada.user_id}" not in store.accounts(), within_s=PROMISED_S)

    def test_the_account_of_the_shoppers_other_phone_stays(self, store: Store, shop: Shop) -> None:
        ada, other = shop.log_in(), shop.log_in()
        phone, token = phone_client(store, other)
        assert ada.post("/auth/logout").status_code == 204
        assert phone.is_connected()
        assert token["username"] in store.accounts()
        phone.leave()


@pytest.mark.parametrize("note", ["", "secret 00", "2026-01-01T00:00:00"])
def test_an_account_without_a_readable_end_has_ended(note: str) -> None:
    assert has_ended(note, datetime(2026, 6, 1, tzinfo=UTC))
