"""Ingest's health as the charts draw it."""

from itertools import pairwise

from fastapi import APIRouter
from pydantic import Field

from services.gateway.console.ingest_samples import EVERY_S, Sample
from services.gateway.console.staff import Staff
from services.gateway.errors import EVERYWHERE, Refusal, refusals
from services.gateway.fields import Answer, Moment
from services.gateway.wiring import Here

router = APIRouter(prefix="/ingest")


class PointBody(Answer):
    """What happened since the point before, and what waited at this moment."""

    at: Moment
    events_per_s: float
    duplicates_per_s: float
    lag_ms: int | None = Field(description="median time from cart to us by the carts' clocks; null without events")
    gaps: int = Field(description="carts with events missing")
    unpublished: int = Field(description="carts whose newest state is not out yet")


class WorkerBody(Answer):
    """What cart-ingest says of itself."""

    inbox: int = Field(description="deliveries waiting in memory")
    database_up: bool
    commit_ms: float | None = Field(description="mean time of a transaction since its start")


class IngestBody(Answer):
    """The last ten minutes, the oldest first."""

    every_s: float
    received: int = Field(description="deliveries settled since the beginning")
    duplicates: int
    points: list[PointBody]
    worker: WorkerBody | None = Field(description="null when INGEST_METRICS_URL is not set or does not answer")


@router.get("", summary="How ingest is doing", responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED))
def ingest(here: Here, _: Staff) -> IngestBody:
    """Read from memory; the database is asked every few seconds by a thread, however many screens there are."""
    samples = here.ingest_samples.recent()
    newest = samples[-1] if samples else None
    worker = newest.worker if newest else None
    return IngestBody(
        every_s=EVERY_S,
        received=newest.counters.received if newest else 0,
        duplicates=newest.counters.duplicates if newest else 0,
        points=[_point(before, after) for before, after in pairwise(samples)],
        worker=worker and WorkerBody(inbox=worker.inbox, database_up=worker.database_up, commit_ms=worker.commit_ms),
    )


def _point(before: Sample, after: Sample) -> PointBody:
    seconds = max((after.at - before.at).total_seconds(), 0.001)
    received = max(after.counters.received - before.counters.received, 0)
    duplicates = max(after.counters.duplicates - before.counters.duplicates, 0)
    return PointBody(
        at=after.at,
        events_per_s=round(received / seconds, 2),
        duplicates_per_s=round(duplicates / seconds, 2),
        lag_ms=None if after.lag_s is None else round(after.lag_s * 1000),
        gaps=after.counters.gaps,
        unpublished=after.counters.unpublished,
    )
