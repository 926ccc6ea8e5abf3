"""TLS of the production configuration: 1.2 or newer, on each port, and our own clients look whom they speak to (S4)."""

import asyncio
import contextlib
import random
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware_sim.connection import Broker, Connection, Hooks, Login
from services.cart_ingest.service_client import ServiceClient
from shared.access import CartIdentity
from shared.mosquitto.accounts import AccountsUnavailable, ControlAddress, MosquittoAccounts
from shared.mosquitto.rights import Account
from tests.certificates import Authority
from tests.eventually import eventually
from tests.integration.broker.conftest import CART, INGEST
from tests.integration.broker.embedded import SERVICE_PASSWORD
from tests.integration.broker.test_policy import STATE, STATUS
from tests.integration.broker.wire import RawClient, connect_bytes
from tests.mosquitto import MosquittoAddress, free_port, needs_mosquitto, start_mosquitto

pytestmark = [pytest.mark.mosquitto, needs_mosquitto]

HOST = "127.0.0.1"
ADMIN_PASSWORD = "admin-password-for-tests"
CART_ACCOUNT = Account(CART, "1" * 64)
TLS_ALERT = b"\x15"
PORTS = ("mqtt", "websocket", "control")


@dataclass(frozen=True)
class Secured:
    """A Mosquitto with TLS, and the authority whose certificate it shows, unless the test says otherwise."""

    address: MosquittoAddress
    authority: Authority

    def port(self, name: str) -> int:
        found = {"mqtt": self.address.port, "websocket": self.address.ws_port, "control": self.address.control_port}
        port = found[name]
        assert port is not None
        return port


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(params=["certified"])
def broker(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[Secured]:
    certificates = {
        "certified": lambda: authority.certify(HOST),
        "self-signed": lambda: authority.self_signed(HOST),
        "another host's": lambda: authority.certify("another.example"),
    }
    tls = certificates[request.param]()
    accounts = [Account(INGEST, SERVICE_PASSWORD), CART_ACCOUNT]
    ws_port = free_port()
    with start_mosquitto(tmp_path, accounts, ws_port=ws_port, admin_password=ADMIN_PASSWORD, tls=tls) as address:
        yield Secured(address, authority)


@pytest.mark.parametrize("port", PORTS)
def test_each_port_speaks_tls_1_2_and_newer_and_nothing_older(broker: Secured, port: str) -> None:
    def greet(version: ssl.TLSVersion) -> str | None:
        context = ssl.create_default_context(cafile=broker.authority.ca_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of the very versions tried here
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")  # or our side would refuse first
        with (
            RawClient((HOST, broker.port(port))) as client,
            context.wrap_socket(client.stream, server_hostname=HOST) as s,
        ):
            return s.version()

    assert greet(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert greet(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    for old in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            greet(old)


@pytest.mark.parametrize("port", PORTS)
def test_whoever_speaks_without_tls_gets_no_answer(broker: Secured, port: str) -> None:
    upgrade = b"GET /mqtt HTTP/1.1\r\nHost: broker\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with RawClient((HOST, broker.port(port))) as client:
        client.send(upgrade if port == "websocket" else connect_bytes("cart-1", "cart-1", "1" * 64))
        heard = b""
        with contextlib.suppress(ConnectionError):
            while chunk := client.stream.recv(4096):
                heard += chunk
        assert heard[:1] in (b"", TLS_ALERT)


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho, after a failed handshake
class TestOurOwnClients:
    """cart-ingest's, a simulated cart's, and the one of gateway and command line."""

    def test_they_connect_to_a_broker_that_their_authority_vouches_for(
        self, broker: Secured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert service_connects(broker)
        assert accounts_connect(broker)
        assert asyncio.run(cart_connects(broker, monkeypatch))

    @pytest.mark.parametrize("broker", ["self-signed", "another host's"], indirect=True)
    def test_they_speak_to_nobody_else(self, broker: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not service_connects(broker)
        assert not accounts_connect(broker)
        assert not asyncio.run(cart_connects(broker, monkeypatch))

    def test_they_trust_no_authority_that_they_were_not_told_of(
        self, broker: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        stranger = Secured(broker.address, Authority(elsewhere))
        assert not service_connects(stranger)
        assert not accounts_connect(stranger)
        assert not asyncio.run(cart_connects(stranger, monkeypatch))


def accounts_connect(broker: Secured) -> bool:
    url = f"mqtts://{HOST}:{broker.port('control')}"
    try:
        with MosquittoAccounts(
            ControlAddress(url, ADMIN_PASSWORD, broker.authority.ca_file, timeout_s=2.0)
        ) as accounts:
            accounts.put([Account(CartIdentity(7, "main"), "7" * 64)])
    except AccountsUnavailable as problem:
        if "certificate verify failed" not in str(problem):
            raise
        return False
    return True


def service_connects(broker: Secured) -> bool:
    """In one attempt: paho would try again for ever."""
    outcome: list[bool] = []
    client = ServiceClient(
        f"mqtts://{HOST}:{broker.port('mqtt')}",
        INGEST.name,
        SERVICE_PASSWORD,
        str(broker.authority.ca_file),
        clean_session=True,
    )
    client.on_connect = lambda *_: outcome.append(True)
    client.on_connect_fail = lambda *_: outcome.append(False)
    client.begin()
    try:
        return eventually(lambda: outcome[:1])[0]
    finally:
        client.leave(within_s=2.0)


async def cart_connects(broker: Secured, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A simulated cart trusts the authorities of its machine, which this variable of OpenSSL names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(broker.authority.ca_file))
    connected = asyncio.Event()
    login = Login("cart-1", CART_ACCOUNT.password, STATUS[CART])
    hooks = Hooks(connected.set, lambda: None, lambda _topic, _payload: None, lambda: b"{}")
    where = Broker.from_url(f"mqtts://{HOST}:{broker.port('mqtt')}")
    connection = Connection(where, login, (STATE[CART],), hooks, random.Random(1))
    connection.start()
    try:
        await asyncio.wait_for(connected.wait(), 1.5)
    except TimeoutError:
        return False
    finally:
        await connection.close()
    return True
