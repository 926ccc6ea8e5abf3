"""The cheapest ingest there could be: takes every event of a broker, counts and acknowledges it, and does nothing else.

    python -m tests.bench.counting_subscriber PORT FILE    (the password in MQTT_SERVICE_PASSWORD)

The count stands in the first eight bytes of FILE.
"""

import mmap
import os
import select
import struct
import sys
from pathlib import Path

from shared.contracts.channels import EVENTS
from tests.bench.carts_on_sockets import READ_BYTES, Heard, open_line, read_packets

NAME = "bench-0"


def main() -> None:
    """Run until killed."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    password = os.environ["MQTT_SERVICE_PASSWORD"]
    line = open_line(port, NAME, password, (EVENTS.filter,))
    line.setblocking(True)
    rest, total = b"", 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as count:
        print("ready", flush=True)
        while True:
            select.select([line], [], [])
            data = line.recv(READ_BYTES)
            if not data:
                return
            heard = Heard()
            rest = read_packets(rest + data, heard)
            if heard.owed:
                total += len(heard.owed)
                struct.pack_into("Q", count, 0, total)
                line.sendall(b"".join(heard.owed))


if __name__ == "__main__":
    main()
