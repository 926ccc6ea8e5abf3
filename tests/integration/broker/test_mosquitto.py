"""Mosquitto as in production: accounts come and go while it runs, survive a restart, and TLS is TLS (S4, S8)."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.mosquitto import __main__ as first_start
from broker.mosquitto.render import image_configuration
from shared.access import CartIdentity, ServiceIdentity, ShopperIdentity, username
from shared.mosquitto.accounts import AccountsUnavailable, ControlAddress, MosquittoAccounts
from shared.mosquitto.rights import Account, is_same_role, role_of
from tests.house.source import ROOT
from tests.integration.broker.conftest import CART, HouseBroker
from tests.integration.broker.embedded import SERVICE_PASSWORD
from tests.integration.broker.test_policy import PHONE, SHOPPER, STATE
from tests.integration.broker.wire import RawClient
from tests.mosquitto import MosquittoAddress, free_port, needs_mosquitto, start_mosquitto

pytestmark = [pytest.mark.mosquitto, needs_mosquitto]

ADMIN_PASSWORD = "admin-password-for-tests"
SERVICE = Account(ServiceIdentity("publisher-0"), SERVICE_PASSWORD)
PROMISED_S = 5.0


@dataclass(frozen=True)
class Store(HouseBroker):
    """A Mosquitto that knows the services and `admin`."""

    control_url: str

    def accounts_at(self, password: str = ADMIN_PASSWORD) -> MosquittoAccounts:
        return MosquittoAccounts(ControlAddress(self.control_url, password, timeout_s=2.0))

    def lets_in(self, account: Account) -> bool:
        name = username(account.identity)
        with self.client() as client:
            return client.connect(name, name, account.password).body == b"\0\0"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with start_mosquitto(tmp_path, [SERVICE], admin_password=ADMIN_PASSWORD) as address:
        yield store_at(address)


def store_at(address: MosquittoAddress) -> Store:
    control_url = f"mqtt://{address.host}:{address.control_port}"
    return Store("mosquitto", address.host, address.port, {"publisher-0": SERVICE_PASSWORD}, control_url)


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
        store_at(address).accounts_at() as accounts,
    ):
        accounts.put([cart])
    with start_mosquitto(tmp_path, port=port, keep=True) as address:
        assert store_at(address).lets_in(cart)


def test_only_the_admin_changes_accounts(store: Store) -> None:
    with pytest.raises(AccountsUnavailable, match="refuses `admin`"), store.accounts_at("wrong"):
        pass
    with store.join(SERVICE.identity) as service:
        assert service.subscribe(("$CONTROL/dynamic-security/v1/response", 1), ("$CONTROL/#", 1)) == [0x80, 0x80]
        service.publish("$CONTROL/dynamic-security/v1", b'{"commands":[{"command":"deleteClient","username":"admin"}]}')
    with store.accounts_at():
        pass


@pytest.mark.parametrize(("name", "tls"), [("mosquitto.conf", False), ("tls.conf", True)])
def test_the_committed_configuration_is_what_the_code_prints(name: str, tls: bool) -> None:
    assert (ROOT / "broker/mosquitto" / name).read_text(encoding="utf-8") == image_configuration(tls=tls)


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


def test_an_account_is_listed_with_its_note_and_rights_and_a_foreign_right_is_mended(store: Store) -> None:
    carts = [Account(CartIdentity(number, "main"), "1" * 64, f"note {number}") for number in range(1, 4)]
    with store.accounts_at() as accounts:
        accounts.put(carts)
        assert {(account.username, account.note) for account in accounts.list_accounts()} == {
            ("publisher-0", ""),
            *((username(cart.identity), cart.note) for cart in carts),
        }
        moved = CartIdentity(1, "other")
        assert is_same_role(accounts.list_roles()["cart-1"], role_of(CART))
        assert not is_same_role(accounts.list_roles()["cart-1"], role_of(moved))
        # The plugin knows a role by its name, which is the account's.
        accounts.mend_role(moved)
        assert is_same_role(accounts.list_roles()["cart-1"], role_of(moved))


def test_more_accounts_than_fit_in_one_answer_are_all_listed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mosquitto.accounts.PAGE", 10)
    with store.accounts_at() as accounts:
        accounts.put(Account(CartIdentity(number, "main"), "1" * 64) for number in range(1, 25))
        assert len(accounts.list_accounts()) == 25
        assert len(accounts.list_roles()) == 26


def test_several_change_accounts_at_once(store: Store) -> None:
    def change(number: int) -> None:
        with store.accounts_at() as accounts:
            for round_ in range(5):
                accounts.put([Account(CartIdentity(number, "main"), f"{round_}" * 64)])

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(change, range(1, 7)))
    assert all(store.lets_in(Account(CartIdentity(number, "main"), "4" * 64)) for number in range(1, 7))


def test_a_broker_that_is_gone_or_silent_is_told_in_bounded_time(store: Store, tmp_path: Path) -> None:
    gone = MosquittoAccounts(ControlAddress(f"mqtt://127.0.0.1:{free_port()}", ADMIN_PASSWORD, timeout_s=1.0))
    with pytest.raises(AccountsUnavailable, match="no Mosquitto answers"), gone:
        pass
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with (
            pytest.raises(AccountsUnavailable, match="does not answer"),
            MosquittoAccounts(ControlAddress(url, ADMIN_PASSWORD, timeout_s=1.0)),
        ):
            pass
        assert time.monotonic() - started < PROMISED_S


def test_on_the_ports_of_carts_the_user_name_is_the_client_id(store: Store) -> None:
    """Whatever id a client names, it gets its own session; on the control port it is refused."""
    control_port = int(store.control_url.rpartition(":")[2])
    with store.accounts_at() as accounts:
        accounts.put([Account(CART, "1" * 64)])
    with store.client() as first, store.client() as second, RawClient((store.host, control_port)) as at_control:
        assert first.connect("any", "cart-1", "1" * 64).body == b"\0\0"
        assert second.connect("other", "cart-1", "1" * 64).body == b"\0\0"
        assert first.is_closed_by_broker()
        assert at_control.connect("other", "cart-1", "1" * 64).body == b"\0\x05"
