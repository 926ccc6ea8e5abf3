"""The shopper's trip from log-in to receipt over real HTTP and real MQTT-over-WebSocket, and what races it."""

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from firmware_sim.journal import Entry
from shared.contracts.state import CartState
from shared.db.catalogue import SimProduct
from tests.eventually import eventually
from tests.journeys.carts import Cart, carts_on_thread
from tests.journeys.phone import LiveCart, Phone
from tests.journeys.stack import Stack

RACES = 30
SCANS_IN_A_RACE = 4  # no more than the notices that a state shows
GRABS = 4  # a fifth wrong or late guess within a minute would be one too many
REVOKED_WITHIN_S = 5.0

_numbers = itertools.count(491700100000)
NewPhone = Callable[[], Phone]


@pytest.fixture
def new_phone(stack: Stack) -> Iterator[NewPhone]:
    """Log in phones that nobody used before."""
    with contextlib.ExitStack() as open_phones:

        def log_in() -> Phone:
            phone = Phone(stack.address.http_url, f"+{next(_numbers)}")
            open_phones.callback(phone.close)
            return phone

        yield log_in


@pytest.fixture
def cart(stack: Stack) -> Iterator[Cart]:
    """A cart of its own, switched on and free."""
    with carts_on_thread(stack.address.mqtt_url, stack.add_carts(1)) as (cart,):
        yield cart


def shows(pieces: int) -> Callable[[CartState], bool]:
    return lambda state: state.status == "active" and state.total_items == pieces


def take(phone: Phone, cart: Cart) -> None:
    """Pair with a cart that nobody holds; what was scanned after the last farewell may lie in it already."""
    shown = cart.wait_for(lambda state: state.status != "closed" and state.pairing_code is not None)
    connected = phone.connect(cart.cart_id, shown.pairing_code)
    assert connected.status_code == 200, connected.text
    cart.wait_for(lambda state: state.status == "active")


def test_a_shopper_logs_in_takes_a_cart_sees_each_scan_live_pays_and_finds_the_order(
    stack: Stack, cart: Cart, new_phone: NewPhone
) -> None:
    phone, basket = new_phone(), stack.products()[:3]
    with contextlib.closing(LiveCart(phone.mqtt_token())) as live:
        take(phone, cart)
        live.wait_for(shows(0))
        for count, product in enumerate(basket, start=1):
            cart.scan(product.codes[0])
            seen = live.wait_for(shows(count))
            assert seen.lines[-1].product_id == product.product_id
        assert phone.view().json()["version"] == seen.version

        paid = phone.check_out()
        assert paid.status_code == 201, paid.text
        farewell = live.wait_for(lambda state: state.status == "closed")
        shown = list(live.states)

    assert farewell.session_id == seen.session_id
    assert [line.product_id for line in farewell.lines] == [product.product_id for product in basket]
    versions = [state.version for state in shown]
    assert versions == sorted(set(versions))
    assert {state.pairing_code for state in shown} == {None}

    (order,) = phone.orders()
    assert order.order_id == paid.json()["order_id"]
    assert [(line.product_id, line.quantity) for line in order.lines] == [(one.product_id, 1) for one in basket]
    assert (order.total_minor, order.paid_minor) == (seen.subtotal_minor, seen.total_minor)
    assert phone.view().status_code == 404


def test_the_next_shopper_starts_empty_and_sees_nothing_of_the_one_before(
    stack: Stack, cart: Cart, new_phone: NewPhone
) -> None:
    first, second, (milk, bread, *_) = new_phone(), new_phone(), stack.products()
    with (
        contextlib.closing(LiveCart(first.mqtt_token())) as of_first,
        contextlib.closing(LiveCart(second.mqtt_token())) as of_second,
    ):
        take(first, cart)
        cart.scan(milk.codes[0])
        cart.wait_for(shows(1))
        assert first.check_out().status_code == 201
        of_first.wait_for(lambda state: state.status == "closed")

        take(second, cart)
        assert second.view().json()["items"] == []
        cart.scan(bread.codes[0])
        of_second.wait_for(shows(1))
        assert second.check_out().status_code == 201
        of_second.wait_for(lambda state: state.status == "closed")

        assert {line.product_id for state in of_first.states for line in state.lines} == {milk.product_id}
        assert {line.product_id for state in of_second.states for line in state.lines} == {bread.product_id}
    assert [line.product_id for order in second.orders() for line in order.lines] == [bread.product_id]


def test_of_phones_that_want_one_cart_at_the_same_moment_exactly_one_gets_it(cart: Cart, new_phone: NewPhone) -> None:
    phones = [new_phone(), new_phone()]
    with ThreadPoolExecutor(len(phones)) as hands:
        for _ in range(GRABS):
            code = cart.wait_until_free().pairing_code
            together = threading.Barrier(len(phones))

            def grab(phone: Phone, code: str | None = code, together: threading.Barrier = together) -> int:
                together.wait(10)
                return phone.connect(cart.cart_id, code).status_code

            answers = list(hands.map(grab, phones))
            winner, loser = phones if answers[0] == 200 else reversed(phones)
            assert sorted(answers) == [200, 409]
            assert winner.view().json()["cart_id"] == cart.cart_id
            assert loser.view().status_code == 404
            cart.wait_for(lambda state: state.status == "active")
            assert winner.disconnect().status_code == 200


@dataclass
class Race:
    """Everything that a cart scanned while its shoppers paid, and where each scan ended."""

    scanned: list[Entry] = field(default_factory=list)
    noticed: set[tuple[int, int]] = field(default_factory=set)
    ordered: Counter[int] = field(default_factory=Counter)

    def note(self, state: CartState) -> None:
        self.noticed |= {(one.epoch, one.seq) for one in state.notices if one.code == "session_closed"}


def test_a_scan_that_races_the_checkout_is_on_the_order_or_refused_with_a_notice(
    stack: Stack, cart: Cart, new_phone: NewPhone
) -> None:
    phone, race = new_phone(), Race()
    products = stack.products()
    by_code = {product.codes[0]: product.product_id for product in products}
    with ThreadPoolExecutor(1) as hand:
        for number in range(RACES):
            pay_while_scanning(phone, cart, hand, race, products[number % len(products)], number)
    take(phone, cart)  # what was scanned after the last farewell is on the next trip
    if cart.wait_until_settled().total_items:
        assert phone.check_out().status_code == 201
    for order in phone.orders():
        race.ordered.update({line.product_id: line.quantity for line in order.lines})

    refused = Counter(by_code[one.draft.code or ""] for one in race.scanned if one.key in race.noticed)
    scanned = Counter(by_code[one.draft.code or ""] for one in race.scanned)
    assert scanned - refused == race.ordered
    assert race.noticed <= {one.key for one in race.scanned}
    assert race.noticed, "no scan was ever late: nothing raced"
    assert scanned.total() > RACES + len(race.noticed), "no scan was ever in time: nothing raced"


def pay_while_scanning(
    phone: Phone, cart: Cart, hand: ThreadPoolExecutor, race: Race, product: SimProduct, number: int
) -> None:
    """One trip: the first scan is shown; then the shopper pays from one thread while another goes on scanning."""
    take(phone, cart)
    race.scanned.append(cart.scan(product.codes[0]))
    paid_trip = cart.wait_until_settled().session_id
    together = threading.Barrier(2)

    def scan_on() -> None:
        together.wait(10)
        for _ in range(SCANS_IN_A_RACE):
            race.scanned.append(cart.scan(product.codes[0]))

    scanning = hand.submit(scan_on)
    together.wait(10)
    for _ in range(number % 3):
        phone.view()  # now and then the scans get a start
    answer = phone.check_out()
    scanning.result(10)
    assert answer.status_code == 201, answer.text
    race.note(cart.wait_until_settled())
    cart.wait_for(lambda state: state.session_id != paid_trip)
    race.note(cart.wait_until_settled())


def test_a_revoked_cart_loses_its_live_connection_within_five_seconds(stack: Stack) -> None:
    revoked, other = stack.add_carts(2)
    with carts_on_thread(stack.address.mqtt_url, [revoked, other]) as (cart, neighbour):
        stack.must("carts", "revoke", str(revoked.cart_id))
        eventually(lambda: not cart.sim.connection.up, within_s=REVOKED_WITHIN_S)
        eventually(lambda: cart.sim.connection.refused == "CONNACK 5", within_s=REVOKED_WITHIN_S)
        assert neighbour.sim.connection.up
        assert neighbour.sim.connection.connects == 1
