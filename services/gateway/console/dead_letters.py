"""What was set aside, shown so that nothing in it can do harm, and tried again by a manager."""

from typing import Annotated, assert_never

import psycopg
from fastapi import APIRouter, Path, Query
from pydantic import Field

from services.gateway.console.staff import Manager, Staff
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Limit, Moment
from services.gateway.wiring import Here
from shared.db.dead_letters import KeptLetter, find_dead_letter, list_dead_letters
from shared.db.operators import record_action
from shared.db.retry import NoSuchLetter, NotRetriable, Retried, retry_dead_letter

router = APIRouter(prefix="/dead_letters")

INT64_MAX = 2**63 - 1
LetterId = Annotated[int, Path(ge=1, le=INT64_MAX)]
Before = Annotated[int | None, Query(ge=1, le=INT64_MAX, description="number of the last row of the page before")]


class LetterRow(Answer):
    """A delivery that could not be accepted. What is not printable ASCII in `topic` and `detail` is escaped."""

    dead_letter_id: int
    topic: str
    cart_id: int | None
    epoch: int | None
    seq: int | None
    reason: str
    detail: str
    payload_bytes: int
    occurrences: int
    received_at: Moment
    last_seen_at: Moment
    retried_at: Moment | None
    outcome: str | None = Field(description="what the last retry came to")


class LetterBody(LetterRow):
    """With what is kept of its bytes, escaped."""

    payload: str


class Letters(Answer):
    """A page, the newest first."""

    dead_letters: list[LetterRow]


class RetryBody(Answer):
    """What a retry came to."""

    outcome: str = Field(description="applied, refused, late or duplicate; else the reason why it stays")


_REFUSALS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


@router.get("", summary="Dead letters", responses=refusals(*_REFUSALS))
def letters(
    here: Here,
    _: Staff,
    reason: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Letters:
    """The newest first, without their bytes."""
    with here.pool.connection() as connection:
        found = list_dead_letters(connection, reason=reason, before=before, limit=limit)
    return Letters(dead_letters=[LetterRow(**_shown(one)) for one in found])


@router.get("/{dead_letter_id}", summary="One dead letter", responses=refusals(*_REFUSALS, Refusal.UNKNOWN_DEAD_LETTER))
def letter(here: Here, _: Staff, dead_letter_id: LetterId) -> LetterBody:
    """With its bytes as escaped text."""
    with here.pool.connection() as connection:
        found = find_dead_letter(connection, dead_letter_id)
    if found is None:
        raise Refused(Refusal.UNKNOWN_DEAD_LETTER)
    return LetterBody(**_shown(found), payload=printable(found.payload.decode("latin-1")))


@router.post(
    "/{dead_letter_id}/retry",
    summary="Try a dead letter again",
    responses=refusals(
        *_REFUSALS,
        Refusal.NOT_FROM_CONSOLE,
        Refusal.MANAGER_ONLY,
        Refusal.UNKNOWN_DEAD_LETTER,
        Refusal.NOT_RETRIABLE,
    ),
)
def retry(here: Here, manager: Manager, dead_letter_id: LetterId) -> RetryBody:
    """With the same number, as if the cart had sent it again: twice changes nothing the second time."""
    now = here.now()
    try:
        with here.pool.connection() as connection, connection.transaction():
            outcome = retry_dead_letter(connection, dead_letter_id, now)
            if isinstance(outcome, Retried):
                record_action(
                    connection,
                    manager.operator_id,
                    "retried_dead_letter",
                    now,
                    subject_id=dead_letter_id,
                    detail=outcome.outcome,
                )
    except (psycopg.DataError, psycopg.IntegrityError):
        raise Refused(Refusal.NOT_RETRIABLE, "The database refuses it still.") from None
    match outcome:
        case Retried(outcome=word):
            return RetryBody(outcome=word)
        case NoSuchLetter():
            raise Refused(Refusal.UNKNOWN_DEAD_LETTER)
        case NotRetriable(why=why):
            raise Refused(Refusal.NOT_RETRIABLE, f"It cannot be tried again: {why}.")
        case _ as never:
            assert_never(never)


def printable(text: str) -> str:
    """Whatever is not printable ASCII becomes an escape; so that no sign turns a line around or hides."""
    return "".join(one if " " <= one <= "~" else one.encode("unicode_escape").decode("ascii") for one in text)


def _shown(letter: KeptLetter) -> dict[str, object]:
    row = {field: getattr(letter, field) for field in LetterRow.model_fields}
    return row | {"topic": printable(letter.topic), "detail": printable(letter.detail)}
