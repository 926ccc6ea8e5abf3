"""What the console's calls answer: the store as it is, the queue, dead letters, closed aisles, a cart's log."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from shared.contracts.channels import EVENTS
from shared.contracts.decode import decode_event
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry, Health, Location
from shared.db.alerts import Alert, AlertKind, raise_alerts
from shared.db.broker_refusals import RefusedThing, record_broker_refusals
from shared.db.cart_log import apply_events
from shared.db.dead_letters import DeadLetter, insert_dead_letters
from shared.db.incoming import Incoming
from shared.db.presence import Heard, save_statuses, save_telemetry
from tests.integration.gateway.operators import LoggedInOperator, log_in
from tests.integration.gateway.shop import LoggedIn, Shop

MILK_CODE = "9520000000011"
LAYOUT: dict[str, Any] = {
    "store": "main",
    "y_axis": "down",
    "clearance_m": 0.3,
    "floors": [{"floor": 0, "bounds": [0, 0, 10, 10], "shelves": [[4, 2, 5, 8]], "sections": [], "one_way": []}],
    "connectors": [],
    "entrances": [[0, 1, 9]],
    "checkouts": [],
}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def staff(shop: Shop) -> LoggedInOperator:
    return log_in(shop, "sam", "staff")


@pytest.fixture
def manager(shop: Shop) -> LoggedInOperator:
    return log_in(shop, "mia", "manager")


def _send(shop: Shop, cart_id: int, *events: dict[str, Any]) -> None:
    """As if cart-ingest had settled these events."""
    now = shop.clock()
    incoming = []
    for event in events:
        payload = json.dumps({"v": 1, "at": int(now.timestamp() * 1000), "epoch": 1, **event}).encode()
        topic = EVENTS.topic(store="main", cart=cart_id)
        incoming.append(Incoming(topic, "main", cart_id, payload, decode_event(payload, cart_id), now))
    with psycopg.connect(shop.database_url) as tx:
        apply_events(tx, incoming, [], now, "ingest-0")


def _raise(shop: Shop, cart_id: int, kind: AlertKind = "help") -> int:
    with psycopg.connect(shop.database_url) as tx:
        raise_alerts(tx, [Alert(kind, 1, cart_id, None, "")], shop.clock())
    found: int = shop.execute("SELECT max(alert_id) FROM alert")[0][0]
    return found


def _cart(answer: Any, cart_id: int) -> dict[str, Any]:
    return next(one for one in answer.json()["carts"] if one["cart_id"] == cart_id)


def _actions(operator: LoggedInOperator) -> list[tuple[str, str, int | None]]:
    listed = operator.get("/actions").json()["actions"]
    return [(one["operator"], one["action"], one["subject_id"]) for one in listed if one["action"] != "logged_in"]


def test_a_cart_is_shown_where_it_is_with_its_health_and_its_session(
    shop: Shop, staff: LoggedInOperator, ada: LoggedIn
) -> None:
    cart_id = shop.connect(ada)
    ada.post("/cart/item/add", json={"product_id": shop.milk})
    heard = Heard(cart_id, "main", shop.clock())
    with psycopg.connect(shop.database_url) as tx:
        save_statuses(tx, [(heard, CartStatus(online=True, epoch=1, firmware="1.4.2"))])
        save_telemetry(
            tx,
            [
                (
                    heard,
                    CartTelemetry(
                        location=Location(x=3.5, y=4.25, floor=0),
                        health=Health(battery_pct=81, rssi_dbm=-60, journal_length=2),
                    ),
                )
            ],
        )
    answer = staff.get("/live")
    shown = _cart(answer, cart_id)
    assert (shown["online"], shown["firmware"], shown["battery_pct"]) == (True, "1.4.2", 81)
    assert (shown["x"], shown["y"], shown["floor"]) == (3.5, 4.25, 0)
    assert shown["session"] | {"opened_at": None} == {
        "opened_at": None,
        "items": 1,
        "total_minor": 99,
        "incomplete": False,
        "has_phone": True,
    }
    free = _cart(answer, shop.carts[1].cart_id)
    assert (free["online"], free["session"], free["x"]) == (False, None, None)
    assert ada.number.removeprefix("+") not in answer.text


def test_a_gap_is_marked_and_an_unknown_store_is_none(shop: Shop, staff: LoggedInOperator) -> None:
    cart_id = shop.carts[0].cart_id
    _send(shop, cart_id, {"seq": 1, "type": "scan", "code": MILK_CODE}, {"seq": 5, "type": "scan", "code": MILK_CODE})
    assert _cart(staff.get("/live"), cart_id)["gap_since"] is not None
    assert staff.get("/live", params={"store": "nowhere"}).json()["code"] == "unknown_store"
    assert staff.get("/stores").json() == {"stores": [{"store_id": 1, "name": "main"}]}


def test_of_two_who_claim_an_alert_one_gets_it_and_either_may_resolve_it(
    shop: Shop, staff: LoggedInOperator, manager: LoggedInOperator
) -> None:
    alert_id = _raise(shop, shop.carts[0].cart_id)
    assert staff.post(f"/alerts/{alert_id}/claim").status_code == 200
    assert staff.post(f"/alerts/{alert_id}/claim").status_code == 200
    late = manager.post(f"/alerts/{alert_id}/claim")
    assert (late.status_code, late.json()["code"], late.json()["detail"]) == (
        409,
        "alert_claimed",
        "sam has taken this alert.",
    )
    assert [(one["alert_id"], one["claimed_by"]) for one in staff.get("/live").json()["alerts"]] == [(alert_id, "sam")]
    for _ in range(2):
        assert manager.post(f"/alerts/{alert_id}/resolve").status_code == 200
    assert staff.get("/live").json()["alerts"] == []
    assert staff.post(f"/alerts/{alert_id}/claim").json()["code"] == "alert_resolved"
    assert _actions(staff) == [("mia", "resolved_alert", alert_id), ("sam", "claimed_alert", alert_id)]
    assert shop.execute("SELECT claimed_by, resolved_by FROM alert") == [("sam", "mia")]


def test_an_alert_that_does_not_exist_is_not_found(staff: LoggedInOperator) -> None:
    for deed in ("claim", "resolve"):
        answer = staff.post(f"/alerts/4711/{deed}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_alert")


def _keep(shop: Shop, letter: DeadLetter) -> int:
    with psycopg.connect(shop.database_url) as tx:
        insert_dead_letters(tx, [letter], shop.clock())
    found: int = shop.execute("SELECT max(dead_letter_id) FROM dead_letter")[0][0]
    return found


def test_a_dead_letter_is_shown_without_harm_and_applied_when_its_reason_is_gone(
    shop: Shop, manager: LoggedInOperator
) -> None:
    cart_id = shop.carts[0].cart_id
    payload = json.dumps({"v": 1, "epoch": 1, "seq": 1, "at": 1, "type": "scan", "code": MILK_CODE}).encode()
    topic = EVENTS.topic(store="main", cart=cart_id)
    number = _keep(shop, DeadLetter(topic, payload, "bug", f"{EVIL}\x1b[2J\u202e", cart_id, 1, 1))
    assert [one["dead_letter_id"] for one in manager.get("/dead_letters").json()["dead_letters"]] == [number]
    assert manager.get("/dead_letters", params={"reason": "stale"}).json()["dead_letters"] == []
    assert manager.get("/dead_letters", params={"before": number}).json()["dead_letters"] == []
    shown = manager.get(f"/dead_letters/{number}")
    assert shown.json()["detail"] == EVIL + "\\x1b[2J\\u202e"
    assert shown.json()["payload"] == payload.decode()
    assert shown.headers["Content-Type"] == "application/json"

    assert manager.post(f"/dead_letters/{number}/retry").json() == {"outcome": "applied"}
    assert manager.post(f"/dead_letters/{number}/retry").json() == {"outcome": "duplicate"}
    assert _cart(manager.get("/live"), cart_id)["session"]["items"] == 1
    assert _actions(manager) == [("mia", "retried_dead_letter", number)] * 2


def test_a_dead_letter_that_is_no_event_cannot_be_tried_again(shop: Shop, manager: LoggedInOperator) -> None:
    number = _keep(shop, DeadLetter("smartcart/v1/strange", b"\x00\xff", "topic"))
    answer = manager.post(f"/dead_letters/{number}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_retriable")
    assert manager.get(f"/dead_letters/{number}").json()["payload"] == "\\x00\\xff"
    assert manager.get("/dead_letters/4711").json()["code"] == "unknown_dead_letter"
    assert manager.post("/dead_letters/4711/retry").json()["code"] == "unknown_dead_letter"


def _with_layout(shop: Shop) -> None:
    with psycopg.connect(shop.database_url) as tx:
        tx.execute(
            "INSERT INTO store_layout (store_id, version, document) VALUES (1, 1, %s::jsonb)", (json.dumps(LAYOUT),)
        )


def test_an_aisle_is_closed_and_opened_again(shop: Shop, manager: LoggedInOperator) -> None:
    rect = {"floor": 0, "x1": 1, "y1": 2, "x2": 3, "y2": 8}
    assert manager.post("/blocks", json={"place": rect}).json()["code"] == "no_layout"
    _with_layout(shop)
    made = manager.post("/blocks", json={"place": rect, "note": "wet floor"})
    assert made.status_code == 201
    block_id = made.json()["block_id"]
    (block,) = manager.get("/live").json()["blocks"]
    assert (block["block_id"], block["note"], block["blocked_by"], block["x2"]) == (block_id, "wet floor", "mia", 3)
    assert len(shop.client.get("/stores/main/plan").json()["closed"]) == 1
    assert manager.request("DELETE", f"/blocks/{block_id}").status_code == 204
    assert manager.request("DELETE", f"/blocks/{block_id}").json()["code"] == "unknown_block"
    assert manager.get("/live").json()["blocks"] == []
    assert _actions(manager) == [("mia", "unblocked_aisle", block_id), ("mia", "blocked_aisle", block_id)]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"floor": 0, "x1": 3, "y1": 2, "x2": 3, "y2": 8}, "invalid_request"),
        ({"floor": 7, "x1": 1, "y1": 2, "x2": 3, "y2": 8}, "unknown_reference"),
        ({"floor": 0, "x1": 1, "y1": 2, "x2": 1e9, "y2": 8}, "invalid_request"),
        ({"connector": 0}, "unknown_reference"),
        ({"connector": 0, "floor": 0}, "invalid_request"),
    ],
)
def test_what_is_not_a_place_of_the_store_cannot_be_closed(
    shop: Shop, manager: LoggedInOperator, place: dict[str, Any], code: str
) -> None:
    _with_layout(shop)
    answer = manager.post("/blocks", json={"place": place})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert manager.get("/live").json()["blocks"] == []


def test_a_carts_log_is_searched_and_paged_without_gap_or_repetition(shop: Shop, staff: LoggedInOperator) -> None:
    cart_id = shop.carts[0].cart_id
    scans = [{"seq": seq, "type": "scan", "code": MILK_CODE if seq % 2 else "9520000000028"} for seq in range(1, 8)]
    _send(shop, cart_id, *scans, {"seq": 8, "type": "scan", "code": "4006381333931"}, {"seq": 9, "type": "help"})
    seen, after = [], None
    while True:
        page = staff.get(f"/carts/{cart_id}/events", params={"limit": 4, **({"after": after} if after else {})}).json()
        seen += [one["key"] for one in page["events"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"1-{seq}-0" for seq in range(9, 0, -1)]

    def found(**query: str) -> list[str]:
        answer = staff.get(f"/carts/{cart_id}/events", params=query)
        return [one["key"] for one in answer.json()["events"]]

    assert found(search="fresh MILK") == [f"1-{seq}-0" for seq in (7, 5, 3, 1)]
    assert found(search="help") == ["1-9-0"]
    assert found(verdict="refused") == ["1-8-0"]
    assert found(search="%") == []
    assert found(search="milk", verdict="refused") == []
    assert staff.get("/carts/4711/events").json()["code"] == "cart_unknown"
    assert staff.get(f"/carts/{cart_id}/events", params={"after": "1-x"}).status_code == 422


def test_a_carts_log_names_products_as_they_are(shop: Shop, staff: LoggedInOperator) -> None:
    shop.execute("UPDATE product SET name = %s WHERE product_id = %s", EVIL, shop.milk)
    _send(shop, shop.carts[0].cart_id, {"seq": 1, "type": "scan", "code": MILK_CODE})
    (event,) = staff.get(f"/carts/{shop.carts[0].cart_id}/events").json()["events"]
    assert (event["product_name"], event["verdict"], event["quantity"]) == (EVIL, "applied", 1)


def test_ingests_health_is_what_the_database_counted(shop: Shop, staff: LoggedInOperator) -> None:
    samples = shop.gateway.ingest_samples
    samples.take()
    cart_id = shop.carts[0].cart_id
    event = {"seq": 1, "type": "scan", "code": MILK_CODE}
    _send(shop, cart_id, event)
    _send(shop, cart_id, event, {"seq": 3, "type": "scan", "code": MILK_CODE})
    samples.take()
    health = staff.get("/ingest").json()
    assert (health["received"], health["duplicates"], health["worker"]) == (3, 1, None)
    newest = health["points"][-1]
    assert newest["gaps"] == 1
    assert newest["unpublished"] >= 1
    assert newest["events_per_s"] > newest["duplicates_per_s"] > 0
    assert newest["lag_ms"] is not None


def test_actions_are_paged_the_newest_first(shop: Shop, staff: LoggedInOperator) -> None:
    for cart in shop.carts:
        shop.clock.advance(minutes=1)
        staff.post(f"/alerts/{_raise(shop, cart.cart_id)}/claim")
    first = staff.get("/actions", params={"limit": 1}).json()["actions"]
    rest = staff.get("/actions", params={"before": first[0]["action_id"]}).json()["actions"]
    assert first[0]["cart_id"] == shop.carts[1].cart_id
    assert [one["action"] for one in rest] == ["claimed_alert", "logged_in"]


def test_a_store_of_300_carts_is_a_small_answer(shop: Shop, staff: LoggedInOperator) -> None:
    shop.execute(
        "INSERT INTO cart (store_id, secret_hash, pairing_code)"
        " SELECT 1, sha256(n::text::bytea), '000000' FROM generate_series(1, 298) n"
    )
    shop.execute("INSERT INTO cart_presence (cart_id) SELECT cart_id FROM cart ON CONFLICT DO NOTHING")
    shop.execute(
        "UPDATE cart_presence SET online = true, firmware = '1.4.2', x = random() * 28, y = random() * 24, floor = 0,"
        " battery_pct = 80, last_seen_at = %s, located_at = %s",
        shop.clock(),
        shop.clock() - timedelta(seconds=1),
    )
    answer = staff.get("/live", headers={"Accept-Encoding": "gzip"})
    assert len(answer.json()["carts"]) == 300
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < 16_000


def test_a_cart_shows_what_the_broker_refused_it(shop: Shop, staff: LoggedInOperator) -> None:
    cart_id = shop.carts[0].cart_id
    with psycopg.connect(shop.database_url) as tx:
        thing = RefusedThing(cart_id, "connect", "wrong_client_id", "", "client id esp32-1", 4)
        record_broker_refusals(tx, [thing], shop.clock())
    (told,) = staff.get(f"/carts/{cart_id}/refused").json()["refused"]
    assert (told["act"], told["reason"], told["detail"], told["times"]) == (
        "connect",
        "wrong_client_id",
        "client id esp32-1",
        4,
    )
    assert staff.get(f"/carts/{shop.carts[1].cart_id}/refused").json() == {"refused": []}
    assert staff.get("/carts/4711/refused").json()["code"] == "cart_unknown"
