"""Who calls: types for endpoint signatures. An endpoint without one of them is public."""

import base64
import binascii
import math
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPBasic, HTTPBearer

from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import AUTH_FAILURES
from services.gateway.rates import kind_of
from services.gateway.tokens import BadToken, Caller
from services.gateway.wiring import Gateway

MAX_TOKEN_CHARACTERS = 2048


@dataclass(frozen=True, slots=True)
class DeviceCredential:
    """A cart's number and secret as sent; not checked yet."""

    cart_id: int
    secret: str


class _Bearer(HTTPBearer):
    """Reads the access token; CPU only, so it runs on the event loop."""

    def __init__(self, *, optional: bool) -> None:
        super().__init__(
            bearerFormat="JWT", scheme_name="shopper", description="Access token of /auth/verify_otp", auto_error=False
        )
        self._optional = optional

    async def __call__(self, request: Request) -> Caller | None:  # type: ignore[override]
        header = request.headers.get("authorization")
        if header is None and self._optional:
            return None
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_CHARACTERS:
            raise refuse_caller("token")
        here = cast(Gateway, request.app.state.gateway)
        try:
            caller = here.access_tokens.read(token.strip())
        except BadToken:
            raise refuse_caller("token") from None
        if not here.login_ends.ended.is_known:
            raise Refused(Refusal.UNAVAILABLE, retry_after_s=1)
        if here.login_ends.ended.has(caller.shopper_id, caller.family_id):
            raise refuse_caller("token")
        wait_s = here.shopper_rates[kind_of(request.method, request.url.path)].take(caller.shopper_id)
        if wait_s:
            raise Refused(Refusal.TOO_MANY_REQUESTS, retry_after_s=math.ceil(wait_s))
        return caller


class _Basic(HTTPBasic):
    """Reads a cart's credential, `cart id : secret`."""

    def __init__(self) -> None:
        super().__init__(scheme_name="cart", description="Cart id and secret", auto_error=False)

    async def __call__(self, request: Request) -> DeviceCredential:  # type: ignore[override]
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise refuse_caller("device")
        try:
            user, colon, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise refuse_caller("device") from None
        user = user.removeprefix("cart-")
        if not colon or not user.isdigit() or len(user) > 9:
            raise refuse_caller("device")
        return DeviceCredential(int(user), secret)


def refuse_caller(kind: str) -> Refused:
    """401, counted by kind of credential."""
    AUTH_FAILURES.labels(kind).inc()
    return Refused(Refusal.NOT_AUTHENTICATED)


Shopper = Annotated[Caller, Depends(_Bearer(optional=False))]
MaybeShopper = Annotated[Caller | None, Depends(_Bearer(optional=True))]
Device = Annotated[DeviceCredential, Depends(_Basic())]
