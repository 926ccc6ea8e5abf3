"""The gate of acknowledgements and the inbox, against a broker that does what it should not.

Reasons: docs/reliability.md d.1, d.2.
"""

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cart_ingest import listener as listener_module
from services.cart_ingest.listener import Delivery, Listener
from services.cart_ingest.metrics import Metrics
from tests.eventually import eventually
from tests.integration.broker.wire import Silence, publish_bytes
from tests.integration.cart_ingest.program import events_topic, running_ingest
from tests.integration.cart_ingest.scripted_broker import DISCONNECT, Peer, ScriptedBroker, scripted_broker

TOPIC = events_topic(1)


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    with scripted_broker() as broker:
        yield broker


@pytest.fixture
def forgetful() -> list[bool]:
    return []


StartListener = Callable[..., Listener]


@pytest.fixture
def start_listener(broker: ScriptedBroker, forgetful: list[bool]) -> Iterator[StartListener]:
    started: list[Listener] = []

    def start(inbox_max: int = 100) -> Listener:
        listener = Listener(
            url=f"mqtt://127.0.0.1:{broker.port}",
            name="ingest-0",
            password="secret",
            ca_file=None,
            share=False,
            inbox_max=inbox_max,
            metrics=Metrics(),
            on_forgetful_broker=lambda: forgetful.append(True),
        )
        listener.start()
        started.append(listener)
        return listener

    yield start
    for listener in started:
        listener.stop(within_s=2.0)


def greeted(broker: ScriptedBroker, *, session_present: bool = False) -> Peer:
    peer = broker.peer()
    peer.welcome(session_present=session_present)
    peer.grant()
    return peer


def take(listener: Listener, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    eventually(lambda: taken.extend(listener.take(1_000, 0.1)) or len(taken) >= count)
    return taken


def send(peer: Peer, *packet_ids: int) -> None:
    for packet_id in packet_ids:
        peer.send(publish_bytes(TOPIC, b"%d" % packet_id, 1, packet_id))


def test_nothing_is_acknowledged_by_itself(broker: ScriptedBroker, start_listener: StartListener) -> None:
    listener = start_listener()
    peer = greeted(broker)

    send(peer, 1, 2)
    take(listener, 2)

    with pytest.raises(Silence):
        peer.hear(0.3)


def test_acknowledgements_go_out_in_the_order_of_arrival_and_once(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    listener = start_listener()
    peer = greeted(broker)
    send(peer, 7, 3, 9, 1)

    deliveries = take(listener, 4)
    listener.settle(deliveries)
    listener.settle(deliveries)

    assert peer.hear_acknowledgements(4) == [7, 3, 9, 1]
    with pytest.raises(Silence):
        peer.hear(0.3)


def test_a_delivery_of_an_ended_connection_is_taken_and_not_acknowledged(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    """Fact 8: on the new connection the same packet id is another message."""
    listener = start_listener()
    first = greeted(broker)
    send(first, 5)
    (stale,) = take(listener, 1)
    first.cut()
    second = greeted(broker, session_present=True)
    second.send(publish_bytes(TOPIC, b"another", 1, 5))
    (fresh,) = take(listener, 1)

    listener.settle([stale])
    with pytest.raises(Silence):
        second.hear(0.3)
    listener.settle([fresh])

    assert (stale.payload, fresh.payload) == (b"5", b"another")
    assert second.hear_acknowledgements(1) == [5]


def test_no_acknowledgement_leaves_while_a_reconnect_is_under_way(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    """Fact 7: between the loss and CONNACK an acknowledgement would go out before CONNECT, or to a stranger."""
    listener = start_listener()
    first = greeted(broker)
    send(first, 1, 2)
    before = take(listener, 2)
    first.cut()
    second = broker.peer()  # its CONNECT came first: anything else would have failed to be read as one

    listener.settle(before[:1])
    second.welcome(session_present=True)
    second.grant()
    listener.settle(before[1:])

    with pytest.raises(Silence):
        second.hear(0.3)


def test_it_subscribes_again_on_every_connection_whatever_the_broker_says_it_kept(
    broker: ScriptedBroker, start_listener: StartListener, forgetful: list[bool]
) -> None:
    start_listener()
    asked = []
    for session_present in (False, True, True):
        peer = broker.peer()
        assert not peer.clean, "the session is kept"
        peer.welcome(session_present=session_present)
        asked.append(peer.grant())
        peer.cut()

    assert asked[0] == asked[1] == asked[2]
    assert [qos for _, qos in asked[0]] == [1, 1, 1, 0]
    assert forgetful == [True], "only the connection without a session told the publisher"


def test_a_topic_that_is_no_text_reaches_the_worker_as_bytes(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    """M14: reading `message.topic` raises inside paho and would end its thread."""
    listener = start_listener()
    peer = greeted(broker)

    peer.send(publish_bytes(b"smartcart/\xff\xfe", b"x", 1, 1))  # type: ignore[arg-type]
    (delivery,) = take(listener, 1)

    assert delivery.topic == b"smartcart/\xff\xfe"
    assert listener.is_connected


def test_a_full_inbox_holds_the_broker_back_by_not_reading(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    listener = start_listener(inbox_max=10)
    peer = greeted(broker)

    send(peer, *range(1, 101))
    taken = []
    while len(taken) < 100:
        part = take(listener, 1)
        assert len(part) <= 10
        listener.settle(part)
        taken += part

    assert [delivery.mid for delivery in taken] == list(range(1, 101))
    assert peer.hear_acknowledgements(100) == list(range(1, 101))


def test_an_inbox_that_stays_full_hangs_up_drains_and_calls_again_without_loss(
    broker: ScriptedBroker, start_listener: StartListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "ROOM_WITHIN_S", 0.2)
    listener = start_listener(inbox_max=10)
    peer = greeted(broker)

    send(peer, *range(1, 16))
    assert peer.is_closed_by_broker()  # that is, by its other end
    assert not listener.is_connected
    assert listener.silent_for_s == 0
    held = listener.take(4, 0)
    assert [delivery.mid for delivery in held] == [1, 2, 3, 4]
    with pytest.raises(queue.Empty):
        broker.peer(within_s=1.5)  # six are left, more than half: it does not call again
    held += listener.take(4, 0)

    again = greeted(broker, session_present=True)
    send(again, *range(1, 16))
    listener.settle(held)  # stale
    seen = [delivery.mid for delivery in held]
    while len(seen) < 10 + 15:
        fresh = take(listener, 1)
        seen += [delivery.mid for delivery in fresh]
        listener.settle(fresh)

    assert seen == [*range(1, 11), *range(1, 16)]
    assert again.hear_acknowledgements(15) == list(range(1, 16))
    assert listener._metrics.overflows._value.get() == 1


def test_telemetry_gives_way_and_never_makes_an_event_wait(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    listener = start_listener(inbox_max=10)
    peer = greeted(broker)

    for number in range(1, 101):
        peer.send(publish_bytes(TOPIC, b"%d" % number, 0))
    send(peer, *range(1, 11))
    eventually(lambda: len(listener._inbox) == 10)

    taken = take(listener, 20)
    assert [delivery.payload for delivery in taken if delivery.qos == 0] == [b"%d" % n for n in range(91, 101)]
    assert [delivery.mid for delivery in taken if delivery.qos] == list(range(1, 11))


def test_it_leaves_behind_its_acknowledgements_and_does_not_unsubscribe(
    broker: ScriptedBroker, start_listener: StartListener
) -> None:
    listener = start_listener()
    peer = greeted(broker)
    send(peer, *range(1, 51))
    listener.settle(take(listener, 50))

    listener.stop(within_s=2.0)

    assert peer.hear_acknowledgements(50) == list(range(1, 51))
    assert peer.hear().kind == DISCONNECT


def test_a_canary_needs_no_acknowledgement(broker: ScriptedBroker, start_listener: StartListener) -> None:
    """It neither overtakes the others' acknowledgements nor waits behind a full window."""
    listener = start_listener()
    peer = greeted(broker)
    eventually(lambda: listener.is_connected)
    listener._heard_s -= 100

    peer.send(publish_bytes("smartcart/v1/services/ingest-0/canary", b"{}", 0))

    eventually(lambda: listener.silent_for_s < 50)
    assert listener.take(10, 0) == []
    with pytest.raises(Silence):
        peer.hear(0.2)


@pytest.mark.parametrize("granted", [[0x80, 1, 1, 0], [0, 1, 1, 0]], ids=["refused", "qos 0 only"])
def test_a_subscription_that_is_not_granted_as_asked_ends_the_process(
    broker: ScriptedBroker, tmp_path: Path, database_url: str, granted: list[int]
) -> None:
    with running_ingest(tmp_path, database_url, broker.port, wait=False) as ingest:
        peer = broker.peer()
        peer.welcome()
        peer.grant(granted)

        assert ingest.wait(10) == 70
        assert ingest.logged("subscription_refused") == 1
