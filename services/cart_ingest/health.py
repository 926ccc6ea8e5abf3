"""/healthz, /readyz and /metrics of cart-ingest, on a port of its own."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


def serve_health(host: str, port: int, registry: CollectorRegistry, complaints: Callable[[], list[str]]) -> int:
    """Serve in the background; `complaints` names what keeps us from working. Gives the port; raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "smartcart"
        sys_version = ""
        timeout = 5

        def do_GET(self) -> None:
            match self.path:
                case "/healthz":
                    self._answer(HTTPStatus.OK, b"alive\n", "text/plain")
                case "/readyz":
                    found = complaints()
                    status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
                    self._answer(status, ("\n".join(found) or "ready").encode() + b"\n", "text/plain")
                case "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return int(server.server_address[1])
