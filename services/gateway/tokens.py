"""Access tokens: signed, short-lived, for the phone API only.

JSON Web Tokens after RFC 9068 and RFC 8725: one algorithm, explicit type, issuer and audience; the key comes
from our own list by `kid`, whatever else a header says (`jku`, `jwk`, `x5u`) is never looked at.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt

ISSUER = "smartcart-gateway"
AUDIENCE = "smartcart-phone"
ALGORITHM = "HS256"
TYPE = "at+jwt"
LEEWAY_S = 5
REMEMBERED_MAX = 10_000  # about 5 MB
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "sid"]


class BadToken(Exception):
    """Not a token of ours that is valid now; why is nobody's business."""

    code = "not_authenticated"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever a valid access token speaks for; `family_id` is the login that it came from."""

    shopper_id: int
    family_id: UUID


class AccessTokens:
    """Signs with the first key, accepts each of them.

    A token that was found good is remembered until it ends: a phone sends the same one with each request. That
    changes no answer: nothing but time and another set of keys (another process) makes a token bad. Whether its login
    is over is asked elsewhere, each time (`LoginEnds`).
    """

    def __init__(self, keys: dict[str, str], ttl_s: int) -> None:
        self._keys = keys
        self._signing_kid = next(iter(keys))
        self._good: dict[str, tuple[Caller, float]] = {}
        self.ttl_s = ttl_s

    def mint(self, shopper_id: int, family_id: UUID, now: datetime) -> str:
        """A token for this shopper that ends `ttl_s` after `now`."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(shopper_id),
            "sid": str(family_id),
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + timedelta(seconds=self.ttl_s),
        }
        kid = self._signing_kid
        return jwt.encode(claims, self._keys[kid], algorithm=ALGORITHM, headers={"typ": TYPE, "kid": kid})

    def read(self, token: str) -> Caller:
        """Whom the token speaks for; raises BadToken."""
        known = self._good.get(token)
        if known is not None and time.time() < known[1]:
            return known[0]
        caller, ends_at = self._verify(token)
        if len(self._good) >= REMEMBERED_MAX:
            self._good.clear()
        self._good[token] = caller, ends_at + LEEWAY_S
        return caller

    def _verify(self, token: str) -> tuple[Caller, float]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            if key is None or header.get("typ") != TYPE:
                raise BadToken
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "strict_aud": True},
            )
            return Caller(int(claims["sub"]), UUID(claims["sid"])), float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as refused:
            raise BadToken from refused


def parse_keys(setting: str) -> dict[str, str]:
    """`kid:secret,kid:secret`, or one bare secret, as kid -> secret in the order given."""
    keys: dict[str, str] = {}
    for piece in setting.split(","):
        kid, colon, secret = piece.strip().rpartition(":")
        keys[kid if colon else "default"] = secret
    return keys
