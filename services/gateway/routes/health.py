"""Alive, ready, and what Prometheus collects."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer
from services.gateway.metrics import POOL
from services.gateway.wiring import Here
from shared.db.migrate import pending_migrations

router = APIRouter(tags=["operation"])


class Status(Answer):
    """What is there to say."""

    status: str


@router.get("/healthz", summary="The process is alive", responses=refusals(*EVERYWHERE))
async def healthz() -> Status:
    """Answers without the database."""
    return Status(status="alive")


@router.get("/readyz", summary="The database answers and is up to date", responses=refusals(*EVERYWHERE))
def readyz(here: Here) -> Status:
    """503 while the database is away or lacks a migration."""
    with here.pool.connection() as connection:
        if pending_migrations(connection):
            raise Refused(Refusal.UNAVAILABLE, "The database lacks a migration.")
    return Status(status="ready")


@router.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=refusals(*EVERYWHERE))
def metrics(here: Here) -> Response:
    """Text format; counts by route, never by person."""
    stats = here.pool.get_stats()
    for name in ("pool_size", "pool_available", "requests_waiting", "requests_errors", "connections_lost"):
        POOL.labels(name).set(stats.get(name, 0))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
