"""Choosing TCP ports on 127.0.0.1, once per stack, so that a part that restarts comes back where it was."""

import random
import socket

from services.stack.errors import PortTaken, StackFailed

HOST = "127.0.0.1"
# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections: a free
# port stays free while its part restarts.
_FREE_RANGE = range(20_000, 32_000)
_TRIES = 200


def claim_ports(asked: dict[str, int]) -> dict[str, int]:
    """A port for each name: the one asked for, or a free one for 0. Raises PortTaken naming the option."""
    claimed: dict[str, int] = {}
    for name, port in asked.items():
        if port and (port in claimed.values() or not _is_free(port)):
            raise PortTaken(f"port {port} (--{name}-port) is in use; choose another one, or 0 for any free one")
        claimed[name] = port or _free_port(set(claimed.values()) | set(asked.values()))
    return claimed


def accepts(host: str, port: int) -> bool:
    """Whether somebody takes TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port(besides: set[int]) -> int:
    # Drawn at random, so that stacks that start at the same moment do not all try the same one.
    for port in random.SystemRandom().sample(_FREE_RANGE, _TRIES):
        if port not in besides and _is_free(port):
            return port
    raise StackFailed(f"no free port among {_TRIES} tries between {_FREE_RANGE.start} and {_FREE_RANGE.stop}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As a server would: a connection of an earlier run in TIME_WAIT does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
