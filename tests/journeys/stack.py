"""A whole stack as its users have it: started by the command, spoken to over its ports, its parts known by pid file."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from firmware_sim.cart import CartCredential
from services.stack.address import StackAddress
from services.stack.background import stack_in_background
from services.stack.folder import StackFolder
from shared.db.catalogue import SimProduct, list_sim_products
from tests.conftest import memory_folder

ONE_TIME_CODE = "424242"
_FOREIGN = ("_URL", "_PORT", "_SECRET", "_PASSWORD")


@dataclass(frozen=True)
class Stack:
    """A running stack, and how to run commands on it."""

    folder: StackFolder
    address: StackAddress
    environment: dict[str, str]

    def run(self, *arguments: str, within_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run `smartcart` on this stack and wait for its end, whatever that is."""
        return subprocess.run(
            smartcart(self.folder, *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within_s,
        )

    def must(self, *arguments: str, within_s: float = 60) -> str:
        """Run `smartcart`, expect success, give what it printed."""
        done = self.run(*arguments, within_s=within_s)
        assert done.returncode == 0, f"smartcart {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_carts(self, count: int) -> list[CartCredential]:
        """New carts of the store main."""
        lines = self.must("carts", "add", "--count", str(count), "--store", "main", "--json").splitlines()
        return [CartCredential(**json.loads(line)) for line in lines]

    def products(self) -> list[SimProduct]:
        """What the store sells."""
        with psycopg.connect(self.address.database_url) as connection:
            return list_sim_products(connection)

    def pid(self, part: str) -> int | None:
        """The process of a part now; None while it is down."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self.folder.pid_file(part).read_text(encoding="ascii"))
        return None

    def signal(self, part: str, number: signal.Signals) -> int | None:
        """Send a signal to a part by its pid file; the pid, or None when it was down already."""
        pid = self.pid(part)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid


def smartcart(folder: StackFolder, *arguments: str) -> list[str]:
    """The command line of `smartcart` on a stack's folder."""
    return [sys.executable, "-m", "services.cli", "--data", str(folder.root), *arguments]


def own_environment() -> dict[str, str]:
    """This process's variables without those that would lead a stack to somebody else's parts."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(_FOREIGN) and not name.startswith("SMARTCART_")
    }


@contextlib.contextmanager
def running_stack(**settings: str) -> Iterator[Stack]:
    """A fresh stack with the demo store, in a folder of its own that goes away with it. `settings` are variables."""
    root = Path(tempfile.mkdtemp(prefix="smartcart-journey-", dir=memory_folder()))
    environment = {**own_environment(), "FIXED_OTP": ONE_TIME_CODE, **settings}
    try:
        with stack_in_background(root, environment, simulated=True) as address:
            stack = Stack(StackFolder.at(root), address, environment)
            stack.must("import", "demo")
            yield stack
    finally:
        shutil.rmtree(root, ignore_errors=True)
