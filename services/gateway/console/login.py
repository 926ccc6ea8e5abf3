"""Operators log in and out."""

import threading
from http import HTTPStatus
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from services.gateway.console.staff import (
    COOKIE,
    Staff,
    clear_cookie,
    draw_token,
    find_known_browser,
    hash_token,
    remember_browser,
    require_console,
    set_cookie,
)
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import NO_CONTROLS, Answer, Ask, Moment
from services.gateway.metrics import AUTH_FAILURES
from services.gateway.wiring import Gateway, Here
from shared.db.operator_passwords import MAX_PASSWORD_CHARACTERS, NOBODYS, is_password
from shared.db.operators import (
    SESSION_LIFE,
    OperatorPassword,
    TooManyLogins,
    close_session,
    count_login_try,
    find_operator_password,
    open_session,
)

router = APIRouter()
log = structlog.get_logger("gateway")

# A comparison takes a processor and 16 MiB for a moment: more of them at once would starve the shoppers.
_comparing = threading.BoundedSemaphore(2)
_COMPARING_WITHIN_S = 5.0


class LoginAsked(Ask):
    """Name and password as typed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=NO_CONTROLS, to_lower=True)] = Field(
        examples=["ada"]
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)] = Field(
        examples=["correct horse battery"]
    )


class OperatorBody(Answer):
    """Who is logged in."""

    name: str
    role: Literal["staff", "manager"] = Field(description="a manager may also retry dead letters and close aisles")
    expires_at: Moment
    currency: str


@router.post(
    "/login",
    summary="Log in as an operator",
    responses=refusals(
        *EVERYWHERE, Refusal.WRONG_PASSWORD, Refusal.NOT_FROM_CONSOLE, Refusal.TOO_MANY_LOGIN_TRIES, Refusal.OVERLOADED
    ),
    dependencies=[Depends(require_console)],
)
def login(here: Here, request: Request, response: Response, asked: LoginAsked) -> OperatorBody:
    """Sets the cookie that all other calls need. The answer is the same for a wrong name and a wrong password."""
    name = asked.name.strip()
    known_browser = find_known_browser(request, here, name)
    source_hash = known_browser or here.phones.hash_address(request.client.host if request.client else "")
    operator = _check(here, name, asked.password, source_hash)
    token, now = draw_token(), here.now()
    with here.pool.connection() as connection, connection.transaction():
        open_session(connection, operator.operator_id, hash_token(token), name, source_hash, now)
    set_cookie(request, here, response, token)
    if known_browser is None:
        remember_browser(request, here, response, name)
    return OperatorBody(
        name=operator.name, role=operator.role, expires_at=now + SESSION_LIFE, currency=here.settings.currency
    )


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Log out",
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.NOT_FROM_CONSOLE),
)
def logout(here: Here, staff: Staff, request: Request, response: Response) -> None:
    """This login ends at once; others of the same operator go on."""
    with here.pool.connection() as connection, connection.transaction():
        close_session(connection, staff.operator_id, hash_token(request.cookies[COOKIE]), here.now())
    clear_cookie(request, here, response)


@router.get("/me", summary="Who is logged in", responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED))
def me(here: Here, staff: Staff) -> OperatorBody:
    """The operator of the cookie."""
    return OperatorBody(name=staff.name, role=staff.role, expires_at=staff.expires_at, currency=here.settings.currency)


def _check(here: Gateway, name: str, password: str, source_hash: bytes) -> OperatorPassword:
    """Counted first, compared then, and no transaction meanwhile. Raises Refused."""
    with here.pool.connection() as connection, connection.transaction():
        counted = count_login_try(connection, name, source_hash, here.now())
        operator = find_operator_password(connection, name)
    if isinstance(counted, TooManyLogins):
        AUTH_FAILURES.labels("operator_limited").inc()
        raise Refused(Refusal.TOO_MANY_LOGIN_TRIES, retry_after_s=counted.retry_after_s)
    if not _comparing.acquire(timeout=_COMPARING_WITHIN_S):
        raise Refused(Refusal.OVERLOADED)
    try:
        is_right = is_password(password, operator.password if operator else NOBODYS)
    finally:
        _comparing.release()
    if operator is None or not is_right:
        AUTH_FAILURES.labels("operator_password").inc()
        log.warning("operator_login_refused")
        raise Refused(Refusal.WRONG_PASSWORD)
    return operator
