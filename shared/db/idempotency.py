"""The first answer to a keyed request, kept in the transaction of its effect, so that a repeat changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.db.queries import sql
from shared.db.types import Tx

RETENTION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """Who asks for what under which key; `request_hash` covers everything that the client sent."""

    shopper_id: int
    key: str
    route: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class FirstTime:
    """Nobody has asked this before; the caller acts and then keeps the answer."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The first request was answered with this."""

    status: int
    response: str


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key belongs to another request."""


@dataclass(frozen=True, slots=True)
class StillRunning:
    """The first request has not been answered yet."""


def find_first_answer(tx: Tx, request: KeyedRequest) -> FirstTime | Repeated | KeyReused | StillRunning:
    """What to do with a keyed request. After FirstTime the key is held until the transaction ends.

    Both questions are asked before an answer is waited for: in a pipeline they are one round trip.
    """
    who = {"shopper_id": request.shopper_id, "key": request.key}
    locked = tx.execute(sql("try_lock_request"), who)
    found = tx.execute(sql("find_first_answer"), who)
    if locked.fetchone() != (True,):
        return StillRunning()
    row = found.fetchone()
    if row is None:
        return FirstTime()
    if (row[0], row[1]) != (request.route, request.request_hash):
        return KeyReused()
    return Repeated(row[2], row[3])


def insert_first_answer(tx: Tx, request: KeyedRequest, status: int, response: str, now: datetime) -> None:
    """Keep the answer for repeats."""
    tx.execute(
        sql("insert_first_answer"),
        {
            "shopper_id": request.shopper_id,
            "key": request.key,
            "route": request.route,
            "request_hash": request.request_hash,
            "status": status,
            "response": response,
            "now": now,
        },
    )


def delete_old_answers(tx: Tx, now: datetime) -> None:
    """Retention."""
    tx.execute(sql("delete_old_answers"), {"before": now - RETENTION})
