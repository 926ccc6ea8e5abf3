"""No broker at all: welcomes everybody, and answers each PUBLISH with its PUBACK as cheaply as can be.

    python -m tests.bench.acking_sink PORT FILE

It is what the load generator is measured against alone. A cart's packets are all of one length and numbered one after
the other (see carts_on_sockets), so they are counted by division and answered from a list made beforehand. The count
stands in the first eight bytes of FILE.
"""

import contextlib
import mmap
import select
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.packets import puback
from tests.bench.carts_on_sockets import EVENTS_EACH, READ_BYTES

_WELCOME = b"\x20\x02\x00\x00"
_CONNECT, _PUBLISH = 0x10, 0x30
PUBACKS = b"".join(puback(number) for number in range(1, EVENTS_EACH + 1))


@dataclass
class Guest:
    """A connected cart; `rest` are the bytes of a packet that is not complete."""

    line: socket.socket
    rest: int = 0
    size: int = 0
    taken: int = 0


def main() -> None:
    """Run until killed."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    with socket.create_server(("127.0.0.1", port), backlog=512) as door, select.epoll() as epoll:
        epoll.register(door, select.EPOLLIN)
        guests: dict[int, Guest] = {}
        total = 0
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as count:
            while True:
                for number, _ in epoll.poll():
                    if number == door.fileno():
                        line, _ = door.accept()
                        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        guests[line.fileno()] = Guest(line)
                        epoll.register(line, select.EPOLLIN)
                        continue
                    total += _serve(guests[number], epoll)
                    struct.pack_into("Q", count, 0, total)


def _serve(guest: Guest, epoll: select.epoll) -> int:
    """Answer what has come; gives how many events it was."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        data = guest.line.recv(READ_BYTES)
    if not data:
        epoll.unregister(guest.line)
        guest.line.close()
        return 0
    if data[0] & 0xF0 == _CONNECT and not guest.size:
        guest.line.sendall(_WELCOME)
        return 0
    if not guest.size:
        assert data[0] & 0xF0 == _PUBLISH
        guest.size = 3 + (data[1] & 0x7F | data[2] << 7)
    events, guest.rest = divmod(guest.rest + len(data), guest.size)
    if events:
        guest.line.sendall(PUBACKS[4 * guest.taken : 4 * (guest.taken + events)])
        guest.taken = (guest.taken + events) % EVENTS_EACH  # a cart begins again when all is acknowledged
    return events


if __name__ == "__main__":
    main()
