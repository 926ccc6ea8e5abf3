"""How often somebody may call: token buckets in memory, so each worker process counts for itself.

They keep one caller from taking the place of all others. What money or secrets hang on (codes, guesses) is counted in
the database besides, for all processes and over restarts.
"""

import ipaddress
from collections.abc import Callable, Hashable
from enum import StrEnum
from threading import Lock
from time import monotonic

KEYS_MAX = 50_000  # about 10 MB


class Kind(StrEnum):
    """What a call costs us."""

    READ = "read"
    WRITE = "write"
    LOGIN = "login"


_LOGINS = frozenset(("/auth/verify_mobile", "/auth/verify_otp", "/auth/refresh", "/console/api/login"))
_READING = frozenset(("GET", "HEAD", "OPTIONS"))


def kind_of(method: str, path: str) -> Kind:
    """The kind of a call, known before its route is."""
    if method in _READING:
        return Kind.READ
    return Kind.LOGIN if path in _LOGINS else Kind.WRITE


class TokenBuckets:
    """Each key may act `per_minute` times at once, and so often again within a minute, evenly. For any thread."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._capacity, self._per_second, self._clock = float(per_minute), per_minute / 60, clock
        self._left: dict[Hashable, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, key: Hashable) -> float:
        """Seconds until the key may act; 0: now, and it has been counted."""
        with self._lock:
            return self._take(key, self._clock())

    def _take(self, key: Hashable, now: float) -> float:
        left, at = self._left.get(key, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._per_second)
        if left < 1:
            return (1 - left) / self._per_second
        if key not in self._left and len(self._left) >= KEYS_MAX:
            self._make_room(now)
        self._left[key] = (left - 1, now)
        return 0.0

    def _make_room(self, now: float) -> None:
        """Forget who has everything again; a crowd of strangers is forgotten as a whole."""
        kept = {key: held for key, held in self._left.items() if now - held[1] < self._capacity / self._per_second}
        self._left = kept if len(kept) < KEYS_MAX else {}


def is_private_address(address: str) -> bool:
    """Whether it is of this machine or of a private network (RFC 1918, RFC 4193)."""
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False


def network_of(address: str) -> str:
    """An IPv4 address as it is, an IPv6 address as its network of 64 bits: one customer's."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    except ValueError:
        return address
