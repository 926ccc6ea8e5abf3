"""Alive, ready, and what Prometheus collects."""

import secrets

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer
from services.gateway.metrics import POOL
from services.gateway.rates import is_private_address
from services.gateway.wiring import Here

router = APIRouter(tags=["operation"])


class Status(Answer):
    """What is there to say."""

    status: str


@router.get("/healthz", summary="The process is alive", responses=refusals(*EVERYWHERE))
async def healthz() -> Status:
    """Answers without the database."""
    return Status(status="alive")


@router.get("/readyz", summary="The database answers and is up to date", responses=refusals(*EVERYWHERE))
async def readyz(here: Here) -> Status:
    """503 while the database is away or lacks a migration, or work beside the requests has stopped; as found out within
    the last second."""
    found = here.readiness.found()
    if found:
        raise Refused(Refusal.UNAVAILABLE, " ".join(found))
    return Status(status="ready")


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses=refusals(Refusal.NOT_FOUND, Refusal.NOT_AUTHENTICATED, *EVERYWHERE),
)
async def metrics(here: Here, request: Request) -> Response:
    """Text format; counts by route, never by person. With METRICS_TOKEN: for whoever sends it as a bearer token;
    without: for private addresses only."""
    token = here.settings.metrics_token
    if token is not None:
        sent = request.headers.get("authorization", "")
        if not secrets.compare_digest(sent.encode(), f"Bearer {token.get_secret_value()}".encode()):
            raise Refused(Refusal.NOT_AUTHENTICATED)
    elif request.client is None or not is_private_address(request.client.host):
        raise Refused(Refusal.NOT_FOUND)
    stats = here.pool.get_stats()
    for name in ("pool_size", "pool_available", "requests_waiting", "requests_errors", "connections_lost"):
        POOL.labels(name).set(stats.get(name, 0))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
