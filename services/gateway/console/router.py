"""All calls of the store's screen, below one path that the operator's cookie is bound to."""

from fastapi import APIRouter

from services.gateway.console import actions, alerts, blocks, dead_letters, events, ingest, live, login, refused
from services.gateway.console.staff import COOKIE_PATH

router = APIRouter(prefix=COOKIE_PATH, tags=["console"])
for part in (login, live, alerts, events, dead_letters, blocks, ingest, actions, refused):
    router.include_router(part.router)
