"""Each black-box test runs against the embedded broker and against a real Mosquitto."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.embedded.credentials import CredentialCopy
from broker.embedded.door import HouseDoor
from broker.embedded.limits import ClientLimits, Limits
from shared.access import CartIdentity, Identity, ServiceIdentity, ShopperIdentity, username
from shared.mosquitto.rights import Account
from shared.mqtt_tokens import mint_mqtt_token
from tests.integration.broker.embedded import (
    SERVICE_PASSWORD,
    TOKEN_SECRET,
    Credentials,
    OpenDoor,
    RunningBroker,
    running,
)
from tests.integration.broker.wire import RawClient
from tests.mosquitto import needs_mosquitto, start_mosquitto

BROKERS = ("embedded", pytest.param("mosquitto", marks=[pytest.mark.mosquitto, needs_mosquitto]))
SECRET_LENGTH = 64


@dataclass(frozen=True)
class TestedBroker:
    """A broker under test."""

    __test__ = False

    kind: str
    host: str
    port: int

    def client(self) -> RawClient:
        """A TCP connection to it."""
        return RawClient((self.host, self.port))


def password_of(identity: Identity) -> str:
    """The password that this suite gives an identity."""
    match identity:
        case CartIdentity(cart_id=cart_id):
            return f"{cart_id:0{SECRET_LENGTH}x}"
        case ShopperIdentity(shopper_id=shopper_id):
            return mint_mqtt_token(TOKEN_SECRET, shopper_id, datetime.now(UTC), 900)
        case ServiceIdentity():
            return SERVICE_PASSWORD


@dataclass(frozen=True)
class HouseBroker(TestedBroker):
    """A broker with our identities and rights."""

    accounts: dict[str, str]

    def join(self, identity: Identity, **rest: object) -> RawClient:
        """A connected client of this identity."""
        client = self.client()
        name = username(identity)
        answer = client.connect(name, name, self.accounts[name], **rest)
        assert answer.body[1] == 0, f"{name} was refused: {answer.body[1]}"
        return client


CART, NEIGHBOUR, ELSEWHERE = CartIdentity(1, "main"), CartIdentity(2, "main"), CartIdentity(3, "other")
SHOPPER, STRANGER = ShopperIdentity(1), ShopperIdentity(2)
INGEST, PUBLISHER = ServiceIdentity("ingest-0"), ServiceIdentity("publisher-0")
IDENTITIES: tuple[Identity, ...] = (CART, NEIGHBOUR, ELSEWHERE, SHOPPER, STRANGER, INGEST, PUBLISHER)

FAST = ClientLimits(keep_alive_min_s=1.0, filters_max=100, inflight_max=100, queue_max=10_000)


@pytest.fixture
def open_limits() -> Limits:
    """Limits of the embedded broker in tests of the protocol: short keep-alives are believed."""
    return replace(Limits(), connect_timeout_s=2.0, services=FAST)


@pytest.fixture(params=BROKERS)
def open_broker(request: pytest.FixtureRequest, tmp_path: Path, open_limits: Limits) -> Iterator[TestedBroker]:
    """A broker that lets everybody do everything, but subscribe to `test/nosubscribe`."""
    if request.param == "mosquitto":
        with start_mosquitto(tmp_path, anyone=True) as address:
            yield TestedBroker("mosquitto", address.host, address.port)
        return
    with running(OpenDoor(FAST), open_limits) as embedded:
        yield TestedBroker("embedded", embedded.address.host, embedded.address.mqtt_port)


@pytest.fixture
def credentials() -> Credentials:
    """The cart table of the embedded broker in this test."""
    table = Credentials()
    for identity in IDENTITIES:
        if isinstance(identity, CartIdentity):
            table.put(identity.cart_id, password_of(identity), identity.store)
    return table


@pytest.fixture
def house_limits() -> Limits:
    """Limits of the embedded broker in tests with our identities: the documented ones."""
    return Limits()


@pytest.fixture
def embedded_house(credentials: Credentials, house_limits: Limits) -> Iterator[RunningBroker]:
    """The embedded broker with our identities and rights."""
    copy = CredentialCopy(credentials)
    copy.refresh()
    copy.follow(0.3)
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET, house_limits), house_limits) as embedded:
        yield embedded
    copy.stop()


@pytest.fixture
def embedded_only(embedded_house: RunningBroker) -> HouseBroker:
    """The embedded broker with our identities, for what only it promises."""
    address = embedded_house.address
    return HouseBroker("embedded", address.host, address.mqtt_port, _accounts())


@pytest.fixture(params=BROKERS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HouseBroker]:
    """A broker with our identities and rights; Mosquitto with its production configuration."""
    accounts = _accounts()
    if request.param == "mosquitto":
        known = [Account(identity, accounts[username(identity)]) for identity in IDENTITIES]
        with start_mosquitto(tmp_path, known) as address:
            yield HouseBroker("mosquitto", address.host, address.port, accounts)
        return
    embedded: HouseBroker = request.getfixturevalue("embedded_only")
    yield embedded


def _accounts() -> dict[str, str]:
    return {username(identity): password_of(identity) for identity in IDENTITIES}
