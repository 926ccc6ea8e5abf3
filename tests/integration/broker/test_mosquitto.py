"""Mosquitto as in production: accounts come and go while it runs, survive a restart, and TLS is TLS (S4, S8)."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.mosquitto import __main__ as first_start
from broker.mosquitto.accounts import AccountsUnavailable, MosquittoAccounts
from broker.mosquitto.render import Account, Tls, container_configuration
from shared.access import CartIdentity, ServiceIdentity, ShopperIdentity, username
from tests.house.source import ROOT
from tests.integration.broker.conftest import CART, HouseBroker
from tests.integration.broker.embedded import SERVICE_PASSWORD
from tests.integration.broker.test_policy import PHONE, SHOPPER, STATE
from tests.integration.broker.wire import RawClient
from tests.mosquitto import free_port, needs_mosquitto, start_mosquitto

pytestmark = [pytest.mark.mosquitto, needs_mosquitto]

ADMIN_PASSWORD = "admin-password-for-tests"
SERVICE = Account(ServiceIdentity("publisher-0"), SERVICE_PASSWORD)
PROMISED_S = 5.0


@dataclass(frozen=True)
class Store(HouseBroker):
    """A Mosquitto that knows the services and `admin`."""

    def accounts_at(self) -> MosquittoAccounts:
        return MosquittoAccounts(self.host, self.port, ADMIN_PASSWORD)

    def lets_in(self, account: Account) -> bool:
        name = username(account.identity)
        with self.client() as client:
            return client.connect(name, name, account.password).body == b"\0\0"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with start_mosquitto(tmp_path, [SERVICE], admin_password=ADMIN_PASSWORD) as address:
        yield Store("mosquitto", address.host, address.port, {"publisher-0": SERVICE_PASSWORD})


def test_an_added_cart_and_phone_have_their_rights_at_once(store: Store) -> None:
    cart, phone = Account(CART, "1" * 64), Account(SHOPPER, "2" * 64)
    assert not store.lets_in(cart)
    with store.accounts_at() as accounts:
        accounts.put([cart, phone])
    with (
        store.client() as cart_client,
        store.client() as phone_client,
        store.join(SERVICE.identity) as publisher,
    ):
        cart_client.connect("cart-1", "cart-1", cart.password)
        phone_client.connect("shopper-1", "shopper-1", phone.password)
        assert cart_client.subscribe((STATE[CART], 1), (PHONE[SHOPPER], 1)) == [1, 0x80]
        assert phone_client.subscribe((PHONE[SHOPPER], 1), (STATE[CART], 1)) == [1, 0x80]
        publisher.publish(STATE[CART], b"state", 1)
        publisher.publish(PHONE[SHOPPER], b"state too", 1)
        assert cart_client.messages(1)[0].payload == b"state"
        assert phone_client.messages(1)[0].payload == b"state too"


def test_a_rotated_or_removed_account_is_out_within_5_seconds(store: Store) -> None:
    old, new = Account(CART, "1" * 64), Account(CART, "2" * 64)
    with store.accounts_at() as accounts:
        accounts.put([old])
        for change in (lambda: accounts.put([new]), lambda: accounts.remove([CART])):
            present = old if store.lets_in(old) else new
            with store.client() as client:
                client.connect("cart-1", "cart-1", present.password)
                started = time.monotonic()
                change()
                assert client.is_closed_by_broker(within_s=PROMISED_S)
                assert time.monotonic() - started < PROMISED_S
            assert not store.lets_in(present)
        assert not store.lets_in(new)
        accounts.remove([CART, ShopperIdentity(99)])  # once more, and one that never was


def test_accounts_survive_a_restart(tmp_path: Path) -> None:
    cart = Account(CartIdentity(5, "main"), "5" * 64)
    port = free_port()
    with (
        start_mosquitto(tmp_path, [SERVICE], port=port, admin_password=ADMIN_PASSWORD) as address,
        MosquittoAccounts(address.host, port, ADMIN_PASSWORD) as accounts,
    ):
        accounts.put([cart])
    with start_mosquitto(tmp_path, port=port, keep=True) as address:
        store = Store("mosquitto", address.host, address.port, {})
        assert store.lets_in(cart)


def test_only_the_admin_changes_accounts(store: Store) -> None:
    with pytest.raises(AccountsUnavailable), MosquittoAccounts(store.host, store.port, "wrong", timeout_s=1):
        pass
    with store.join(SERVICE.identity) as service:
        assert service.subscribe(("$CONTROL/dynamic-security/v1/response", 1), ("$CONTROL/#", 1)) == [0x80, 0x80]
        service.publish("$CONTROL/dynamic-security/v1", b'{"commands":[{"command":"deleteClient","username":"admin"}]}')
    with store.accounts_at():
        pass


def test_with_tls_plain_and_unverified_connections_fail(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    tls = Tls(tmp_path / "server.crt", tmp_path / "server.key")
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tls.key), "-out", str(tls.certificate)]
    subprocess.run(make, check=True, capture_output=True)
    with start_mosquitto(tmp_path, [SERVICE], admin_password=ADMIN_PASSWORD, tls=tls) as address:
        with MosquittoAccounts(address.host, address.port, ADMIN_PASSWORD, ca_file=tls.certificate) as accounts:
            accounts.put([Account(CART, "1" * 64)])
        plain = RawClient((address.host, address.port))
        plain.send(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        assert plain.is_closed_by_broker()
        plain.cut()
        with pytest.raises(ssl.SSLCertVerificationError), RawClient((address.host, address.port)) as client:
            ssl.create_default_context().wrap_socket(client.stream, server_hostname="127.0.0.1")


def test_the_committed_configuration_is_what_the_code_prints() -> None:
    assert (ROOT / "broker/mosquitto/mosquitto.conf").read_text(encoding="utf-8") == container_configuration()


def test_the_first_accounts_are_written_once_and_need_real_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "dynamic-security.json"
    monkeypatch.setenv("MQTT_SERVICE_PASSWORD", "too-short")
    assert first_start.main([str(target)]) == 78
    told = capsys.readouterr().err
    assert "MQTT_SERVICE_PASSWORD" in told
    assert "MQTT_ADMIN_PASSWORD" in told
    assert "too-short" not in told
    monkeypatch.setenv("MQTT_SERVICE_PASSWORD", "s" * 32)
    monkeypatch.setenv("MQTT_ADMIN_PASSWORD", "a" * 32)
    assert first_start.main([str(target)]) == 0
    written = target.read_text(encoding="utf-8")
    assert target.stat().st_mode & 0o077 == 0
    assert "s" * 32 not in written
    assert first_start.main([str(target)]) == 0
    assert target.read_text(encoding="utf-8") == written
