"""What is kept, what is acknowledged, what is answered: docs/design.md, section 4, through the worker."""

import json

from shared.contracts.channels import STATUS, TELEMETRY
from tests.builders import BUTTER, OAT_DRINK, RYE_BREAD, Shop, remove, scan, weight
from tests.eventually import eventually
from tests.integration.broker.embedded import RunningBroker
from tests.integration.broker.wire import RawClient
from tests.integration.cart_ingest.conftest import StartIngest
from tests.integration.cart_ingest.program import (
    check_out,
    counted,
    events_topic,
    listening,
    query,
    retained_states,
    say,
    say_on,
    settled,
    take_cart,
)


def test_a_scan_comes_back_as_a_state_with_its_acknowledgement(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    cart = shop.carts[0]
    start_ingest()
    with listening(address[1], "smartcart/v1/stores/+/carts/+/state") as ear:
        say(address, cart, [scan(1), scan(2, RYE_BREAD)])

        eventually(lambda: ear.last_state(cart).ack.seq == 2)

    state = ear.last_state(cart)
    assert [(line.code, line.quantity) for line in state.lines] == [(OAT_DRINK, 1), (RYE_BREAD, 1)]
    assert state.total_minor == 189 + 279
    eventually(lambda: query(shop.url, "SELECT count(*) FROM cart WHERE version > published_version") == [(0,)])
    assert broker.broker.sizes["waiting"] == 0


# What is wrong with a delivery, and the reason under which it is kept (docs/reliability.md, M). The decoder's own
# table is in tests/unit/contracts; here it goes through broker, worker and PostgreSQL.
BAD = {
    "M1 empty": (b"", "empty"),
    "M2 not UTF-8": (b'{"v":1,"epoch":1,"seq":905,"type":"scan","code":"\xff"}', "decode"),
    "M2 byte order mark": (b"\xef\xbb\xbf{}", "decode"),
    "M2 trailing garbage": (b"{} {}", "decode"),
    "M3 an array": (b"[1]", "shape"),
    "M4 NaN": (b'{"v":1,"epoch":1,"seq":906,"type":"weight","total_g":NaN}', "decode"),
    "M5 a key twice": (b'{"v":1,"v":1}', "decode"),
    "M6 nested": (b"[" * 2_000, "decode"),
    "M6 oversize": (b'{"v":1,"x":"' + b"a" * 5_000 + b'"}', "oversize"),
    "M7 a long number": (b'{"v":1,"epoch":' + b"9" * 3_000 + b"}", "decode"),
    "M8 a boolean": (b'{"v":1,"epoch":true,"seq":1,"type":"help"}', "field"),
    "M9 a NUL in text": (json.dumps(scan(900, "a\0b")).encode(), "field"),
    "M9 a lone surrogate": (b'{"v":1,"epoch":1,"seq":901,"type":"scan","code":"\\ud800"}', "field"),
    "M10 quantity 1000": (json.dumps(scan(902, quantity=1000)).encode(), "field"),
    "M10 terminal codes": (json.dumps(scan(903, "\x1b[2J")).encode(), "field"),
    "M12 another cart": (json.dumps({**scan(904), "cart_id": 99}).encode(), "wrong_cart"),
    "M18 a jump": (json.dumps(scan(2**63 - 1)).encode(), "window"),
    "M18 negative": (json.dumps(scan(-1)).encode(), "field"),
}

BAD_TOPICS = {
    "M11 unknown cart": ("smartcart/v1/stores/main/carts/424242/events", "unknown_cart"),
    "M12 another store": ("smartcart/v1/stores/elsewhere/carts/{cart}/events", "wrong_store"),
    "M13 a leading zero": ("smartcart/v1/stores/main/carts/0{cart}/events", "topic"),
    "M13 no number": ("smartcart/v1/stores/main/carts/seven/events", "topic"),
    "M13 beyond 32 bits": ("smartcart/v1/stores/main/carts/99999999999/events", "topic"),
    "M13 capitals": ("smartcart/v1/stores/MAIN/carts/{cart}/events", "topic"),
    "M13 an empty level": ("smartcart/v1/stores//carts/{cart}/events", "topic"),
    "M13 a space": ("smartcart/v1/stores/ma in/carts/{cart}/events", "topic"),
    "M13 a confusable": ("smartcart/v1/stores/mаin/carts/{cart}/events", "topic"),
}


def test_everything_bad_is_kept_with_its_bytes_and_reason_and_the_good_goes_on(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int], broker: RunningBroker
) -> None:
    cart = shop.carts[0]
    ingest = start_ingest()
    messages: list[tuple[str | bytes, bytes]] = [(events_topic(cart), payload) for payload, _ in BAD.values()]
    good = json.dumps(scan(1)).encode()
    messages += [(topic.format(cart=cart), good) for topic, _ in BAD_TOPICS.values()]

    say_on(address, [*messages, (events_topic(cart), good)])
    eventually(lambda: ingest.outcome("applied") == 1)

    kept = {
        (topic, payload): (reason, size)
        for topic, payload, reason, size in query(
            shop.url, "SELECT topic, payload, reason, payload_bytes FROM dead_letter"
        )
    }
    for name, (payload, reason) in BAD.items():
        assert kept[events_topic(cart), payload] == (reason, len(payload)), name
    for name, (topic, reason) in BAD_TOPICS.items():
        shown = topic.format(cart=cart).encode("unicode_escape").decode()
        assert kept[shown, good] == (reason, len(good)), name
    assert len(kept) == len(BAD) + len(BAD_TOPICS)
    eventually(lambda: broker.broker.sizes["waiting"] == 0)
    assert settled(shop.url)()
    assert ingest.child.poll() is None


def test_what_a_cart_may_do_wrong_without_losing_anything(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """M15 to M17, M19, M22 and M24: duplicates, conflicts, gaps, clocks, storms, and a removal that came first."""
    first, second, third, fourth, _ = shop.carts
    ingest = start_ingest()

    say(address, first, [scan(1), scan(1), {**scan(1), "at": 5}, scan(1, BUTTER)])  # M15, M15, M16
    say(address, second, [scan(3), scan(1), scan(2, RYE_BREAD)])  # M17
    say(
        address, third, [scan(seq, at=at) for seq, at in enumerate((None, 0, 2**62, "noon", 253402300799999), 1)]
    )  # M19
    say(address, fourth, [remove(2), scan(1), *([scan(1)] * 1_000)])  # M24, M22

    eventually(lambda: counted(shop.url)["received"] == 4 + 3 + 5 + 1_002, message="everything arrived")
    assert settled(shop.url)()
    assert ingest.outcome("conflict") == 1
    states = eventually(lambda: {s.cart_id: s for s in retained_states(address[1]).values() if s.ack.seq})
    assert states[first].total_minor == 189
    assert [line.code for line in states[second].lines] == [OAT_DRINK, RYE_BREAD]
    assert states[second].ack.seq == 3
    assert states[third].total_items == 5
    assert query(shop.url, "SELECT count(*) FROM cart_event WHERE cart_id = %s AND ts_suspect", third) == [(5,)]
    assert states[fourth].lines == ()
    assert states[fourth].ack.seq == 2


def test_an_event_of_a_closed_trip_is_late_and_staff_can_see_it(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """M23."""
    cart, shopper = shop.carts[0], shop.shoppers[0]
    start_ingest()
    say(address, cart, [scan(1)])
    eventually(lambda: counted(shop.url)["logged"] == 1)
    session = take_cart(shop, cart, shopper)
    check_out(shop, shopper)

    say(address, cart, [scan(2, session=session)])

    eventually(lambda: query(shop.url, "SELECT verdict FROM cart_event WHERE seq = 2") == [("late",)])
    assert query(shop.url, "SELECT kind FROM alert") == [("late",)]
    assert eventually(lambda: retained_states(address[1])[cart].ack.seq) == 2


def test_an_event_sent_without_asking_for_delivery_is_applied_and_counted_apart(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """M20: QoS 0; QoS 2 is downgraded by our subscription. M21: a retained event counts once."""
    cart = shop.carts[0]
    ingest = start_ingest()

    say_on(address, [(events_topic(cart), scan(1))], qos=0)

    eventually(lambda: counted(shop.url)["logged"] == 1)
    assert eventually(lambda: ingest.metric("ingest_events_at_qos_0_total")) == 1


def test_a_retained_event_counts_once_however_often_we_subscribe(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    """M21."""
    with RawClient(address) as line:
        line.connect("voice")
        line.publish(events_topic(shop.carts[0]), json.dumps(scan(1)).encode(), retain=True)
    start_ingest().stop()
    start_ingest()

    eventually(lambda: counted(shop.url) == {"received": 2, "duplicates": 1, "logged": 1, "dead": 0})


def test_received_equals_applied_refused_late_duplicates_and_dead_letters_over_a_mixed_batch(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    ingest = start_ingest()
    messages: list[tuple[str | bytes, dict[str, object] | bytes]] = []
    for cart in shop.carts:
        for seq in range(1, 41):
            event = scan(seq, "4006381333931") if seq % 10 == 0 else weight(seq, seq) if seq % 7 == 0 else scan(seq)
            messages += [(events_topic(cart), event)] * (1 + seq % 3)
        messages += [(events_topic(cart), b"nonsense"), (events_topic(cart) + "x", b"stray?")]
        messages += [(STATUS.topic(store="main", cart=cart), {"v": 1, "online": True, "epoch": 1})]
        messages += [(TELEMETRY.topic(store="main", cart=cart), {"v": 1, "location": {"x": 1.0, "y": 2.0}})]

    say_on(address, messages)

    expected = sum(1 + seq % 3 for seq in range(1, 41)) * 5 + 5
    eventually(lambda: counted(shop.url)["received"] == expected)
    found = counted(shop.url)
    assert found["logged"] == 200
    assert found["dead"] == 5
    assert settled(shop.url)()
    assert query(shop.url, "SELECT count(*) FROM cart_event WHERE verdict = 'refused'") == [(20,)]
    assert ingest.outcome("duplicate") == found["duplicates"]
    assert ingest.metric("ingest_received_total") == expected
    eventually(lambda: query(shop.url, "SELECT count(*) FROM cart_presence WHERE online AND x = 1") == [(5,)])


def test_a_revoked_cart_is_heard_no_more(start_ingest: StartIngest, shop: Shop, address: tuple[str, int]) -> None:
    query(shop.url, "UPDATE cart SET revoked_at = now() WHERE cart_id = %s", shop.carts[0])
    start_ingest()

    say(address, shop.carts[0], [scan(1)])

    eventually(lambda: query(shop.url, "SELECT reason FROM dead_letter") == [("revoked_cart",)])


def test_births_and_wills_are_written_and_a_bad_one_is_a_dead_letter(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart = shop.carts[0]
    start_ingest()
    topic = STATUS.topic(store="main", cart=cart)

    say_on(address, [(topic, {"v": 1, "online": True, "epoch": 3, "firmware": "1.2"}), (topic, b"?")])

    eventually(lambda: query(shop.url, "SELECT online, status_epoch, firmware FROM cart_presence WHERE online"))
    eventually(lambda: query(shop.url, "SELECT reason FROM dead_letter") == [("status_decode",)])
    say_on(address, [(topic, {"v": 1, "online": False})])
    eventually(
        lambda: (
            query(shop.url, "SELECT online, status_epoch FROM cart_presence WHERE cart_id = %s", cart) == [(False, 3)]
        )
    )


def test_telemetry_is_coalesced_to_one_write_per_cart_and_second(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    cart = shop.carts[0]
    query(
        shop.url,
        """
        CREATE TABLE written (at timestamptz);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO written VALUES (clock_timestamp()); RETURN NEW; END';
        CREATE TRIGGER note AFTER UPDATE ON cart_presence FOR EACH ROW EXECUTE FUNCTION note();
        """,
    )
    ingest = start_ingest()
    topic = TELEMETRY.topic(store="main", cart=cart)

    for part in range(4):
        positions = [(topic, {"v": 1, "location": {"x": float(part * 100 + step), "y": 0.0}}) for step in range(100)]
        say_on(address, positions, qos=part % 2)
    say_on(address, [(topic, {"v": 1, "health": {"battery_pct": 70}})], qos=0)

    eventually(
        lambda: query(shop.url, "SELECT x, battery_pct FROM cart_presence WHERE cart_id = %s", cart) == [(399.0, 70)]
    )
    assert ingest.metric("ingest_telemetry_total", '{outcome="heard"}') == 401
    ((count, span_s),) = query(shop.url, "SELECT count(*), extract(epoch FROM max(at) - min(at))::float8 FROM written")
    assert count <= 1 + span_s / 0.99


def test_unreadable_telemetry_is_counted_and_forgotten(
    start_ingest: StartIngest, shop: Shop, address: tuple[str, int]
) -> None:
    ingest = start_ingest()
    topic = TELEMETRY.topic(store="main", cart=shop.carts[0])

    say_on(address, [(topic, payload) for payload in (b"", b"?", b'{"v":1}')])

    eventually(lambda: ingest.metric("ingest_telemetry_total", '{outcome="unreadable"}') == 3)
    assert query(shop.url, "SELECT count(*) FROM dead_letter") == [(0,)]
