"""`smartcart up` as a user meets it: one ready line, nothing left behind, and every part back after a kill."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from services.stack.address import find_stack
from services.stack.background import stack_in_background
from services.stack.errors import StackNotFound
from services.stack.folder import PART_NAMES
from tests.conftest import folder_for_postgres
from tests.eventually import eventually

READY_WITHIN_S = 60
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.endswith(("_URL", "_PORT", "_SECRET", "_PASSWORD")) and not name.startswith("SMARTCART_")
}


@dataclass
class Up:
    """A running `smartcart up` and what it said."""

    process: "subprocess.Popen[str]"
    data_dir: Path
    ready: dict[str, str] = field(default_factory=dict)

    def pid(self, part: str) -> int:
        try:
            return int((self.data_dir / "run" / f"{part}.pid").read_text())
        except FileNotFoundError:
            return 0

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def arguments(self) -> str:
        found = []
        for process in (psutil.Process(self.process.pid), *self.processes()):
            with suppress(psutil.NoSuchProcess):  # a backend of PostgreSQL that just ended
                found += process.cmdline()
        return " ".join(found)


def command(data_dir: Path, *options: str) -> list[str]:
    free = ("--http-port", "0", "--mqtt-port", "0", "--ws-port", "0")
    return [sys.executable, "-m", "services.cli", "up", *free, *options, "--data", str(data_dir)]


@contextmanager
def up(data_dir: Path, environment: dict[str, str] | None = None, options: Sequence[str] = ()) -> Iterator[Up]:
    with subprocess.Popen(
        command(data_dir, *options),
        env={**ENVIRONMENT, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        running = Up(process, data_dir)
        try:
            assert process.stdout is not None
            word, *pairs = process.stdout.readline().split() or ["nothing"]
            assert word == "ready"
            running.ready = dict(pair.split("=", 1) for pair in pairs)
            yield running
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture(scope="module")
def stack() -> Iterator[Up]:
    with folder_for_postgres() as folder, up(folder) as running:
        yield running


def answers(running: Up) -> bool:
    where = urlsplit(running.ready["http"])
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def test_the_ready_line_names_three_addresses_that_answer(stack: Up) -> None:
    assert set(stack.ready) == {"http", "mqtt", "ws"}
    assert answers(stack)
    for name, scheme in (("mqtt", "mqtt"), ("ws", "ws")):
        where = urlsplit(stack.ready[name])
        assert where.scheme == scheme
        socket.create_connection((where.hostname or "", where.port or 0), timeout=5).close()


def test_other_commands_find_the_stack_by_its_folder(stack: Up) -> None:
    address = find_stack(stack.data_dir, {})
    assert address.http_url == stack.ready["http"]
    with psycopg.connect(address.database_url) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM schema_migration").fetchone() == (True,)


def test_no_secret_is_in_any_argument(stack: Up) -> None:
    kept = json.loads((stack.data_dir / "secrets.json").read_text())
    arguments = stack.arguments()
    assert len(kept) >= 4
    assert "services.gateway" in arguments
    assert [name for name, secret in kept.items() if secret in arguments] == []


def ask_for_a_code(http_url: str, number: str) -> int:
    where = urlsplit(http_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    try:
        body = json.dumps({"mobile_number": number})
        connection.request("POST", "/auth/verify_mobile", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_plain_up_sends_no_code_twice_in_a_row_and_writes_none_to_its_log(stack: Up) -> None:
    answered = [ask_for_a_code(stack.ready["http"], "+491700000001") for _ in range(60)]
    assert answered == [503] + [429] * 59, "no SMS gateway is set; then the limits of a number hold"
    log = (stack.data_dir / "logs" / "gateway.log").read_text()
    assert "code_not_sent" in log
    assert '"one_time_code"' not in log


@pytest.mark.parametrize("part", PART_NAMES)
def test_a_killed_part_is_back_within_two_seconds(stack: Up, part: str) -> None:
    before = stack.pid(part)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.pid(part) not in (0, before), within_s=2)
    eventually(lambda: answers(stack), within_s=15)


def test_a_second_start_on_the_same_folder_is_refused_in_one_line(stack: Up) -> None:
    second = subprocess.run(command(stack.data_dir), env=ENVIRONMENT, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert f"a stack already runs on {stack.data_dir} (process {stack.process.pid})" in second.stderr
    assert answers(stack)


def test_a_port_in_use_is_refused_in_one_line_that_names_the_option(stack: Up, stack_dir: Path) -> None:
    port = str(urlsplit(stack.ready["mqtt"]).port)
    refused = subprocess.run(
        command(stack_dir, "--mqtt-port", port), env=ENVIRONMENT, capture_output=True, text=True, timeout=30
    )
    assert refused.returncode == 1
    assert refused.stderr == (
        f"smartcart: port {port} (--mqtt-port) is in use; choose another one, or 0 for any free one\n"
    )


def test_a_second_stack_runs_beside_the_first_and_its_stop_leaves_nothing(stack: Up, stack_dir: Path) -> None:
    with stack_in_background(stack_dir, ENVIRONMENT) as other:
        assert other.http_url != stack.ready["http"]
        assert other.database_url != find_stack(stack.data_dir, {}).database_url
        supervisor = psutil.Process(int((stack_dir / "run" / "lock").read_text()))
        processes = [supervisor, *supervisor.children(recursive=True)]
        assert len(processes) > len(PART_NAMES)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert [process for process in processes if process.is_running()] == []
    assert list((stack_dir / "run").glob("*.pid")) == []
    with pytest.raises(StackNotFound, match="no stack runs on"):
        find_stack(stack_dir, {})
    assert answers(stack)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_supervisor_takes_its_parts_along_and_the_next_start_takes_the_same_ports(stack_dir: Path) -> None:
    with up(stack_dir) as running:
        stuck = psutil.Process(running.pid("gateway"))
        stuck.suspend()  # it would hold its port for as long as it likes
        processes = [process for process in running.processes() if process.pid != stuck.pid]
        running.process.kill()
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert alive == []
    same = [word for name, url in running.ready.items() for word in (f"--{name}-port", str(urlsplit(url).port))]
    with up(stack_dir, options=same) as again:
        assert again.ready == running.ready
        assert not stuck.is_running()
        kill_by_a_second_ctrl_c(again)


def kill_by_a_second_ctrl_c(running: Up) -> None:
    processes = running.processes()
    psutil.Process(running.pid("ingest")).suspend()  # so that a polite stop would take its time
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: running.pid("gateway") == 0, within_s=8)
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: running.process.poll() is not None, within_s=2)
    _, alive = psutil.wait_procs(processes, timeout=3)
    assert alive == []


def test_a_stop_while_starting_leaves_nothing_and_is_no_failure(stack_dir: Path) -> None:
    with subprocess.Popen(
        command(stack_dir), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as starting:
        eventually(lambda: (stack_dir / "run" / "ingest.pid").exists(), within_s=READY_WITHIN_S)
        processes = psutil.Process(starting.pid).children(recursive=True)
        starting.terminate()
        said = starting.communicate(timeout=15)
        _, alive = psutil.wait_procs(processes, timeout=5)
    assert starting.returncode == 0
    assert said == ("", "")
    assert alive == []


def test_a_stack_for_simulated_shoppers_is_never_one_of_production(stack_dir: Path) -> None:
    refused = subprocess.run(
        command(stack_dir, "--sim"),
        env={**ENVIRONMENT, "ENV": "production"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert refused.returncode == 1
    assert "ENV=production" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_database_and_broker_of_the_environment_are_used_and_none_is_started(
    stack: Up, stack_dir: Path, empty_database_url: str
) -> None:
    given = {
        "DATABASE_URL": empty_database_url,
        "MQTT_URL": stack.ready["mqtt"],
        "MQTT_SERVICE_PASSWORD": find_stack(stack.data_dir, {}).secrets["MQTT_SERVICE_PASSWORD"],
        "INGEST_NAME": "ingest-1",
    }
    with up(stack_dir, given) as running:
        assert (running.pid("postgres"), running.pid("broker")) == (0, 0)
        assert not (stack_dir / "postgres").exists()
        assert running.ready["mqtt"] == stack.ready["mqtt"]
        assert answers(running)
        with psycopg.connect(empty_database_url) as connection:
            assert connection.execute("SELECT count(*) > 0 FROM schema_migration").fetchone() == (True,)


def test_a_broker_that_does_not_answer_is_named_in_one_line(stack_dir: Path, empty_database_url: str) -> None:
    environment = {**ENVIRONMENT, "MQTT_URL": "mqtt://127.0.0.1:9", "DATABASE_URL": empty_database_url}
    refused = subprocess.run(command(stack_dir), env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr == "smartcart: no broker answers at MQTT_URL within 5 s\n"


def test_a_database_that_does_not_answer_is_named_in_one_line_without_its_password(stack_dir: Path) -> None:
    environment = {**ENVIRONMENT, "DATABASE_URL": "postgresql://me:hidden-word@127.0.0.1:9/shop"}
    refused = subprocess.run(command(stack_dir), env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr.startswith("smartcart: the database cannot be prepared: ")
    assert len(refused.stderr.splitlines()) == 1
    assert "hidden-word" not in refused.stderr
