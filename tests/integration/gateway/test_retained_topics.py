"""What broker and logs still hold after a shopper was erased: no number, name or address, no topic of the shopper's."""

import httpx
import paho.mqtt.client as mqtt
import pytest

from shared.contracts.channels import SHOPPER_CART, STATE, STATUS
from tests.eventually import eventually
from tests.journeys.carts import carts_on_thread
from tests.journeys.stack import ONE_TIME_CODE, running_stack

NUMBER, NAME, MAIL = "491704443332", "Ada Augusta Lovelace", "ada.lovelace@example.org"
MILK = "9521234030010"


def _retained(mqtt_url: str, user: str, password: str, topic: str) -> dict[str, bytes]:
    """What a new subscriber to this topic gets at once, by topic."""
    url = httpx.URL(mqtt_url)
    found: dict[str, bytes] = {}
    granted: list[int] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=user, clean_session=True)
    client.username_pw_set(user, password)
    client.on_message = lambda _, __, message: found.__setitem__(message.topic, message.payload)
    client.on_subscribe = lambda _, __, ___, codes, ____: granted.append(codes[0].value)
    client.connect(url.host, url.port or 1883)
    client.loop_start()
    try:
        # Whatever is retained comes before the answer to the second request.
        for number in (1, 2):
            eventually(client.is_connected)
            client.subscribe(topic, qos=1)
            eventually(lambda number=number: len(granted) == number)  # type: ignore[misc]
    finally:
        client.disconnect()
        client.loop_stop()
    assert max(granted) <= 1, f"{user} may not listen to {topic}"
    return found


@pytest.mark.timeout(120)
def test_after_an_erasure_neither_retained_topics_nor_logs_know_the_shopper() -> None:
    with running_stack() as stack:
        (credential,) = stack.add_carts(1)
        with (
            carts_on_thread(stack.address.mqtt_url, [credential]) as (cart,),
            httpx.Client(base_url=stack.address.http_url, trust_env=False, timeout=30) as client,
        ):
            client.post("/auth/verify_mobile", json={"mobile_number": NUMBER})
            login = client.post("/auth/verify_otp", json={"mobile_number": NUMBER, "otp": ONE_TIME_CODE}).json()
            client.headers["Authorization"] = f"Bearer {login['token']}"
            client.post("/auth/create_profile", json={"user_name": NAME, "email": MAIL})
            phone = client.post("/mqtt/token").json()
            code = cart.wait_until_free().pairing_code
            taken = client.post("/cart/connect", json={"cart_id": cart.cart_id, "pairing_code": code})
            assert taken.status_code == 200, taken.text
            cart.scan(MILK)
            cart.wait_for(lambda state: state.total_items == 1)
            assert client.delete("/user").status_code == 204
            cart.wait_until_free()

        ids = {"store": "main", "cart": cart.cart_id}
        own = f"cart-{cart.cart_id}"
        url = stack.address.mqtt_url
        display = _retained(url, own, credential.password, STATE.topic(**ids))
        births = _retained(url, "bench-7", stack.folder.secrets()["MQTT_SERVICE_PASSWORD"], STATUS.filter)
        of_shopper = _retained(url, phone["username"], phone["password"], SHOPPER_CART.topic(shopper=login["user_id"]))
        logs = "".join(path.read_text(errors="replace") for path in stack.folder.logs.iterdir())

    assert set(display) == {STATE.topic(**ids)}
    assert STATUS.topic(**ids) in births
    assert of_shopper == {}
    held = repr({**display, **births})
    assert "shopper" not in held
    for trace in (NUMBER, NAME, MAIL, login["token"], login["refresh_token"], phone["password"]):
        assert trace not in held
        assert trace not in logs
