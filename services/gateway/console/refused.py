"""What the broker refused a cart, for whoever looks for a mistake in its firmware."""

from fastapi import APIRouter
from pydantic import Field

from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Moment, PathId
from services.gateway.wiring import Here
from shared.db.broker_refusals import Act, list_broker_refusals
from shared.db.console import cart_exists

router = APIRouter(prefix="/carts")


class RefusedBody(Answer):
    """One thing that the broker refused."""

    act: Act
    reason: str
    topic: str = Field(description="topic or filter; empty for a connection")
    detail: str
    times: int
    first_at: Moment
    last_at: Moment


class RefusedList(Answer):
    """The newest first, at most 20, none older than two weeks."""

    refused: list[RefusedBody]


@router.get(
    "/{cart_id}/refused",
    summary="What the broker refused a cart",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.CART_UNKNOWN),
)
def refused(here: Here, _: Staff, cart_id: PathId) -> RefusedList:
    """Told by the embedded broker. Mosquitto tells nobody but its log, and there only some."""
    with here.pool.connection() as connection:
        if not cart_exists(connection, cart_id):
            raise Refused(Refusal.CART_UNKNOWN)
        found = list_broker_refusals(connection, cart_id)
    return RefusedList(refused=[RefusedBody(**{n: getattr(one, n) for n in RefusedBody.model_fields}) for one in found])
