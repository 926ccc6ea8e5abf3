"""Starting and ending one child process; what runs, and when it is started again, is decided elsewhere."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Command:
    """What to run: arguments (never a secret), the whole environment, the user to drop to, and where it stands."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    user: str | None = None
    cwd: Path | None = None


def spawn(command: Command, log: Path, *, death_signal: signal.Signals) -> subprocess.Popen[bytes]:
    """Start the command in its own session, output appended to `log`.

    A session of its own keeps the terminal's Ctrl-C away from the child: we decide the order of stopping.
    On Linux the kernel sends `death_signal` to the child when we die, however we die. Call it from the main
    thread only: the kernel counts the death of the starting thread.
    """
    with log.open("ab", buffering=0) as output:
        return subprocess.Popen(
            command.arguments,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=command.user,
            group=_group_of(command.user),
            extra_groups=[] if command.user else None,
            preexec_fn=die_with_parent(death_signal),
            cwd=command.cwd,
        )


def end(child: "subprocess.Popen[bytes]", *, sent: signal.Signals, within_s: float) -> bool:
    """Send a signal and wait, then kill what is left of the child's group. False when it did not end in time."""
    if child.poll() is None:
        child.send_signal(sent)
    try:
        child.wait(within_s)
        in_time = True
    except subprocess.TimeoutExpired:
        in_time = False
    kill_group(child)
    return in_time


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to what is left of the child's session, then reap the child."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses when only zombies are left
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What `subprocess` shall run in the child so that it gets `death_signal` when we die; None if we cannot."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        # Runs after the change of user, which would clear the request (prctl(2)).
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # we died before the request took effect
            os._exit(1)

    return ask_kernel


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid
