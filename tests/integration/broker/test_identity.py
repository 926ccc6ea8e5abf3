"""At the door: who comes in, as whom, and that nobody disturbs a session that is not his.

Reasons: docs/reliability.md M26, S5.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

import pytest

from broker.embedded.credentials import READ_PAUSE_S, CredentialCopy
from broker.embedded.door import HouseDoor
from broker.embedded.limits import Limits
from shared.access import CartIdentity
from shared.db.carts import CartCredential
from shared.db.ended_logins import EndedLogin
from shared.mqtt_tokens import mint_mqtt_token
from tests.eventually import eventually
from tests.integration.broker.conftest import CART, INGEST, NEIGHBOUR, PUBLISHER, HouseBroker, password_of
from tests.integration.broker.embedded import SERVICE_PASSWORD, TOKEN_SECRET, Credentials, RunningBroker, running
from tests.integration.broker.test_policy import EVENTS, STATE, STATUS
from tests.integration.broker.wire import PINGREQ_BYTES, PINGRESP, ConnectionEnded, RawClient, Will, connect_bytes

WRONG = "f" * 64


class CountedCredentials(Credentials):
    """A cart table that counts how often it is read."""

    reads = 0

    def read_changed(self, since: datetime | None) -> Sequence[CartCredential]:
        self.reads += 1
        return super().read_changed(since)


def connack_code(client: RawClient, *what: str | None, **rest: object) -> int | None:
    """The return code, or None when the broker closes without a word."""
    try:
        return client.connect(*what, **rest).body[1]  # type: ignore[arg-type]
    except ConnectionEnded:
        return None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("cart-1", WRONG),
        ("cart-1", ""),
        ("cart-1", None),
        (None, None),
        ("cart-99", WRONG),
        ("cart-01", f"{1:064x}"),
        ("ingest-0", "wrong"),
        ("admin", "service-password-for-tests"),
        ("shopper-1", "not.a.token"),
        ("", ""),
    ],
)
def test_a_wrong_name_or_password_is_refused(house: HouseBroker, name: str | None, password: str | None) -> None:
    with house.client() as client:
        assert connack_code(client, name or "someone", name, password) in (4, 5, None)
        assert client.is_closed_by_broker()


def test_a_hundred_spoofed_connects_leave_the_victim_untouched(house: HouseBroker) -> None:
    with (
        house.join(CART, clean=False, will=Will(STATUS[CART], b"offline")) as victim,
        house.join(PUBLISHER) as publisher,
    ):
        victim.subscribe((STATE[CART], 1))
        for attempt in range(100):
            with house.client() as spoofer:
                password = (WRONG, "", house.accounts["cart-2"])[attempt % 3]
                assert connack_code(spoofer, "cart-1", "cart-1", password, clean=attempt % 2 == 0) in (4, 5, None)
        publisher.publish(STATE[CART], b"still here", 1)
        assert victim.messages(1)[0].payload == b"still here"
        victim.leave()
    with house.client() as back:
        assert back.connect("cart-1", "cart-1", house.accounts["cart-1"], clean=False).body == b"\x01\0"


def test_a_cart_cannot_take_the_session_of_its_neighbour(house: HouseBroker) -> None:
    """With its own name and password, but the neighbour's client id."""
    with house.join(NEIGHBOUR, clean=False) as victim, house.join(PUBLISHER) as publisher:
        victim.subscribe((STATE[NEIGHBOUR], 1))
        with house.client() as thief:
            code = connack_code(thief, "cart-2", "cart-1", house.accounts["cart-1"], clean=False)
            if house.kind == "mosquitto":  # the user name takes the place of the id: it has come in as itself
                assert code == 0
                assert thief.subscribe((STATE[NEIGHBOUR], 1), (STATE[CART], 1)) == [0x80, 1]
            else:
                assert code == 5
                assert thief.is_closed_by_broker()
        publisher.publish(STATE[NEIGHBOUR], b"for cart 2", 1)
        assert victim.messages(1)[0].payload == b"for cart 2"


def test_the_newer_connection_takes_over_and_hears_what_comes(house: HouseBroker) -> None:
    with house.join(INGEST) as ingest, house.join(PUBLISHER) as publisher:
        ingest.subscribe((STATUS[CART], 1))
        with house.join(CART, clean=False, will=Will(STATUS[CART], b"old offline")) as old:
            old.subscribe((STATE[CART], 1))
            publisher.publish(STATE[CART], b"unacknowledged", 1)
            assert old.receive().payload == b"unacknowledged"
            with house.join(CART, clean=False, will=Will(STATUS[CART], b"new offline")) as new:
                assert old.is_closed_by_broker()
                again = new.receive()
                assert (again.payload, again.duplicate) == (b"unacknowledged", True)
                new.acknowledge(again)
                publisher.publish(STATE[CART], b"next", 1)
                assert new.messages(1)[0].payload == b"next"
                new.publish(EVENTS[CART], b"scan", 1)
                assert ingest.hears_nothing(), "the cart is here: the old connection's will stays silent"
                new.cut()
                assert ingest.messages(1)[0].payload == b"new offline"


def test_a_take_over_with_a_clean_session_forgets_the_old_one(house: HouseBroker) -> None:
    with house.join(CART, clean=False) as old, house.join(PUBLISHER) as publisher:
        old.subscribe((STATE[CART], 1))
        with house.join(CART, clean=True) as new:
            assert old.is_closed_by_broker()
            publisher.publish(STATE[CART], b"unheard", 1)
            assert new.hears_nothing()


def test_a_shopper_token_of_another_shopper_or_time_is_refused(house: HouseBroker) -> None:
    if house.kind == "mosquitto":
        pytest.skip("on Mosquitto a phone's password is set by the backend, not read from a token")
    now = datetime.now(UTC)
    for token in (
        mint_mqtt_token(TOKEN_SECRET, 2, now, 900),
        mint_mqtt_token("another-secret-0123456789abcdefghij", 1, now, 900),
        mint_mqtt_token(TOKEN_SECRET, 1, now - timedelta(hours=1), 900),
    ):
        with house.client() as client:
            assert connack_code(client, "shopper-1", "shopper-1", token) == 5


def test_a_phones_connection_ends_with_its_token(embedded_house: RunningBroker) -> None:
    token = mint_mqtt_token(TOKEN_SECRET, 1, datetime.now(UTC), 2)
    with RawClient((embedded_house.address.host, embedded_house.address.mqtt_port)) as phone:
        assert phone.connect("shopper-1", "shopper-1", token).body == b"\0\0"
        assert phone.subscribe(("smartcart/v1/shoppers/1/cart", 1)) == [1]
        assert phone.is_closed_by_broker(within_s=5)
    assert embedded_house.counts["ended: rights ended"] == 1


@pytest.mark.parametrize("everywhere", [False, True], ids=["logged out", "erased"])
def test_a_phones_connection_ends_with_its_login_and_its_token_opens_nothing_more(everywhere: bool) -> None:
    """Another login of the same shopper goes on, unless the shopper is gone."""
    table, this, other = Credentials(), uuid4(), uuid4()
    copy = CredentialCopy(table)
    copy.refresh()
    tokens = [mint_mqtt_token(TOKEN_SECRET, 1, datetime.now(UTC), 900, family_id=family) for family in (this, other)]
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET)) as broker:
        where = (broker.address.host, broker.address.mqtt_port)
        with RawClient(where) as phone:
            assert phone.connect("shopper-1", "shopper-1", tokens[0]).body == b"\0\0"
            table.ended_logins.append(EndedLogin(1, None if everywhere else this))
            copy.refresh()
            assert phone.is_closed_by_broker(within_s=5)
        answers = []
        for token in tokens:
            with RawClient(where) as phone:
                answers.append(connack_code(phone, "shopper-1", "shopper-1", token))
        assert answers == [5, 5 if everywhere else 0]


def test_an_empty_or_huge_client_id_is_refused(house: HouseBroker) -> None:
    for client_id, clean in (("", False), ("x" * 65_000, True)):
        with house.client() as client:
            client.send(connect_bytes(client_id, "cart-1", house.accounts["cart-1"], clean=clean))
            if house.kind == "mosquitto" and not client_id:
                # The user name stands in for it.
                assert client.receive().body[1] in (0, 2)
                continue
            assert client.is_closed_by_broker()


def test_carts_are_asked_to_come_back_later_while_no_credentials_were_read() -> None:
    table = Credentials()
    table.put(1, f"{1:064x}")
    table.away = True
    copy = CredentialCopy(table)
    copy.follow(0.3)
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET)) as broker:
        where = (broker.address.host, broker.address.mqtt_port)
        with RawClient(where) as cart:
            assert cart.connect("cart-1", "cart-1", f"{1:064x}").body == b"\0\x03"
        with RawClient(where) as service:
            assert service.connect("ingest-0", "ingest-0", SERVICE_PASSWORD).body == b"\0\0"
        table.away = False

        def comes_in() -> bool:
            with RawClient(where) as cart:
                return cart.connect("cart-1", "cart-1", f"{1:064x}").body == b"\0\0"

        eventually(comes_in)
        table.away = True
        eventually(comes_in, message="the copy stays while the database is away")
    copy.stop()


def test_an_account_that_is_newer_than_the_brokers_memory_comes_in_at_the_first_try() -> None:
    table = Credentials()
    copy = CredentialCopy(table)
    copy.refresh()
    copy.follow(every_s=3_600)
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET)) as broker:
        where = (broker.address.host, broker.address.mqtt_port)
        for number in range(1, 4):  # each is new in its turn
            table.put(number, f"{number:064x}")
            with RawClient(where) as cart:
                assert cart.connect(f"cart-{number}", f"cart-{number}", f"{number:064x}").body == b"\0\0"
        table.put(1, "f" * 64)  # a rotation
        with RawClient(where) as cart:
            assert cart.connect("cart-1", "cart-1", "f" * 64).body == b"\0\0"
        with RawClient(where) as cart:
            cart.send(connect_bytes("cart-2", "cart-2", "wrong") + connect_bytes("cart-2", "cart-2", f"{2:064x}"))
            assert cart.receive().body == b"\0\x05", "what comes behind a refused CONNECT is not looked at"
            assert cart.is_closed_by_broker()
        table.away = True
        with RawClient(where) as cart:
            assert cart.connect("cart-9", "cart-9", f"{9:064x}").body == b"\0\x03", "nobody knows: come back later"
    copy.stop()


def test_what_a_client_sends_behind_its_connect_waits_for_the_decision() -> None:
    table = Credentials()
    copy = CredentialCopy(table)
    copy.refresh()
    copy.follow(every_s=3_600)
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET)) as broker:
        table.put(1, f"{1:064x}")
        with RawClient((broker.address.host, broker.address.mqtt_port)) as cart:
            cart.send(connect_bytes("cart-1", "cart-1", f"{1:064x}") + PINGREQ_BYTES)
            assert cart.receive().body == b"\0\0"
            assert cart.receive().kind == PINGRESP
    copy.stop()


def test_a_flood_of_wrong_passwords_costs_few_reads_of_the_table_and_keeps_nobody_out() -> None:
    table = CountedCredentials()
    table.put(1, f"{1:064x}")
    copy = CredentialCopy(table)
    copy.refresh()
    copy.follow(every_s=3_600)
    with running(HouseDoor(copy, SERVICE_PASSWORD, TOKEN_SECRET)) as broker, contextlib.ExitStack() as open_ones:
        where = (broker.address.host, broker.address.mqtt_port)
        begun_s = monotonic()
        flood = [open_ones.enter_context(RawClient(where)) for _ in range(150)]
        for number, client in enumerate(flood):
            client.send(connect_bytes(f"cart-{number + 1}", f"cart-{number + 1}", "wrong"))
        with RawClient(where) as cart:
            assert cart.connect("cart-1", "cart-1", f"{1:064x}").body == b"\0\0"
        assert [client.receive().body for client in flood] == [b"\0\x05"] * len(flood)
        assert table.reads <= 3 + (monotonic() - begun_s) / READ_PAUSE_S
    copy.stop()


def test_a_cart_that_moved_to_another_store_keeps_its_session_and_none_of_the_old_stores_messages(
    embedded_only: HouseBroker, credentials: Credentials
) -> None:
    moved = CartIdentity(1, "other")
    with embedded_only.join(CART, clean=False, will=Will(STATUS[CART], b"offline")) as cart:
        cart.subscribe((STATE[CART], 1))
        with embedded_only.join(PUBLISHER) as publisher, embedded_only.join(INGEST) as ingest:
            ingest.subscribe((STATUS[CART], 1))
            credentials.put(1, password_of(CART), moved.store)
            assert cart.is_closed_by_broker()
            assert ingest.hears_nothing(), "it may not speak for the old store any more"
            publisher.publish(STATE[CART], b"private", 1)
    with embedded_only.client() as cart:
        assert cart.connect("cart-1", "cart-1", password_of(moved), clean=False).body == b"\x01\0"
        assert cart.hears_nothing()
        own = STATE[CART].replace("/main/", "/other/")
        assert cart.subscribe((STATE[CART], 1), (own, 1)) == [0x80, 1]


class TestWithShortMemory:
    @pytest.fixture
    def house_limits(self) -> Limits:
        standard = Limits()
        return replace(standard, carts=replace(standard.carts, session_expiry_s=0.5))

    def test_a_session_nobody_comes_back_for_is_forgotten(
        self, embedded_only: HouseBroker, embedded_house: RunningBroker
    ) -> None:
        embedded_only.join(CART, clean=False).leave()
        eventually(lambda: embedded_house.counts["sessions_expired"] == 1)
        with embedded_only.client() as cart:
            assert cart.connect("cart-1", "cart-1", password_of(CART), clean=False).body == b"\0\0"
