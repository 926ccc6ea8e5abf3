"""The phone's password at the broker: a short-lived JWT that names one shopper (RFC 8725; docs/reliability.md S10).

The gateway mints it, the broker reads it. It opens nothing else: its own secret, audience and type.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import jwt

ALGORITHM = "HS256"
ISSUER = "smartcart"
AUDIENCE = "mqtt"
TOKEN_TYPE = "mqtt+jwt"  # RFC 8725 section 3.11: explicit typing
CLOCK_TOLERANCE = timedelta(seconds=30)  # docs/reliability.md S10: the most leeway allowed
_REQUIRED = ("exp", "iat", "iss", "aud", "sub", "jti")


class MqttGrant(NamedTuple):
    """What a valid token says; `family_id` is the login that it came from, None in a token of an older version."""

    shopper_id: int
    ends_at: datetime
    family_id: UUID | None


def mint_mqtt_token(secret: str, shopper_id: int, now: datetime, ttl_s: int, family_id: UUID | None = None) -> str:
    """A token that lets `shopper_id` connect until `now + ttl_s` (whole seconds), while this login lasts."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(shopper_id),
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + ttl_s,
        "jti": secrets.token_urlsafe(16),
    }
    if family_id is not None:
        claims["sid"] = str(family_id)
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE})


def read_mqtt_token(secret: str, token: str, now: datetime) -> int | None:
    """The shopper a valid token names at `now`, else None; never raises for anything in `token`."""
    grant = read_mqtt_grant(secret, token, now)
    return grant.shopper_id if grant else None


def read_mqtt_grant(secret: str, token: str, now: datetime) -> MqttGrant | None:
    """What the token says, or None. A token ends at its `exp`, without leeway."""
    try:
        if jwt.get_unverified_header(token).get("typ") != TOKEN_TYPE:
            return None
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            # PyJWT compares times to its own clock; ours is given, so that is done below.
            options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        issued_at, expires_at, subject = claims["iat"], claims["exp"], claims["sub"]
        family_id = UUID(claims["sid"]) if "sid" in claims else None
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if type(issued_at) is not int or type(expires_at) is not int or not isinstance(subject, str):
        return None
    if not (subject.isascii() and subject.isdigit() and len(subject) <= 18 and subject[0] != "0"):
        return None
    if expires_at <= now.timestamp() or issued_at > (now + CLOCK_TOLERANCE).timestamp():
        return None
    try:
        return MqttGrant(int(subject), datetime.fromtimestamp(expires_at, UTC), family_id)
    except (ValueError, OverflowError, OSError):
        return None
