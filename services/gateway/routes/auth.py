"""Logging in and out, and the first profile."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, refusals
from services.gateway.fields import Answer, Ask, Message, Mobile
from services.gateway.keyed import KEY_REFUSALS, Keyed, answer_once
from services.gateway.login import Tokens, log_in, log_out, renew_tokens, send_code
from services.gateway.profiles import NewProfile, ProfileBody, change_profile
from services.gateway.wiring import Gateway, Here

router = APIRouter(prefix="/auth", tags=["auth"])


class MobileNumber(Ask):
    """Where the code goes."""

    mobile_number: Mobile


class CodeEntered(Ask):
    """The code as the shopper typed it."""

    mobile_number: Mobile
    otp: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(examples=["123456"])]


class RefreshToken(Ask):
    """The newest refresh token of this login."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]


class TokenAnswer(Answer):
    """Send `token` as `Authorization: Bearer …`; use `refresh_token` once, before or after `expires_in` seconds."""

    token: str
    user_id: int
    is_profile_complete: bool
    refresh_token: str
    expires_in: int = Field(description="seconds until `token` ends")


def _token_answer(here: Gateway, tokens: Tokens) -> TokenAnswer:
    return TokenAnswer(
        token=tokens.access_token,
        user_id=tokens.shopper_id,
        is_profile_complete=tokens.is_profile_complete,
        refresh_token=tokens.refresh_token,
        expires_in=here.access_tokens.ttl_s,
    )


@router.post(
    "/verify_mobile",
    summary="Send a one-time code to a phone",
    responses=refusals(*EVERYWHERE, Refusal.UNCLEAR_NUMBER, Refusal.TOO_MANY_OTP_SENDS),
)
def verify_mobile(here: Here, request: Request, asked: MobileNumber) -> Message:
    """The answer is the same for known and unknown numbers. In development the code is in the gateway's log."""
    send_code(here, asked.mobile_number, request.client.host if request.client else "")
    return Message(message="A code is on its way to this number.")


@router.post(
    "/verify_otp",
    summary="Log in with the code",
    responses=refusals(*EVERYWHERE, Refusal.UNCLEAR_NUMBER, Refusal.WRONG_OTP, Refusal.TOO_MANY_OTP_TRIES),
)
def verify_otp(here: Here, asked: CodeEntered) -> TokenAnswer:
    """A code counts once, for five minutes and five tries; a newer code replaces it."""
    return _token_answer(here, log_in(here, asked.mobile_number, asked.otp))


@router.post(
    "/refresh",
    summary="Fresh tokens for a refresh token",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED),
)
def refresh(here: Here, asked: RefreshToken) -> TokenAnswer:
    """Each refresh token works once. Sent again within 5 s, after a lost answer, it gets the same successor; later it
    ends the login everywhere."""
    return _token_answer(here, renew_tokens(here, asked.refresh_token))


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="End this login",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED),
)
def logout(here: Here, shopper: Shopper) -> None:
    """Every token of this login stops working and its live connection ends; other logins of the shopper go on."""
    log_out(here, shopper.shopper_id, shopper.family_id)


_PROFILE_REFUSALS = refusals(
    *EVERYWHERE, *KEY_REFUSALS, Refusal.NOT_AUTHENTICATED, Refusal.EMAIL_TAKEN, Refusal.UNKNOWN_REFERENCE
)


@router.post("/create_profile", summary="Complete the profile", responses=_PROFILE_REFUSALS, response_model=ProfileBody)
@router.post(
    "/complete_profile", summary="The same as create_profile", responses=_PROFILE_REFUSALS, response_model=ProfileBody
)
def create_profile(here: Here, shopper: Shopper, keyed: Keyed, asked: NewProfile) -> Response:
    """A name completes the profile; food types and allergies may be several."""
    with here.pool.connection() as connection, connection.transaction():
        return answer_once(
            connection,
            shopper.shopper_id,
            keyed,
            here.now(),
            lambda: change_profile(connection, here.phones, shopper.shopper_id, asked),
        )
