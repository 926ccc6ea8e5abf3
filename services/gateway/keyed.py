"""Idempotency keys: the same key and request get the first answer again, and the effect happens once.

A refusal is not kept: nothing has happened, and the same request may succeed later under the same key.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, assert_never

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import REPEATS
from services.gateway.wiring import Gateway
from shared.db.idempotency import (
    FirstTime,
    KeyedRequest,
    KeyReused,
    Repeated,
    StillRunning,
    find_first_answer,
    insert_first_answer,
)
from shared.db.types import Tx

_KEY = re.compile(r"[\x21-\x7e]{1,64}")
KEY_REFUSALS = (Refusal.BAD_IDEMPOTENCY_KEY, Refusal.STILL_RUNNING, Refusal.KEY_REUSED)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of a request, if it has one, and a hash of everything that was asked."""

    key: str | None
    route: str
    request_hash: bytes


async def _request_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Repeats with the same key and body get the first answer; nothing happens twice.",
            json_schema_extra={"minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
        ),
    ] = None,
) -> RequestKey:
    if idempotency_key is None:
        return RequestKey(None, "", b"")
    if _KEY.fullmatch(idempotency_key) is None:
        raise Refused(Refusal.BAD_IDEMPOTENCY_KEY)
    route = f"{request.method} {request.url.path}"
    asked = request.url.query.encode() + b"\n" + await request.body()
    return RequestKey(idempotency_key, route, hashlib.sha256(asked).digest())


Keyed = Annotated[RequestKey, Depends(_request_key)]


def answer_once(
    here: Gateway, tx: Tx, shopper_id: int, request_key: RequestKey, act: Callable[[], BaseModel], status: int = 200
) -> Response:
    """Do `act` in this transaction and answer with what it gives, unless the same request was answered before."""
    if request_key.key is None:
        return json_answer(act(), status)
    request = KeyedRequest(shopper_id, request_key.key, request_key.route, request_key.request_hash)
    match find_first_answer(tx, request):
        case FirstTime():
            answer = act().model_dump_json()
            insert_first_answer(tx, request, status, answer, here.now())
            REPEATS.labels("first").inc()
            return Response(answer, status, media_type="application/json")
        case Repeated(first_status, first_answer):
            REPEATS.labels("repeated").inc()
            return Response(first_answer, first_status, {"Idempotent-Replay": "true"}, "application/json")
        case KeyReused():
            REPEATS.labels("reused").inc()
            raise Refused(Refusal.KEY_REUSED)
        case StillRunning():
            REPEATS.labels("running").inc()
            raise Refused(Refusal.STILL_RUNNING, retry_after_s=1)
        case _ as never:
            assert_never(never)


def json_answer(body: BaseModel, status: int = 200) -> Response:
    """The body as JSON, past FastAPI's second validation: it is a checked model already."""
    return Response(body.__pydantic_serializer__.to_json(body), status, media_type="application/json")
