"""Supervision of child processes, with small stand-in parts and one real PostgreSQL."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from services.stack.child import Command
from services.stack.errors import StackFailed, StackRunning
from services.stack.folder import StackFolder
from services.stack.parts import Part, postgres_part
from services.stack.postgres import server_processes
from services.stack.supervisor import Supervisor
from tests.eventually import eventually

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
WITH_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"


@pytest.fixture
def folder(stack_dir: Path) -> StackFolder:
    folder = StackFolder.at(stack_dir / "stack")
    folder.make()
    return folder


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(folder: StackFolder, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(folder, said.append)
    yield supervisor
    supervisor.stop()


def a_part(name: str = "broker", code: str = "import time; time.sleep(600)") -> Part:
    return Part(
        name=name,
        command=lambda: Command((sys.executable, "-c", code), environment={"PATH": os.defpath}),
        is_ready=lambda: True,
        stop_within_s=3,
    )


def pid_of(folder: StackFolder, part: str) -> int:
    try:
        return int(folder.pid_file(part).read_text())
    except FileNotFoundError:
        return 0


def keep_running_until(supervisor: Supervisor, condition: Callable[[], bool], within_s: float) -> None:
    """Supervise in this thread, as the kernel wants it, while another one watches for the condition."""
    failure: list[BaseException] = []

    def watch() -> None:
        try:
            eventually(condition, within_s=within_s)
        except AssertionError as problem:
            failure.append(problem)
        supervisor.stop_requested = True

    watcher = threading.Thread(target=watch)
    watcher.start()
    supervisor.keep_running()
    watcher.join()
    supervisor.stop_requested = False
    if failure:
        raise failure[0]


def test_a_killed_part_is_started_again_within_two_seconds(folder: StackFolder, supervisor: Supervisor) -> None:
    supervisor.start([a_part()])
    before = pid_of(folder, "broker")
    os.kill(before, signal.SIGKILL)
    keep_running_until(supervisor, lambda: pid_of(folder, "broker") not in (0, before), within_s=2)


def test_a_part_that_dies_again_and_again_is_started_less_and_less_often(folder: StackFolder) -> None:
    died_at_s: list[float] = []
    supervisor = Supervisor(folder, lambda _: died_at_s.append(time.monotonic()))
    supervisor.start([a_part(code="raise SystemExit(3)")])
    keep_running_until(supervisor, lambda: len(died_at_s) >= 5, within_s=20)
    supervisor.stop()
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(died_at_s)]
    assert pauses_s[-1] > 0.8
    assert pauses_s[-1] > 2 * pauses_s[0]


def test_a_part_that_cannot_start_fails_the_start_with_its_last_words(supervisor: Supervisor) -> None:
    broken = replace(a_part(code="raise SystemExit('no room at the inn')"), is_ready=lambda: False)
    with pytest.raises(StackFailed, match=r"broker ended with code 1 while starting; .*no room at the inn"):
        supervisor.start([broken])


def test_a_bad_setting_fails_the_start_at_the_first_death(supervisor: Supervisor, said: list[str]) -> None:
    with pytest.raises(StackFailed, match="code 78"):
        supervisor.start([replace(a_part(code="raise SystemExit(78)"), is_ready=lambda: False)])
    assert said == []


def test_parts_stop_in_the_reverse_order_and_leave_no_pid_file(folder: StackFolder, supervisor: Supervisor) -> None:
    names = ("broker", "ingest", "gateway")
    code = textwrap.dedent("""
        import signal, sys, time
        def stop(*_):
            with open({order!r}, "a") as order: order.write({name!r} + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        open({up!r}, "w").close()
        time.sleep(600)
    """)
    order = folder.root / "order"
    parts = [
        replace(
            a_part(name, code.format(order=str(order), name=name, up=str(folder.root / name))),
            is_ready=(folder.root / name).exists,
        )
        for name in names
    ]
    supervisor.start(parts)
    supervisor.stop()
    assert order.read_text().split() == ["gateway", "ingest", "broker"]
    assert list(folder.run.glob("*.pid")) == []


def test_a_part_that_ignores_sigterm_is_killed_with_its_children(
    folder: StackFolder, supervisor: Supervisor, said: list[str]
) -> None:
    parent = a_part(code=WITH_CHILD)
    supervisor.start([parent, replace(a_part("ingest", STUBBORN), stop_within_s=0.25)])
    children = eventually(lambda: psutil.Process(pid_of(folder, "broker")).children())
    eventually(lambda: "up" in folder.log_file("ingest").read_text())
    supervisor.stop()
    assert said == ["ingest did not stop within 0.2 s and was killed"]
    _, alive = psutil.wait_procs(children, timeout=2)
    assert alive == []


def test_the_folder_is_held_by_one_supervisor_only(folder: StackFolder) -> None:
    with folder.locked():
        assert folder.is_held()
        with pytest.raises(StackRunning, match=rf"a stack already runs on .*process {os.getpid()}"), folder.locked():
            pass
    assert not folder.is_held()


def test_secrets_are_random_kept_and_for_the_owner_only(folder: StackFolder, tmp_path: Path) -> None:
    first = folder.secrets()
    other = StackFolder.at(tmp_path / "other")
    other.make()
    assert folder.secrets() == first
    assert "MQTT_TOKEN_SECRET" in first
    assert not set(first.values()) & set(other.secrets().values())
    assert folder.secrets_file.stat().st_mode & 0o777 == 0o600


def test_a_killed_postgres_is_back_with_its_rows_within_two_seconds(
    folder: StackFolder, supervisor: Supervisor
) -> None:
    with folder.postgres_cluster() as cluster:
        supervisor.start([postgres_part(cluster)])
        url = cluster.url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('yes')")
            before = pid_of(folder, "postgres")
            os.kill(before, signal.SIGKILL)
            keep_running_until(supervisor, lambda: pid_of(folder, "postgres") not in (0, before), within_s=2)

        def kept() -> bool:
            try:
                with psycopg.connect(url) as connection:
                    return connection.execute("SELECT word FROM kept").fetchone() == ("yes",)
            except psycopg.OperationalError:
                return False

        eventually(kept, within_s=5)
        supervisor.stop()
        assert server_processes(cluster.data_dir) == []


def test_a_stale_pid_file_of_postgres_that_names_a_living_stranger_does_not_matter(
    folder: StackFolder, supervisor: Supervisor
) -> None:
    with folder.postgres_cluster() as cluster:
        supervisor.start([postgres_part(cluster)])
        supervisor.stop()
        stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        try:
            (cluster.data_dir / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data_dir}\n0\n5432\n\n\n\n")
            supervisor.start([postgres_part(cluster)])
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_a_socket_path_that_is_too_long_moves_to_a_short_folder(tmp_path: Path) -> None:
    folder = StackFolder.at(tmp_path / ("deep" * 30))
    folder.make()
    with folder.postgres_cluster() as cluster:
        assert not cluster.socket_dir.is_relative_to(folder.root)
    assert not cluster.socket_dir.parent.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_children_of_a_killed_supervisor_die_too(folder: StackFolder) -> None:
    code = textwrap.dedent(f"""
        from pathlib import Path
        from services.stack.folder import StackFolder
        from services.stack.supervisor import Supervisor
        from tests.integration.test_supervisor import a_part
        from services.stack.parts import postgres_part
        folder = StackFolder.at(Path({str(folder.root)!r}))
        supervisor = Supervisor(folder, print)
        with folder.postgres_cluster() as cluster:
            supervisor.start([postgres_part(cluster), a_part()])
            print("up", flush=True)
            supervisor.keep_running()
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        children = [psutil.Process(pid_of(folder, part)) for part in ("postgres", "broker")]
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=8)
    assert alive == []


def test_a_part_that_cannot_be_started_again_now_is_tried_later(
    folder: StackFolder, supervisor: Supervisor, said: list[str]
) -> None:
    given = iter((None, OSError("no space left"), None))

    def command() -> Command:
        if (trouble := next(given)) is not None:
            raise trouble
        return a_part().command()

    supervisor.start([replace(a_part(), command=command)])
    before = pid_of(folder, "broker")
    os.kill(before, signal.SIGKILL)
    keep_running_until(supervisor, lambda: pid_of(folder, "broker") not in (0, before), within_s=2)
    assert said[-1] == "broker cannot be started: no space left"


def test_a_part_that_cannot_be_started_at_first_fails_the_start(supervisor: Supervisor) -> None:
    def command() -> Command:
        raise PermissionError("not allowed")

    with pytest.raises(StackFailed, match="broker cannot be started: not allowed"):
        supervisor.start([replace(a_part(), command=command)])
