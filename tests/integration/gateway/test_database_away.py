"""The database away: 503 within a bounded time; the first request after its return succeeds.

Reasons: docs/reliability.md H14.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.stack.child import end, spawn
from services.stack.postgres import Cluster, prepare_cluster, server_command, wait_until_answers
from shared.db.migrate import apply_migrations
from tests.eventually import eventually
from tests.integration.gateway.shop import Shop, open_shop


class OwnServer:
    """A PostgreSQL server that a test may kill."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(data_dir=folder / "postgres", socket_dir=folder / "s")
        self.log = folder / "postgres.log"
        prepare_cluster(self.cluster)
        self.process: subprocess.Popen[bytes] = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        prepare_cluster(self.cluster)
        self.process = spawn(server_command(self.cluster), self.log, death_signal=signal.SIGQUIT)
        wait_until_answers(self.cluster, self.process)
        return self.process

    def kill(self) -> None:
        end(self.process, sent=signal.SIGQUIT, within_s=10)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="smartcart-", ignore_cleanup_errors=True) as folder:
        server = OwnServer(Path(folder))
        apply_migrations(server.cluster.url("postgres"))
        yield server
        server.kill()


@pytest.fixture
def fragile(server: OwnServer) -> Iterator[Shop]:
    with open_shop(server.cluster.url("postgres")) as shop:
        yield shop


def test_the_first_request_after_a_restart_succeeds(fragile: Shop, server: OwnServer) -> None:
    ada = fragile.log_in()
    fragile.connect(ada)
    with ThreadPoolExecutor(10) as threads:  # the pool is as full as it gets
        assert {a.status_code for a in threads.map(lambda _: ada.get("/cart/view"), range(50))} == {200}
    for _ in range(2):
        server.kill()
        server.start()
        assert ada.get("/cart/view").status_code == 200


def test_while_the_database_is_away_nobody_hangs_and_no_traceback_is_told(fragile: Shop, server: OwnServer) -> None:
    ada = fragile.log_in()
    server.kill()
    began = time.monotonic()
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: ada.get("/cart/view"), range(80)))
    assert time.monotonic() - began < 10
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"unavailable"}
    assert {answer.headers["Retry-After"] for answer in answers} == {"1"}
    eventually(lambda: fragile.client.get("/readyz").status_code == 503)
    assert fragile.client.get("/healthz").status_code == 200
    server.start()
    eventually(lambda: fragile.client.get("/readyz").status_code == 200, within_s=5)
    assert ada.get("/cart/view").status_code == 404


def test_a_database_without_its_migrations_is_not_ready(empty_database_url: str) -> None:
    import httpx

    from services.gateway.app import make_app, make_gateway
    from tests.integration.gateway.shop import serve, settings_for

    with serve(make_app(make_gateway(settings_for(empty_database_url)))) as url:

        def said() -> tuple[int, str]:
            answer = httpx.get(f"{url}/readyz", trust_env=False)
            return answer.status_code, answer.json()["detail"]

        eventually(lambda: said() == (503, "The database lacks a migration."))
