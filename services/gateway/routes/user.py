"""The shopper's own record: profile, export, erasure."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, refusals
from services.gateway.exports import ExportBody, export_shopper
from services.gateway.keyed import KEY_REFUSALS, Keyed, answer_once
from services.gateway.profiles import ProfileBody, ProfileChange, change_profile, get_profile
from services.gateway.wiring import Here
from shared.db.ended_logins import EndedLogin, end_login
from shared.db.sessions import disconnect_cart
from shared.db.shoppers import erase_shopper

router = APIRouter(prefix="/user", tags=["user"])
_ALWAYS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


@router.get("/profile", summary="My profile", responses=refusals(*_ALWAYS))
def profile(here: Here, shopper: Shopper) -> ProfileBody:
    """Food types and allergies as lists; the single ids are the first of each."""
    with here.pool.connection() as connection:
        return get_profile(connection, here.phones, shopper.shopper_id)


@router.patch(
    "/profile",
    summary="Change my profile",
    response_model=ProfileBody,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.EMAIL_TAKEN, Refusal.UNKNOWN_REFERENCE),
)
def patch_profile(here: Here, shopper: Shopper, keyed: Keyed, asked: ProfileChange) -> Response:
    """Only what is named changes; null takes a value away."""
    with here.pool.connection() as connection, connection.transaction():
        me = shopper.shopper_id
        return answer_once(
            connection, me, keyed, here.now(), lambda: change_profile(connection, here.phones, me, asked)
        )


@router.get("/export", summary="Everything held about me", responses=refusals(*_ALWAYS))
def export(here: Here, shopper: Shopper) -> ExportBody:
    """All that is linked to this shopper, in one document."""
    with here.pool.connection() as connection, connection.transaction():
        return export_shopper(here, connection, shopper.shopper_id)


@router.delete("", status_code=HTTPStatus.NO_CONTENT, summary="Forget me", responses=refusals(*_ALWAYS))
def erase(here: Here, shopper: Shopper) -> None:
    """The person is deleted at once, with lists, logins and codes; no token and no live connection is left. Orders
    stay, without the person."""
    gone = EndedLogin(shopper.shopper_id, None)
    with here.pool.connection() as connection, connection.transaction():
        disconnect_cart(connection, shopper.shopper_id, True, here.now())
        erase_shopper(connection, shopper.shopper_id)
        end_login(connection, gone)
    here.login_ends.note(gone)
