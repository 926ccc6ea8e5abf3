"""Keeps the parts of a stack running: starts them in order, starts again what dies, stops them in order."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import psutil

from services.stack.child import end, kill_group, spawn
from services.stack.errors import StackError, StackFailed
from services.stack.folder import PART_NAMES, StackFolder, write_privately
from services.stack.parts import Part
from shared.settings import EX_CONFIG

_TICK_S = 0.05
_START_WITHIN_S = 60.0  # a cold start on a slow disk, initdb included
_DEATHS_WHILE_STARTING_MAX = 3
_BACKOFF_FIRST_S = 0.1
_BACKOFF_MAX_S = 10.0
_STABLE_AFTER_S = 5.0  # who lived this long has recovered: the next death counts as the first
_LOG_MAX_BYTES = 16 * 1024 * 1024


class StopRequested(Exception):
    """The user asked for a stop before everything was ready."""


@dataclass
class _Running:
    part: Part
    child: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float = 0.0


class Supervisor:
    """The parts of one stack, from `start` to `stop`. Belongs to the main thread of a process of its own."""

    def __init__(self, folder: StackFolder, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._running: list[_Running] = []
        self.stop_requested = False

    @contextlib.contextmanager
    def listening_to_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask for a stop; the second one kills every part at once and ends the process."""

        def on_signal(number: int, _: FrameType | None) -> None:
            if self.stop_requested:
                self.kill()
                os._exit(128 + number)
            self.stop_requested = True

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def clear_leftovers(self) -> None:
        """Kill what an earlier supervisor, killed itself, left running; known by the RUN_DIR it was given."""
        for name in PART_NAMES:
            pid_file = self._folder.pid_file(name)
            with contextlib.suppress(FileNotFoundError, ValueError, psutil.Error):
                leftover = psutil.Process(int(pid_file.read_text(encoding="ascii")))
                if leftover.environ().get("RUN_DIR") == str(self._folder.run):
                    leftover.kill()
                    leftover.wait(5)
            pid_file.unlink(missing_ok=True)

    def start(self, parts: Sequence[Part]) -> None:
        """Start the parts and return when all are ready. Raises StackError, or StopRequested."""
        begun = [_Running(part) for part in parts]
        for running in begun:
            self._running.append(running)
            self._launch(running)
        waiting = list(begun)
        deadline = time.monotonic() + _START_WITHIN_S
        while waiting:
            self.go_on_or_stop()
            self._look_after(fail_after_deaths=_DEATHS_WHILE_STARTING_MAX)
            waiting = [running for running in waiting if not (running.child and running.part.is_ready())]
            if waiting and time.monotonic() > deadline:
                name = waiting[0].part.name
                raise StackFailed(f"{name} is not ready after {_START_WITHIN_S:g} s; {self._last_words(name)}")
            time.sleep(_TICK_S)

    def go_on_or_stop(self) -> None:
        """Raises StopRequested when a signal asked for it."""
        if self.stop_requested:
            raise StopRequested

    def keep_running(self) -> None:
        """Start again whatever dies, until a stop is asked for."""
        while not self.stop_requested:
            self._look_after(fail_after_deaths=None)
            time.sleep(_TICK_S)

    def stop(self) -> None:
        """Ask each part to stop, the last started first, and kill what does not; nothing is left afterwards.

        Time that a part does not need is given to those after it.
        """
        deadline = time.monotonic()
        for running in reversed(self._running):
            part = running.part
            deadline += part.stop_within_s
            left_s = max(0.0, deadline - time.monotonic())
            if running.child is not None and not end(running.child, sent=part.stop_signal, within_s=left_s):
                self._say(f"{part.name} did not stop within {left_s:.1f} s and was killed")
            self._folder.pid_file(part.name).unlink(missing_ok=True)
        self._running.clear()

    def kill(self) -> None:
        """SIGKILL to every part, waiting for nothing: called from a signal handler."""
        for running in reversed(self._running):
            if running.child is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(running.child.pid, signal.SIGKILL)
            self._folder.pid_file(running.part.name).unlink(missing_ok=True)

    def _look_after(self, fail_after_deaths: int | None) -> None:
        for running in self._running:
            if running.child is None:
                if time.monotonic() >= running.start_again_at:
                    self._launch(running)
            elif running.child.poll() is not None:
                self._record_death(running, fail_after_deaths)

    def _launch(self, running: _Running) -> None:
        """Whatever stands in the way, a full disk say, is tried again later, except at the very first start."""
        part = running.part
        try:
            command = part.command()
            log = self._folder.log_file(part.name)
            if log.exists() and log.stat().st_size > _LOG_MAX_BYTES:
                log.replace(log.with_suffix(".log.1"))
            running.child = spawn(command, log, death_signal=part.death_signal)
            write_privately(self._folder.pid_file(part.name), f"{running.child.pid}\n")
        except (StackError, OSError) as problem:
            if running.started_at == 0:
                raise StackFailed(f"{part.name} cannot be started: {problem}") from problem
            self._say(f"{part.name} cannot be started: {problem}")
            self._back_off(running)
        running.started_at = time.monotonic()

    def _record_death(self, running: _Running, fail_after_deaths: int | None) -> None:
        assert running.child is not None
        part, code = running.part, running.child.returncode
        kill_group(running.child)
        running.child = None
        self._folder.pid_file(part.name).unlink(missing_ok=True)
        if time.monotonic() - running.started_at >= _STABLE_AFTER_S:
            running.deaths = 0
        self._back_off(running)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        if fail_after_deaths is not None and (running.deaths >= fail_after_deaths or code == EX_CONFIG):
            raise StackFailed(f"{part.name} {how} while starting; {self._last_words(part.name)}")
        self._say(f"{part.name} {how}; it is started again")

    def _back_off(self, running: _Running) -> None:
        delay_s = min(_BACKOFF_FIRST_S * 2.0 ** min(running.deaths, 16), _BACKOFF_MAX_S)
        running.deaths += 1
        running.start_again_at = time.monotonic() + delay_s

    def _last_words(self, name: str) -> str:
        log = self._folder.log_file(name)
        with contextlib.suppress(OSError):
            written = log.read_text(encoding="utf-8", errors="replace").splitlines()
            last = next((line.strip() for line in reversed(written) if line.strip()), "")
            if last:
                return f"the end of {log}: {last[:300]}"
        return f"its log is {log}"
