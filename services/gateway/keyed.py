"""Idempotency keys: the same key and request get the first answer again, and the effect happens once.

A refusal is not kept: nothing has happened, and the same request may succeed later under the same key.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, assert_never

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from services.gateway.errors import Refusal, Refused
from services.gateway.metrics import REPEATS
from services.gateway.sealed_answers import AnswerSeal
from shared.db.idempotency import (
    FirstTime,
    Found,
    KeyedRequest,
    KeyReused,
    Repeated,
    StillRunning,
    find_first_answers,
    insert_first_answers,
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
    answer_seal: AnswerSeal

    def of(self, shopper_id: int) -> KeyedRequest | None:
        """The request as it is remembered for this shopper; None without a key."""
        return None if self.key is None else KeyedRequest(shopper_id, self.key, self.route, self.request_hash)


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
    answer_seal: AnswerSeal = request.app.state.gateway.answer_seal
    if idempotency_key is None:
        return RequestKey(None, "", b"", answer_seal)
    if _KEY.fullmatch(idempotency_key) is None:
        raise Refused(Refusal.BAD_IDEMPOTENCY_KEY)
    route = f"{request.method} {request.url.path}"
    asked = request.url.query.encode() + b"\n" + await request.body()
    return RequestKey(idempotency_key, route, hashlib.sha256(asked).digest(), answer_seal)


Keyed = Annotated[RequestKey, Depends(_request_key)]


def answer_once(
    tx: Tx,
    shopper_id: int,
    request_key: RequestKey,
    now: datetime,
    act: Callable[[], BaseModel],
    status: int = 200,
) -> Response:
    """Do `act` in this transaction and answer with what it gives, unless the same request was answered before."""
    requests, seal = [request_key.of(shopper_id)], request_key.answer_seal
    (answer,) = answer_each_once(tx, seal, requests, now, lambda _: [act()], status)
    assert answer is not None, "`act` does it or raises"
    if isinstance(answer, Refused):
        raise answer
    return answer


def answer_each_once(
    tx: Tx,
    seal: AnswerSeal,
    requests: Sequence[KeyedRequest | None],
    now: datetime,
    act: Callable[[Sequence[int]], Sequence[BaseModel | Refused | None]],
    status: int = 200,
) -> list[Response | Refused | None]:
    """The same for requests of as many shoppers: `act` is told the places of those that were not answered before, and
    gives None for what it has not done. Whoever is refused keeps a key that is as free as before."""
    answers = _first_answers(tx, seal, requests)
    to_do = [place for place, answer in enumerate(answers) if answer is None]
    answered: dict[KeyedRequest, bytes] = {}
    for place, outcome in zip(to_do, act(to_do) if to_do else (), strict=True):
        if outcome is None or isinstance(outcome, Refused):
            answers[place] = outcome
            continue
        answers[place] = json_answer(outcome, status)
        if (request := requests[place]) is not None:
            answered[request] = seal.seal(request, outcome.model_dump_json())
    if answered:
        insert_first_answers(tx, list(answered), status, list(answered.values()), now)
        REPEATS.labels("first").inc(len(answered))
    return answers


def _first_answers(
    tx: Tx, seal: AnswerSeal, requests: Sequence[KeyedRequest | None]
) -> list[Response | Refused | None]:
    """What keys say to these requests; None: it is for the caller to act."""
    keyed = [request for request in requests if request is not None]
    found = dict(zip(keyed, find_first_answers(tx, keyed), strict=True)) if keyed else {}
    return [None if request is None else _answer_of(found[request], seal, request) for request in requests]


def _answer_of(found: Found, seal: AnswerSeal, request: KeyedRequest) -> Response | Refused | None:
    match found:
        case FirstTime():
            return None
        case Repeated(status, kept):
            REPEATS.labels("repeated").inc()
            response = seal.open(request, kept)
            if response is None:
                return Refused(Refusal.KEY_REUSED, "This request was answered; its answer can no longer be read.")
            return Response(response, status, {"Idempotent-Replay": "true"}, "application/json")
        case KeyReused():
            REPEATS.labels("reused").inc()
            return Refused(Refusal.KEY_REUSED)
        case StillRunning():
            REPEATS.labels("running").inc()
            return Refused(Refusal.STILL_RUNNING, retry_after_s=1)
        case _ as never:
            assert_never(never)


def json_answer(body: BaseModel, status: int = 200) -> Response:
    """The body as JSON, past FastAPI's second validation: it is a checked model already."""
    return Response(body.__pydantic_serializer__.to_json(body), status, media_type="application/json")
