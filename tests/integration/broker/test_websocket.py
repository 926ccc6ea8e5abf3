"""MQTT over WebSocket, as phones use it (MQTT 3.1.1 chapter 6), and the paho client over both transports."""

import threading
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from broker.embedded.limits import ClientLimits
from shared.mqtt_tokens import mint_mqtt_token
from tests.integration.broker.conftest import CART, PUBLISHER, HouseBroker
from tests.integration.broker.embedded import SERVICE_PASSWORD, TOKEN_SECRET, OpenDoor, RunningBroker, running
from tests.integration.broker.test_policy import PHONE, SHOPPER, STATE
from tests.integration.broker.wire import connect_bytes, publish_bytes, subscribe_bytes

CONNACK_OK = b"\x20\x02\x00\x00"


def phone_socket(broker: RunningBroker, origin: str | None = None) -> ClientConnection:
    return connect(
        f"ws://{broker.address.host}:{broker.address.ws_port}/mqtt",
        subprotocols=[Subprotocol("mqtt")],
        origin=None if origin is None else Origin(origin),
        compression=None,
    )


def token() -> str:
    return mint_mqtt_token(TOKEN_SECRET, 1, datetime.now(UTC), 60)


def test_a_phone_hears_its_cart_over_websocket(embedded_house: RunningBroker, embedded_only: HouseBroker) -> None:
    with phone_socket(embedded_house) as phone:
        assert phone.subprotocol == "mqtt"
        phone.send(connect_bytes("shopper-1", "shopper-1", token()))
        assert phone.recv(5) == CONNACK_OK
        phone.send(subscribe_bytes([(PHONE[SHOPPER], 0)]))
        assert phone.recv(5) == b"\x90\x03\x00\x01\x00"
        with embedded_only.join(PUBLISHER) as publisher:
            publisher.publish(PHONE[SHOPPER], b"state", 1)
        assert phone.recv(5) == publish_bytes(PHONE[SHOPPER], b"state")


def test_packets_need_not_be_aligned_with_frames(embedded_house: RunningBroker) -> None:
    joined = connect_bytes("shopper-1", "shopper-1", token()) + subscribe_bytes([(PHONE[SHOPPER], 0)])
    with phone_socket(embedded_house) as phone:
        for byte in joined:
            phone.send(bytes((byte,)))
        phone.send([b"\xc0", b"\x00"])  # one message in two fragments
        answers = b""
        while len(answers) < 4 + 5 + 2:
            answers += bytes(phone.recv(5), "ascii") if isinstance(chunk := phone.recv(5), str) else chunk
        assert answers == CONNACK_OK + b"\x90\x03\x00\x01\x00" + b"\xd0\x00"


@pytest.mark.parametrize("said", ["text", b"\x30\xff\xff\xff\x7f", b"x" * 20_000, publish_bytes("a", b"b")])
def test_what_mqtt_forbids_ends_the_websocket(embedded_house: RunningBroker, said: str | bytes) -> None:
    with phone_socket(embedded_house) as phone:
        phone.send(said)
        with pytest.raises(ConnectionClosed):
            phone.recv(5)


def test_a_websocket_without_the_mqtt_subprotocol_is_refused(embedded_house: RunningBroker) -> None:
    with pytest.raises(InvalidStatus):
        connect(f"ws://{embedded_house.address.host}:{embedded_house.address.ws_port}/mqtt")


def test_only_pages_of_listed_origins_may_connect_when_there_is_a_list() -> None:
    with running(OpenDoor(ClientLimits()), ws_origins=["https://shop.example"]) as broker:
        phone_socket(broker, "https://shop.example").close()
        phone_socket(broker).close()  # an app, not a page
        with pytest.raises(InvalidStatus):
            phone_socket(broker, "https://evil.example")


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
def test_the_paho_client_works_over_both_transports(embedded_house: RunningBroker, transport: str) -> None:
    heard: list[mqtt.MQTTMessage] = []
    subscribed, done = threading.Event(), threading.Event()
    name = "cart-1"
    cart = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=name,
        transport="tcp" if transport == "tcp" else "websockets",
        clean_session=False,
    )
    cart.username_pw_set(name, f"{1:064x}")
    cart.on_connect = lambda client, *_: client.subscribe(STATE[CART], 1)
    cart.on_subscribe = lambda *_: subscribed.set()

    def keep(_: object, __: object, message: mqtt.MQTTMessage) -> None:
        heard.append(message)
        if len(heard) == 100:
            done.set()

    cart.on_message = keep
    address = embedded_house.address
    cart.connect(address.host, address.mqtt_port if transport == "tcp" else address.ws_port)
    cart.loop_start()
    publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="publisher-0")
    publisher.username_pw_set("publisher-0", SERVICE_PASSWORD)
    publisher.connect(address.host, address.mqtt_port)
    publisher.loop_start()
    try:
        assert subscribed.wait(5)
        for number in range(100):
            publisher.publish(STATE[CART], b"%d" % number, 1).wait_for_publish(5)
        assert done.wait(5)
        assert [message.payload for message in heard] == [b"%d" % number for number in range(100)]
    finally:
        for client in (cart, publisher):
            client.disconnect()
            client.loop_stop()
