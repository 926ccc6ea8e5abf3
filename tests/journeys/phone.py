"""A shopper's phone as the app uses it: REST over real HTTP, and the live cart over real MQTT-over-WebSocket."""

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_sim.ledger import Order, read_order
from shared.contracts.state import CartState
from tests.eventually import eventually
from tests.journeys.stack import ONE_TIME_CODE


class Phone:
    """A logged-in shopper. Every call gives the raw answer, so that a test says what it expects."""

    def __init__(self, http_url: str, number: str) -> None:
        self._client = httpx.Client(base_url=http_url, trust_env=False, timeout=30)
        sent = self._client.post("/auth/verify_mobile", json={"mobile_number": number})
        assert sent.status_code == 200, sent.text
        given = self._client.post("/auth/verify_otp", json={"mobile_number": number, "otp": ONE_TIME_CODE})
        assert given.status_code == 200, given.text
        self._client.headers["Authorization"] = f"Bearer {given.json()['token']}"
        self.user_id: int = given.json()["user_id"]

    def connect(self, cart_id: int, pairing_code: str | None) -> httpx.Response:
        return self._client.post("/cart/connect", json={"cart_id": cart_id, "pairing_code": pairing_code})

    def view(self) -> httpx.Response:
        return self._client.get("/cart/view")

    def disconnect(self) -> httpx.Response:
        return self._client.post("/cart/disconnect", params={"abandon": "true"})

    def check_out(self) -> httpx.Response:
        return self._client.post("/orders/checkout")

    def orders(self) -> list[Order]:
        """The history, newest first."""
        answer = self._client.get("/orders/history", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        return [read_order(each) for each in json.loads(answer.content, parse_float=Decimal)]

    def mqtt_token(self) -> dict[str, Any]:
        answer = self._client.post("/mqtt/token")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def close(self) -> None:
        self._client.close()


class LiveCart:
    """What a phone's topic said, in the order of arrival, from the moment that the broker granted it."""

    def __init__(self, token: dict[str, Any]) -> None:
        self.states: list[CartState] = []
        self._granted = threading.Event()
        where = urlsplit(token["url"])
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=token["client_id"],
            transport="websockets",
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.username_pw_set(token["username"], token["password"])
        client.on_connect = self._on_connect
        self._topic: str = token["topic"]
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect(where.hostname or "", where.port or 80, keepalive=30)
        client.loop_start()
        eventually(self._granted.is_set, message="the broker does not grant the phone's topic")

    def wait_for(self, seen: Callable[[CartState], bool]) -> CartState:
        """The first state that is what the caller wants to see, now or soon."""
        return eventually(lambda: [state for state in list(self.states) if seen(state)])[0]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe(self._topic, qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, granted: list[Any], _properties: Any) -> None:
        if [code.value for code in granted] == [1]:
            self._granted.set()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.states.append(CartState.model_validate_json(message.payload))
