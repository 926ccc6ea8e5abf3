"""`python -m services.gateway`: serves until SIGTERM, then finishes what is under way within a second."""

import gc
import json
import signal
import socket
import sys
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from services.gateway.app import make_app, make_gateway
from services.gateway.door.protocol import BoundedHttpProtocol
from services.gateway.pepper import find_wrong_pepper
from services.gateway.server import server_config
from shared.db.migrate import find_misfit
from shared.logs import configure_logs
from shared.open_files import allow_open_files
from shared.settings import GatewaySettings, read_settings, refuse_to_start

log = structlog.get_logger("gateway")

# Python looks for circles of garbage whenever 700 objects are new, which one cart and its answer are, and now and then
# at all that lives. Looking less often, and never at routes and schemas, which stay, spares `/cart/view` a quarter of
# its processor time and took its p99 from 125 ms to 32 (measured).
GARBAGE_AFTER_OBJECTS = 20_000
FILES_FOR_OURSELVES = 300  # the pool, the log, images, and connections that are just being closed


def app_from_environment() -> FastAPI:
    """The application of one of several worker processes, each of which reads the settings anew."""
    settings = read_settings(GatewaySettings)
    configure_logs("gateway", settings.log_level)
    return _app_that_stays(settings)


def main() -> int:
    """Bind, say where, serve."""
    settings = read_settings(GatewaySettings)
    configure_logs("gateway", settings.log_level)
    pepper = settings.code_pepper.get_secret_value()
    misfit = find_misfit(settings.database_url) or find_wrong_pepper(settings.database_url, pepper)
    if misfit is not None:
        refuse_to_start(misfit)
    several = settings.http_workers > 1
    config = server_config(
        "services.gateway.__main__:app_from_environment" if several else _app_that_stays(settings),
        workers=settings.http_workers,
    )
    try:
        listener = _listen(settings.http_host, settings.http_port)
    except OSError as refused:
        log.error("cannot_listen", host=settings.http_host, port=settings.http_port, error=refused.strerror)
        return 1
    port = listener.getsockname()[1]
    if settings.run_dir is not None:
        _write_ports(settings.run_dir, port)
    log.info("listening", host=settings.http_host, port=port)
    if several:
        Multiprocess(config, sockets=[listener]).run()
        return 0
    # uvicorn raises the signal that stopped it once more; being asked to stop is no failure.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 3


def _app_that_stays(settings: GatewaySettings) -> FastAPI:
    """The application of this process; what it is made of is never looked at for garbage again."""
    BoundedHttpProtocol.census.open_max = allow_open_files() - FILES_FOR_OURSELVES
    app = make_app(make_gateway(settings))
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER_OBJECTS)
    return app


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.set_inheritable(True)
    return listener


def _write_ports(run_dir: Path, port: int) -> None:
    draft = run_dir / ".gateway.ports.json.new"
    draft.write_text(json.dumps({"http": port}) + "\n", encoding="ascii")
    draft.replace(run_dir / "gateway.ports.json")


if __name__ == "__main__":
    sys.exit(main())
