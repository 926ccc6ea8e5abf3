"""Logging in: a code to the phone, a code from the phone, and the pair of tokens that follows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from uuid import UUID, uuid4

import structlog

from services.gateway.code_delivery import CodeMessage
from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import CODES, REFRESH_REUSE
from services.gateway.wiring import Gateway
from shared.db.one_time_codes import (
    ChallengeStored,
    CodeAccepted,
    NewChallenge,
    SendLimits,
    TooManySends,
    TooManyTries,
    WrongCode,
    find_newest_challenge,
    store_challenge,
    try_code,
)
from shared.db.refresh_tokens import (
    FamilyRevoked,
    NotAToken,
    Rotated,
    insert_refresh_token,
    rotate_refresh_token,
)
from shared.db.shoppers import upsert_shopper
from shared.domain.one_time_code import draw_code, hash_code
from shared.domain.refresh_secret import draw_refresh_token, hash_refresh_token

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a phone gets for a right code or a live refresh token."""

    shopper_id: int
    is_profile_complete: bool
    access_token: str
    refresh_token: str


def send_code(here: Gateway, number: str, address: str) -> None:
    """Draw, keep and send a code. Never looks whether the number is known, so it cannot tell. Raises Refused."""
    settings, now = here.settings, here.now()
    code = settings.fixed_otp or draw_code()
    challenge_id = uuid4()
    phone_hash = here.phones.hash_number(number)
    challenge = NewChallenge(
        challenge_id=challenge_id,
        phone_hash=phone_hash,
        address_hash=here.phones.hash_address(address),
        code_hash=hash_code(settings.code_pepper.get_secret_value(), challenge_id, phone_hash, code),
    )
    limits = SendLimits(
        seconds_between=settings.otp_seconds_between_sends,
        per_number_hour=settings.otp_sends_per_number_per_hour,
        per_number_day=settings.otp_sends_per_number_per_day,
        per_address_hour=settings.otp_sends_per_address_per_hour,
        per_minute=settings.otp_sends_per_minute,
    )
    with here.pool.connection() as connection, connection.transaction():
        stored = store_challenge(connection, challenge, limits, timedelta(seconds=settings.otp_ttl_s), now)
    match stored:
        case ChallengeStored():
            if not here.code_sender.send(CodeMessage(number, code, str(challenge_id))):
                raise Refused(Refusal.OVERLOADED, retry_after_s=5)
        case TooManySends(retry_after_s=retry_after_s):
            CODES.labels("limited").inc()
            raise Refused(Refusal.TOO_MANY_OTP_SENDS, retry_after_s=retry_after_s)
        case _ as never:
            assert_never(never)


def log_in(here: Gateway, number: str, code: str) -> Tokens:
    """Exchange a right code for tokens; the first login makes the shopper. Raises Refused."""
    now = here.now()
    phone_hash = here.phones.hash_number(number)
    with here.pool.connection() as connection, connection.transaction():
        challenge_id = find_newest_challenge(connection, phone_hash) or uuid4()
        code_hash = hash_code(here.settings.code_pepper.get_secret_value(), challenge_id, phone_hash, code)
        tried = try_code(connection, phone_hash, challenge_id, code_hash, here.settings.otp_tries, now)
        if isinstance(tried, CodeAccepted):
            login = upsert_shopper(connection, phone_hash, here.phones.seal_number(number))
            family_id, refresh_token = uuid4(), draw_refresh_token()
            insert_refresh_token(
                connection, hash_refresh_token(refresh_token), family_id, login.shopper_id, now, _refresh_ttl(here)
            )
    match tried:
        case CodeAccepted():
            CODES.labels("accepted").inc()
            return _tokens(here, login.shopper_id, login.is_profile_complete, family_id, refresh_token)
        case WrongCode():
            CODES.labels("wrong").inc()
            raise Refused(Refusal.WRONG_OTP)
        case TooManyTries(retry_after_s=retry_after_s):
            CODES.labels("exhausted").inc()
            raise Refused(Refusal.TOO_MANY_OTP_TRIES, retry_after_s=retry_after_s)
        case _ as never:
            assert_never(never)


def renew_tokens(here: Gateway, refresh_token: str) -> Tokens:
    """Rotate a refresh token; one that was replaced before ends the whole login. Raises Refused."""
    fresh = draw_refresh_token()
    with here.pool.connection() as connection, connection.transaction():
        outcome = rotate_refresh_token(
            connection, hash_refresh_token(refresh_token), hash_refresh_token(fresh), here.now(), _refresh_ttl(here)
        )
    match outcome:
        case Rotated(family_id=family_id, shopper_id=shopper_id, is_profile_complete=is_profile_complete):
            return _tokens(here, shopper_id, is_profile_complete, family_id, fresh)
        case FamilyRevoked(family_id=family_id):
            REFRESH_REUSE.inc()
            log.warning("refresh_token_reused", family=str(family_id))
            raise Refused(Refusal.NOT_AUTHENTICATED)
        case NotAToken():
            raise Refused(Refusal.NOT_AUTHENTICATED)
        case _ as never:
            assert_never(never)


def _refresh_ttl(here: Gateway) -> timedelta:
    return timedelta(seconds=here.settings.refresh_token_ttl_s)


def _tokens(here: Gateway, shopper_id: int, is_profile_complete: bool, family_id: UUID, refresh_token: str) -> Tokens:
    access_token = here.access_tokens.mint(shopper_id, family_id, here.now())
    return Tokens(shopper_id, is_profile_complete, access_token, refresh_token)
