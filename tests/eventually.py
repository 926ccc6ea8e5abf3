"""Waiting for a condition without sleeping a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], *, within_s: float = 10.0, every_s: float = 0.02, message: str = "") -> T:
    """Call `probe` until it gives something true, and return that.

    An AssertionError inside `probe` counts as "not yet". Raises AssertionError with `message` and
    the last refusal when `within_s` seconds have passed.
    """
    deadline = time.monotonic() + within_s
    last: object = None
    while True:
        try:
            last = probe()
            if last:
                return last  # type: ignore[return-value]
        except AssertionError as refusal:
            last = refusal
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {message or probe} (last: {last!r})")
        time.sleep(every_s)
