"""Logging in: a code to the phone, a code from the phone, and the pair of tokens that follows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from uuid import UUID, uuid4

import structlog

from services.gateway.code_delivery import CodeMessage
from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import CODES, REFRESH_REUSE
from services.gateway.phone_numbers import older_spellings, read_number
from services.gateway.successors import open_successor, seal_successor
from services.gateway.wiring import Gateway
from shared.db.ended_logins import EndedLogin
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
    ReplacedJustNow,
    Rotated,
    insert_refresh_token,
    refresh_token_is_live,
    revoke_family,
    rotate_refresh_token,
)
from shared.db.shoppers import find_or_make_shopper
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


def send_code(here: Gateway, written: str, address: str) -> None:
    """Draw, keep and send a code. Never looks whether the number is known, so it cannot tell. Raises Refused."""
    settings, now, number = here.settings, here.now(), _number(here, written)
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


def log_in(here: Gateway, written: str, code: str) -> Tokens:
    """Exchange a right code for tokens; the first login makes the shopper. Raises Refused."""
    now, number = here.now(), _number(here, written)
    phone_hash = here.phones.hash_number(number)
    with here.pool.connection() as connection, connection.transaction():
        challenge_id = find_newest_challenge(connection, phone_hash) or uuid4()
        code_hash = hash_code(here.settings.code_pepper.get_secret_value(), challenge_id, phone_hash, code)
        tried = try_code(connection, phone_hash, challenge_id, code_hash, here.settings.otp_tries, now)
        if isinstance(tried, CodeAccepted):
            older = [here.phones.hash_number(one) for one in older_spellings(number, here.settings.phone_region)]
            login, joined = find_or_make_shopper(connection, phone_hash, older, here.phones.seal_number(number))
            family_id, refresh_token = uuid4(), draw_refresh_token()
            insert_refresh_token(
                connection, hash_refresh_token(refresh_token), family_id, login.shopper_id, now, _refresh_ttl(here)
            )
    match tried:
        case CodeAccepted():
            for gone in joined:
                here.login_ends.note(gone)
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
    """Rotate a refresh token. One that was replaced just now gets the same successor again, because its answer may have
    been lost; one that was replaced before ends the whole login. Raises Refused."""
    fresh, now = draw_refresh_token(), here.now()
    with here.pool.connection() as connection, connection.transaction():
        outcome = rotate_refresh_token(
            connection,
            hash_refresh_token(refresh_token),
            hash_refresh_token(fresh),
            seal_successor(refresh_token, fresh),
            now,
            _refresh_ttl(here),
        )
        if isinstance(outcome, ReplacedJustNow):
            successor = open_successor(refresh_token, outcome.successor_sealed)
            if successor is None or not refresh_token_is_live(connection, hash_refresh_token(successor), now):
                raise Refused(
                    Refusal.NOT_AUTHENTICATED
                )  # somebody went on with it: this is not the newest of the login
            fresh = successor
    match outcome:
        case Rotated() | ReplacedJustNow():
            return _tokens(here, outcome.shopper_id, outcome.is_profile_complete, outcome.family_id, fresh)
        case FamilyRevoked(login=login):
            REFRESH_REUSE.inc()
            log.warning("refresh_token_reused", family=str(login.family_id))
            here.login_ends.note(login)
            raise Refused(Refusal.NOT_AUTHENTICATED)
        case NotAToken():
            raise Refused(Refusal.NOT_AUTHENTICATED)
        case _ as never:
            assert_never(never)


def log_out(here: Gateway, shopper_id: int, family_id: UUID) -> None:
    """End one login: its refresh tokens, its access and MQTT tokens, its live connection."""
    login = EndedLogin(shopper_id, family_id)
    with here.pool.connection() as connection, connection.transaction():
        revoke_family(connection, login, here.now())
    here.login_ends.note(login)


def _number(here: Gateway, written: str) -> str:
    number = read_number(written, here.settings.phone_region)
    if number is None:
        raise Refused(Refusal.UNCLEAR_NUMBER)
    return number


def _refresh_ttl(here: Gateway) -> timedelta:
    return timedelta(seconds=here.settings.refresh_token_ttl_s)


def _tokens(here: Gateway, shopper_id: int, is_profile_complete: bool, family_id: UUID, refresh_token: str) -> Tokens:
    access_token = here.access_tokens.mint(shopper_id, family_id, here.now())
    return Tokens(shopper_id, is_profile_complete, access_token, refresh_token)
