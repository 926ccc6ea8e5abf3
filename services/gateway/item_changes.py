"""Changes of carts by hand: those of different shoppers that wait at the same moment are one transaction, one commit.

Each call keeps its own answer, its own refusal and its own Idempotency-Key. A cart on which somebody else works is
changed by itself, in a thread of its own, so that nobody waits for another one's lock; and when a batch fails, each of
its calls is tried by itself, so that a bad one fails alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, assert_never

import psycopg
from anyio import to_thread
from fastapi import Response
from psycopg import errors

from services.gateway.batches import Batches
from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Message
from services.gateway.keyed import answer_each_once
from services.gateway.pool import Pool
from services.gateway.sealed_answers import AnswerSeal
from shared.db.idempotency import KeyedRequest
from shared.db.phone_changes import (
    CartNotFree,
    ItemChange,
    ItemChanged,
    LineLimit,
    NoCart,
    NotInCart,
    Outcome,
    UnknownProduct,
    change_free_items,
    change_item,
)

# PostgreSQL's word that nothing of the transaction happened. Without it the commit may stand, and the phone must ask.
_UNDONE = (errors.IntegrityError, errors.DataError, errors.LockNotAvailable, errors.InternalError)


class ItemCall(NamedTuple):
    """A call as it came; `request` when it has an Idempotency-Key."""

    item: ItemChange
    request: KeyedRequest | None
    at: datetime


class ItemChanges:
    """Puts pieces in and takes pieces out of the carts that shoppers hold."""

    def __init__(self, pool: Pool, answer_seal: AnswerSeal) -> None:
        self._pool = pool
        self._answer_seal = answer_seal
        self._batches = Batches(self._change_together, apart=lambda call: call.item.shopper_id)

    async def change(self, call: ItemCall) -> Response:
        """The answer; raises Refused, and what the database raised."""
        try:
            answer = await self._batches.ask(call)
        except Exception as problem:
            if isinstance(problem, psycopg.Error) and not isinstance(problem, _UNDONE):
                raise
            answer = None
        if answer is None:
            answer = await to_thread.run_sync(self._change_alone, call)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def _change_together(self, calls: Sequence[ItemCall]) -> list[Response | Refused | None]:
        """One transaction; None: nothing was done, it has to be tried alone."""
        now = max(call.at for call in calls)
        with self._pool.connection() as tx, tx.pipeline(), tx.transaction():

            def act(places: Sequence[int]) -> list[Message | Refused | None]:
                items = [calls[place].item for place in places]
                return [_said(item, one) for item, one in zip(items, change_free_items(tx, items, now), strict=True)]

            return answer_each_once(tx, self._answer_seal, [call.request for call in calls], now, act)

    def _change_alone(self, call: ItemCall) -> Response | Refused:
        with self._pool.connection() as tx, tx.pipeline(), tx.transaction():

            def act(_: Sequence[int]) -> list[Message | Refused | None]:
                return [_said(call.item, change_item(tx, *call.item, call.at))]

            (answer,) = answer_each_once(tx, self._answer_seal, [call.request], call.at, act)
        assert answer is not None, "it waits for the cart"
        return answer


def _said(item: ItemChange, outcome: Outcome | CartNotFree) -> Message | Refused | None:
    match outcome:
        case ItemChanged():
            return Message(message="Added to the cart." if item.pieces > 0 else "Taken out of the cart.")
        case CartNotFree():
            return None
        case NoCart():
            return Refused(Refusal.NO_CART)
        case NotInCart():
            return Refused(Refusal.NOT_IN_CART)
        case UnknownProduct():
            return Refused(Refusal.UNKNOWN_PRODUCT)
        case LineLimit():
            return Refused(Refusal.LINE_LIMIT)
        case _ as never:
            assert_never(never)
