"""Turns every exception into an answer of the one error family; the only place that logs them."""

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import errors
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from services.gateway.errors import MEANINGS, FieldProblem, Refusal, Refused, of_status, status_of

ERRORS_SHOWN = 10
_CHALLENGES = {True: 'Basic realm="cart"', False: "Bearer"}

log = structlog.get_logger("gateway")


def install_error_answers(app: FastAPI) -> None:
    """Register the handlers on the application."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(psycopg.Error, _database)
    app.add_exception_handler(Exception, _our_mistake)


def _answer(code: Refusal, detail: str | None = None, **more: object) -> JSONResponse:
    body: dict[str, object] = {"detail": detail or MEANINGS[code].detail, "code": code.value, **more}
    headers = {}
    if code in (Refusal.UNAVAILABLE, Refusal.OVERLOADED):
        headers["Retry-After"] = "1"
    return JSONResponse(body, status_of(code), headers)


async def _refused(request: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, Refused)
    answer = _answer(refused.code, refused.detail)
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    if refused.code is Refusal.NOT_AUTHENTICATED:
        answer.headers["WWW-Authenticate"] = _CHALLENGES["/esp32/" in request.url.path]
    return answer


async def _invalid(_: Request, invalid: Exception) -> JSONResponse:
    assert isinstance(invalid, RequestValidationError)
    problems = invalid.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _answer(Refusal.MALFORMED_REQUEST, "The body is not JSON.")
    shown = [
        FieldProblem(where=".".join(str(part)[:64] for part in problem["loc"]), problem=problem["msg"][:200])
        for problem in problems[:ERRORS_SHOWN]
    ]
    return _answer(Refusal.INVALID_REQUEST, errors=[_printable(one).model_dump() for one in shown])


def _printable(problem: FieldProblem) -> FieldProblem:
    """Field names come from the request: what cannot be sent as UTF-8 is escaped."""
    return FieldProblem(
        where=problem.where.encode("utf-8", "backslashreplace").decode(),
        problem=problem.problem.encode("utf-8", "backslashreplace").decode(),
    )


async def _framework(_: Request, exception: Exception) -> JSONResponse:
    assert isinstance(exception, HTTPException)
    answer = _answer(of_status(exception.status_code))
    for name, value in (exception.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _database(request: Request, problem: Exception) -> JSONResponse:
    if isinstance(problem, errors.ForeignKeyViolation):
        constraint = problem.diag.constraint_name or ""
        if constraint.endswith("_shopper_id_fkey"):  # a valid token of a shopper who has been erased since
            return _answer(Refusal.NOT_AUTHENTICATED)
        if constraint.endswith("_product_id_fkey"):
            return _answer(Refusal.UNKNOWN_PRODUCT)
    if isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError):
        kind = "pool" if isinstance(problem, PoolTimeout | TooManyRequests) else (problem.sqlstate or "connection")
        log.warning("database_unavailable", kind=kind, route=_route(request))
        return _answer(Refusal.UNAVAILABLE)
    return await _our_mistake(request, problem)


async def _our_mistake(request: Request, mistake: Exception) -> JSONResponse:
    log.error("request_failed", route=_route(request), exc_info=mistake)
    return _answer(Refusal.INTERNAL)


def _route(request: Request) -> str:
    return getattr(request.scope.get("route"), "path", "")
