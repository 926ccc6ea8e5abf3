"""What happens to carts although nobody touches them: each gets its turn, by a time that nobody sets."""

from datetime import timedelta

from shared.db.running_time import advance_running_time
from shared.db.types import Tx
from shared.db.upkeep import abandon_idle_sessions, give_up_gaps, list_open_gaps, rotate_pairing_codes
from tests.builders import NOW, Shop, incoming, scan
from tests.integration.db.trips import apply, take_cart

IDLE_S = 7_200.0


def trips(tx: Tx) -> dict[int, str]:
    return dict(tx.execute("SELECT cart_id, status FROM cart_session ORDER BY cart_id").fetchall())


def test_no_clock_that_somebody_sets_ends_a_trip(tx: Tx, shop: Shop) -> None:
    cart = shop.carts[0]
    apply(tx, incoming(cart, scan(1)))

    for step in (timedelta(hours=3), timedelta(days=400), -timedelta(days=400)):
        assert abandon_idle_sessions(tx, IDLE_S, NOW + step) == (0, None)
    assert trips(tx) == {cart: "open"}


def test_a_trip_ends_after_it_was_idle_while_we_ran(tx: Tx, shop: Shop) -> None:
    idle, busy = shop.carts[:2]
    apply(tx, incoming(idle, scan(1)), incoming(busy, scan(1)))
    advance_running_time(tx, 4_000.0)
    apply(tx, incoming(busy, scan(2)))
    advance_running_time(tx, 7_201.0)

    assert abandon_idle_sessions(tx, IDLE_S, NOW)[0] == 1

    assert trips(tx) == {idle: "abandoned", busy: "open"}


def test_several_workers_advance_the_running_time_as_fast_as_one(tx: Tx, shop: Shop) -> None:
    assert advance_running_time(tx, 60.0) == 60.0
    assert advance_running_time(tx, 58.0) == 60.0, "another saw less of the same minute"
    assert advance_running_time(tx, 0.0) == 60.0, "one that starts goes on where the others are"


def test_every_gap_gets_its_turn_however_many_carts_before_it_are_offline(tx: Tx, shop: Shop) -> None:
    last = shop.carts[-1]
    apply(tx, *(incoming(cart, scan(2)) for cart in shop.carts))
    tx.execute("UPDATE cart_presence SET online = (cart_id = %s)", (last,))

    pages = []
    while page := list_open_gaps(tx, pages[-1].cart_id if pages else 0, 1):
        pages += page

    assert [gap.cart_id for gap in pages] == shop.carts
    assert give_up_gaps(tx, pages, NOW) == [last]


def test_idle_trips_and_old_codes_are_done_page_by_page(tx: Tx, shop: Shop) -> None:
    first, second, third = shop.carts
    apply(tx, *(incoming(cart, scan(1)) for cart in shop.carts))
    take_cart(tx, second, shop.shoppers[0])
    tx.execute("UPDATE cart_presence SET online = true")
    advance_running_time(tx, 8_000.0)

    assert rotate_pairing_codes(tx, 300.0, NOW, 0, 1) == (1, first)
    assert rotate_pairing_codes(tx, 300.0, NOW, first, 1) == (1, third), "the second is held"
    assert rotate_pairing_codes(tx, 300.0, NOW, third, 1) == (0, None)
    assert rotate_pairing_codes(tx, 300.0, NOW - timedelta(days=1)) == (0, None), "just shown, whatever the clock says"
    assert abandon_idle_sessions(tx, IDLE_S, NOW, 0, 2) == (2, second)
    assert abandon_idle_sessions(tx, IDLE_S, NOW, second, 2) == (1, None)
    assert set(trips(tx).values()) == {"abandoned"}
