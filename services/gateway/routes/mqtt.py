"""The phone's way to the live cart."""

from datetime import timedelta

import structlog
from fastapi import APIRouter, Response
from pydantic import Field

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer
from services.gateway.wiring import Here
from shared.access import ShopperIdentity, username
from shared.contracts.channels import SHOPPER_CART
from shared.db.ended_logins import login_lasts
from shared.mosquitto.accounts import AccountsUnavailable
from shared.mqtt_tokens import mint_mqtt_token

log = structlog.get_logger("gateway")

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
    settings, now = here.settings, here.now()
    secret, ttl_s = settings.mqtt_token_secret.get_secret_value(), settings.mqtt_token_ttl_s
    with here.pool.connection() as connection:
        if not login_lasts(connection, shopper.shopper_id, shopper.family_id):
            raise Refused(Refusal.NOT_AUTHENTICATED)
    token = mint_mqtt_token(secret, shopper.shopper_id, now, ttl_s, shopper.family_id)
    try:
        here.phone_accounts.let_in(shopper.shopper_id, shopper.family_id, token, now + timedelta(seconds=ttl_s))
    except AccountsUnavailable as problem:
        log.warning("phone_not_let_in", error=str(problem))
        raise Refused(Refusal.UNAVAILABLE, "The live cart cannot be reached right now.", retry_after_s=2) from problem
    name = username(ShopperIdentity(shopper.shopper_id))
    return MqttToken(
        url=settings.mqtt_ws_url,
        username=name,
        password=token,
        client_id=name,
        topic=SHOPPER_CART.topic(shopper=shopper.shopper_id),
        expires_in=ttl_s,
    )
