"""The folder of one stack (`.smartcart` unless told otherwise): where its files are, its lock and its secrets."""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import SecretStr

from services.stack.errors import StackFailed, StackRunning
from services.stack.postgres import Cluster, socket_path_fits
from shared.settings import PROGRAMS

_PEPPER = "CODE_PEPPER"
PART_NAMES = ("postgres", "broker", "ingest", "gateway")
_LOCK_PATIENCE_S = 0.5  # a supervisor that is just ending still holds the lock for a moment


@dataclass(frozen=True)
class StackFolder:
    """Paths below one absolute folder. Nothing is made until `make` is called."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "StackFolder":
        return cls(path.expanduser().resolve())

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def address_file(self) -> Path:
        return self.run / "address.json"

    @property
    def lock_file(self) -> Path:
        return self.run / "lock"

    def pid_file(self, part: str) -> Path:
        return self.run / f"{part}.pid"

    def log_file(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Create what is missing; readable by the owner only. Raises StackFailed."""
        for folder in (self.root, self.run, self.logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as problem:
                raise StackFailed(f"{folder} cannot be made: {problem.strerror}") from problem
            try:
                with tempfile.TemporaryFile(dir=folder):  # asked of the kernel: modes do not tell of read-only disks
                    pass
            except OSError as problem:
                raise StackFailed(f"{folder} cannot be written to: {problem.strerror}") from problem

    @contextlib.contextmanager
    def postgres_cluster(self) -> Iterator[Cluster]:
        """Where PostgreSQL lives; its socket moves to a temporary folder when this path is too long for one."""
        data_dir = self.root / "postgres"
        if socket_path_fits(self.root / "socket"):
            yield Cluster(data_dir=data_dir, socket_dir=self.root / "socket")
        else:
            with tempfile.TemporaryDirectory(prefix="smartcart-", ignore_cleanup_errors=True) as short:
                yield Cluster(data_dir=data_dir, socket_dir=Path(short) / "socket")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one supervisor. Raises StackRunning; the kernel lets go when we die."""
        with self._open_lock() as lock:
            deadline = time.monotonic() + _LOCK_PATIENCE_S
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as held:
                    if time.monotonic() > deadline:
                        lock.seek(0)
                        holder = lock.read().strip() or "unknown"
                        raise StackRunning(f"a stack already runs on {self.root} (process {holder})") from held
                    time.sleep(0.05)
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def _open_lock(self) -> TextIO:
        try:
            return self.lock_file.open("a+", encoding="ascii")
        except OSError as problem:
            raise StackFailed(f"{self.lock_file} cannot be opened: {problem.strerror}") from problem

    def is_held(self) -> bool:
        """Whether a supervisor holds the folder now."""
        try:
            with self.lock_file.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError as problem:
            raise StackFailed(f"{self.lock_file} cannot be opened: {problem.strerror}") from problem
        return False

    def secrets(self) -> dict[str, str]:
        """The stack's secrets by the name of their variable, made at random when first asked for.

        Raises StackFailed when they are lost, damaged or not ours to read: what a database keeps under old secrets
        is strange to new ones.
        """
        kept = self._kept_secrets()
        if _PEPPER not in kept and self.has_cluster():
            raise StackFailed(
                f"{self.secrets_file} is lost, and the database in {self.root} was kept under it: put it back, or "
                "`smartcart up --new-secrets` makes new ones, to which every known phone number is a stranger"
            )
        missing = [name for name in secret_names() if name not in kept]
        if missing:
            kept |= {name: secrets.token_hex(32) for name in missing}
            self._write_secrets(kept)
        return kept

    def make_new_secrets(self) -> None:
        """Replace all of them, on the owner's word."""
        self._write_secrets({name: secrets.token_hex(32) for name in secret_names()})

    def has_cluster(self) -> bool:
        """Whether a database lives here already."""
        return (self.root / "postgres" / "PG_VERSION").exists()

    def _kept_secrets(self) -> dict[str, str]:
        try:
            kept = json.loads(self.secrets_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as problem:
            raise StackFailed(f"{self.secrets_file} cannot be read: {problem.strerror}") from problem
        except ValueError as problem:
            raise StackFailed(f"{self.secrets_file} is damaged (no JSON): put it back from a backup") from problem
        if not isinstance(kept, dict) or not all(isinstance(secret, str) and secret for secret in kept.values()):
            raise StackFailed(f"{self.secrets_file} is damaged (no list of secrets): put it back from a backup")
        return kept

    def _write_secrets(self, kept: dict[str, str]) -> None:
        try:
            write_privately(self.secrets_file, json.dumps(kept, indent=2))
        except OSError as problem:
            raise StackFailed(f"{self.secrets_file} cannot be written: {problem.strerror}") from problem


def secret_names() -> list[str]:
    """The variables of all programs that hold a secret."""
    names = {
        name.upper()
        for program in PROGRAMS
        for name, setting in program.model_fields.items()
        if isinstance(setting.default, SecretStr)
    }
    return sorted(names)


def write_privately(path: Path, text: str) -> None:
    """Replace a file in one step, readable by the owner only; a power cut leaves the old one or the new one."""
    draft = path.with_name(f".{path.name}.new")
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    draft.replace(path)
