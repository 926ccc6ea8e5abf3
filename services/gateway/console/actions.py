"""What operators did, for their colleagues."""

from fastapi import APIRouter

from services.gateway.console.dead_letters import Before
from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, refusals
from services.gateway.fields import Answer, Limit, Moment
from services.gateway.wiring import Here
from shared.db.operators import Action, list_actions

router = APIRouter(prefix="/actions")


class ActionBody(Answer):
    """Who did what, and when. `subject_id` is the number of the alert, dead letter or block."""

    action_id: int
    operator: str
    action: Action
    subject_id: int | None
    cart_id: int | None
    detail: str
    at: Moment


class Actions(Answer):
    """A page, the newest first."""

    actions: list[ActionBody]


@router.get("", summary="What operators did", responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED))
def actions(here: Here, _: Staff, before: Before = None, limit: Limit = 50) -> Actions:
    """The newest first; `before` is the number of the last row of the page before."""
    with here.pool.connection() as connection:
        found = list_actions(connection, before, limit)
    return Actions(
        actions=[ActionBody(**{name: getattr(one, name) for name in ActionBody.model_fields}) for one in found]
    )
