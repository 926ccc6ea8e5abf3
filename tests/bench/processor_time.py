"""Processor seconds and memory of the processes of a measurement, children included, as the kernel counts them."""

import contextlib
from collections.abc import Mapping

import psutil


def used_s(pid: int) -> float:
    """Processor seconds, user and system, of a process, its living children and those that it has waited for."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        one = psutil.Process(pid)
        for process in (one, *one.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def used_by_each_s(pids: Mapping[str, int]) -> dict[str, float]:
    """The same for several, by name."""
    return {name: used_s(pid) for name, pid in pids.items()}


def spent_s(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each has used between two readings."""
    return {name: after[name] - before[name] for name in after}


def resident_mb(pid: int) -> float:
    """Memory that a process holds, in megabytes of 10^6 bytes."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6
