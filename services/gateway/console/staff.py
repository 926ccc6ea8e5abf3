"""Which operator calls: types for endpoint signatures, and the cookie that says so.

A request that changes something must carry the header X-Console besides the cookie: a page of another origin cannot
send it without being asked first, and it is never allowed to (CORS allows other headers only).
"""

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie

from services.gateway.callers import refuse_caller
from services.gateway.errors import Refusal, Refused
from services.gateway.wiring import Here
from shared.db.operators import SESSION_LIFE, Operator, find_session

COOKIE = "smartcart_operator"
BROWSER_COOKIE = "smartcart_browser"
COOKIE_PATH = "/console/api"
CONSOLE_HEADER = "X-Console"
_TOKEN_BYTES = 32
_TOKEN_MAX_CHARACTERS = 64
_BROWSER_LIFE_S = 180 * 86_400
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CHANGES_NOTHING = ("GET", "HEAD")

_cookie = APIKeyCookie(
    name=COOKIE, scheme_name="operator", description="Set by /console/api/login; httpOnly", auto_error=False
)


def require_console(request: Request) -> None:
    """Refuse a change that another site's page may have asked for."""
    if request.method in _CHANGES_NOTHING:
        return
    if request.headers.get(CONSOLE_HEADER) is None or request.headers.get("sec-fetch-site") == "cross-site":
        raise Refused(Refusal.NOT_FROM_CONSOLE)


def _logged_in(request: Request, here: Here, token: Annotated[str | None, Depends(_cookie)]) -> Operator:
    if token is None or not 0 < len(token) <= _TOKEN_MAX_CHARACTERS:
        raise refuse_caller("operator")
    with here.pool.connection() as connection:
        operator = find_session(connection, hash_token(token), here.now())
    if operator is None:
        raise refuse_caller("operator")
    require_console(request)
    return operator


def _manages(operator: Annotated[Operator, Depends(_logged_in)]) -> Operator:
    if operator.role != "manager":
        raise Refused(Refusal.MANAGER_ONLY)
    return operator


Staff = Annotated[Operator, Depends(_logged_in)]
Manager = Annotated[Operator, Depends(_manages)]


def draw_token() -> str:
    """What the cookie holds: 256 random bits, of which we keep a hash."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """A random token needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def set_cookie(request: Request, here: Here, response: Response, token: str) -> None:
    """Never read by scripts, never sent by another site's page, nor over the air in the clear."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        path=COOKIE_PATH,
        httponly=True,
        samesite="strict",
        secure=_is_secure(request, here),
    )


def clear_cookie(request: Request, here: Here, response: Response) -> None:
    """The browser forgets the login."""
    response.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="strict", secure=_is_secure(request, here))


def find_known_browser(request: Request, here: Here, name: str) -> bytes | None:
    """What tries at this name are counted by when the operator has logged in with this browser before.

    So a stranger behind the shop's address who types wrong passwords does not slow the operator's own browser. The
    cookie opens nothing: whoever stole it would have a few tries of their own.
    """
    browser, _, proof = request.cookies.get(BROWSER_COOKIE, "").partition(".")
    if not 0 < len(browser) <= _TOKEN_MAX_CHARACTERS:
        return None
    known = here.phones.hash_browser(name, browser)
    return known if hmac.compare_digest(proof.encode("utf-8", "surrogatepass"), known.hex().encode()) else None


def remember_browser(request: Request, here: Here, response: Response, name: str) -> None:
    """This operator has logged in with this browser."""
    browser = draw_token()
    response.set_cookie(
        BROWSER_COOKIE,
        f"{browser}.{here.phones.hash_browser(name, browser).hex()}",
        max_age=_BROWSER_LIFE_S,
        path=COOKIE_PATH,
        httponly=True,
        samesite="strict",
        secure=_is_secure(request, here),
    )


def _is_secure(request: Request, here: Here) -> bool:
    """Always, but on a developer's own machine without TLS."""
    at_home = request.url.scheme == "http" and request.url.hostname in _LOOPBACK
    return not (here.settings.env == "development" and at_home)
