"""The phone's way to the live cart."""

from fastapi import APIRouter, Response
from pydantic import Field

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, refusals
from services.gateway.fields import Answer
from services.gateway.wiring import Here
from shared.access import ShopperIdentity, username
from shared.contracts.channels import SHOPPER_CART
from shared.mqtt_tokens import mint_mqtt_token

router = APIRouter(prefix="/mqtt", tags=["mqtt"])


class MqttToken(Answer):
    """Everything to connect with; the client id must be as given."""

    url: str = Field(description="ws:// or wss://")
    username: str
    password: str
    client_id: str
    topic: str = Field(description="the only topic that may be subscribed to")
    expires_in: int = Field(description="seconds; get another token before")


@router.post(
    "/token", summary="Credentials for the live cart", responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED)
)
def mqtt_token(here: Here, shopper: Shopper, response: Response) -> MqttToken:
    """Opens one topic of the broker, for reading, for a short while."""
    response.headers["Cache-Control"] = "no-store"
    settings = here.settings
    name = username(ShopperIdentity(shopper.shopper_id))
    return MqttToken(
        url=settings.mqtt_ws_url,
        username=name,
        password=mint_mqtt_token(
            settings.mqtt_token_secret.get_secret_value(), shopper.shopper_id, here.now(), settings.mqtt_token_ttl_s
        ),
        client_id=name,
        topic=SHOPPER_CART.topic(shopper=shopper.shopper_id),
        expires_in=settings.mqtt_token_ttl_s,
    )
