"""How uvicorn serves the gateway: one place for the process and for tests."""

import uvicorn
from fastapi import FastAPI

from services.gateway.door.protocol import BoundedHttpProtocol

GRACE_S = 1  # the supervisor allows 1.5 s
BACKLOG = 1024
KEEP_ALIVE_S = 30


def server_config(app: FastAPI | str, workers: int = 1) -> uvicorn.Config:
    """Configuration for an application, or for the name of a function that makes one in each of several workers."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        http=BoundedHttpProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=workers,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
