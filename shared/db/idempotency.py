"""The first answer to a keyed request, kept in the transaction of its effect, so that a repeat changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
    """The first request was answered with this, as it was kept."""

    status: int
    response: bytes


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key belongs to another request."""


@dataclass(frozen=True, slots=True)
class StillRunning:
    """The first request has not been answered yet."""


Found = FirstTime | Repeated | KeyReused | StillRunning


def find_first_answers(tx: Tx, requests: Sequence[KeyedRequest]) -> list[Found]:
    """What to do with each of these requests, no two of one shopper. After FirstTime its key is held until the
    transaction ends.

    Both questions are asked before an answer is waited for: in a pipeline they are one round trip.
    """
    who = {
        "shopper_ids": [request.shopper_id for request in requests],
        "keys": [request.key for request in requests],
    }
    locked = tx.execute(sql("try_lock_requests"), who)
    found = tx.execute(sql("find_first_answers"), who)
    return [
        _found(request, is_ours, row)
        for request, (is_ours,), row in zip(requests, locked.fetchall(), found.fetchall(), strict=True)
    ]


def _found(request: KeyedRequest, is_ours: bool, row: tuple[Any, ...]) -> Found:
    route, request_hash, status, response = row
    if not is_ours:
        return StillRunning()
    if route is None:
        return FirstTime()
    if (route, request_hash) != (request.route, request.request_hash):
        return KeyReused()
    return Repeated(status, response)


def insert_first_answers(
    tx: Tx, answered: Sequence[KeyedRequest], status: int, responses: Sequence[bytes], now: datetime
) -> None:
    """Keep the answers for repeats."""
    tx.execute(
        sql("insert_first_answers"),
        {
            "shopper_ids": [request.shopper_id for request in answered],
            "keys": [request.key for request in answered],
            "routes": [request.route for request in answered],
            "request_hashes": [request.request_hash for request in answered],
            "status": status,
            "responses": list(responses),
            "now": now,
        },
    )


def delete_old_answers(tx: Tx, now: datetime, limit: int) -> int:
    """Retention: at most `limit` rows; gives how many."""
    return tx.execute(sql("delete_old_answers"), {"before": now - RETENTION, "limit": limit}).rowcount
