"""A whole stack as one child process: for the demo, journeys and measurements, which do their own work meanwhile."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.stack.address import StackAddress, find_stack
from services.stack.child import die_with_parent
from services.stack.errors import StackFailed
from services.stack.up import Ports

_STOP_WITHIN_S = 15.0  # `up` itself is done within 10


@contextlib.contextmanager
def stack_in_background(
    data_dir: Path, environment: Mapping[str, str], ports: Ports | None = None, *, simulated: bool = False
) -> Iterator[StackAddress]:
    """Run `smartcart up` until the block ends; free ports unless told otherwise. Raises StackFailed.

    Its reason for failing is on standard error already. Should we be killed, it stops by itself.
    """
    asked = ports or Ports(http=0, mqtt=0, ws=0)
    # fmt: off
    command = [
        sys.executable, "-m", "services.cli", "--data", str(data_dir), "up",
        "--http-port", str(asked.http), "--mqtt-port", str(asked.mqtt),
        "--ws-port", str(asked.ws), "--metrics-port", str(asked.metrics),
        *(["--sim"] if simulated else []),
    ]
    # fmt: on
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    ) as stack:
        try:
            assert stack.stdout is not None
            if not stack.stdout.readline().startswith("ready "):
                raise StackFailed(f"the stack on {data_dir} did not start")
            yield find_stack(data_dir, environment)
        finally:
            stack.terminate()
            try:
                stack.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                stack.kill()
