"""A broker that does exactly what a test tells it: for what a well-behaved one never does."""

import contextlib
import queue
import socket
import struct
import threading
from collections.abc import Iterator

from tests.integration.broker.wire import PUBACK, PUBLISH, ConnectionEnded, Packet, RawClient, packet

CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 8, 10, 12, 14


class Peer(RawClient):
    """A client that has come to us."""

    def __init__(self, line: socket.socket) -> None:
        line.settimeout(10)
        self.stream = line
        self.client_id = ""
        self.clean = True

    def hear(self, within_s: float = 5.0) -> Packet:
        """The next packet of interest: pings are answered, what the client publishes is confirmed."""
        while True:
            received = self.receive(within_s)
            if received.kind == PINGREQ:
                self.send(b"\xd0\x00")
            elif received.kind == PUBLISH:
                self.acknowledge(received)
            else:
                return received

    def read_connect(self) -> None:
        body = self.expect(CONNECT).body
        (size,) = struct.unpack_from("!H", body, 10)
        self.client_id = body[12 : 12 + size].decode()
        self.clean = bool(body[7] & 2)

    def welcome(self, *, session_present: bool = False) -> None:
        self.send(packet(0x20, bytes((session_present, 0))))

    def grant(self, granted: list[int] | None = None) -> list[tuple[str, int]]:
        """Answer the SUBSCRIBE that comes now, with what is asked or with `granted`; gives what was asked."""
        asked_for = self.hear()
        assert asked_for.kind == SUBSCRIBE, asked_for
        body, asked = asked_for.body[2:], []
        while body:
            (size,) = struct.unpack_from("!H", body)
            asked.append((body[2 : 2 + size].decode(), body[2 + size]))
            body = body[3 + size :]
        codes = bytes(granted if granted is not None else [qos for _, qos in asked])
        self.send(packet(0x90, asked_for.body[:2] + codes))
        return asked

    def hear_acknowledgements(self, count: int, within_s: float = 5.0) -> list[int]:
        """The packet ids of the next PUBACKs."""
        found = []
        while len(found) < count:
            received = self.hear(within_s)
            assert received.kind == PUBACK, received
            found.append(received.packet_id)
        return found

    def serve(self) -> None:
        """Confirm everything, in the background, until the client goes."""

        def loop() -> None:
            with contextlib.suppress(ConnectionEnded, AssertionError, OSError):
                while True:
                    self.hear(3_600)

        threading.Thread(target=loop, daemon=True).start()


class ScriptedBroker:
    """Hands out clients by their client id, in the order in which they came."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._peers: list[Peer] = []
        self._waiting: dict[str, queue.Queue[Peer]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="scripted-broker", daemon=True).start()

    def peer(self, client_id: str = "ingest-0", within_s: float = 15.0) -> Peer:
        """The next connection of this client, its CONNECT read and not yet answered."""
        return self._queue(client_id).get(timeout=within_s)

    def serve(self, client_id: str) -> None:
        """Be a plain broker for this client from now on."""

        def loop() -> None:
            while True:
                peer = self.peer(client_id, 3_600)
                peer.welcome()
                peer.serve()

        threading.Thread(target=loop, daemon=True).start()

    def close(self) -> None:
        self._door.close()
        for peer in self._peers:
            peer.cut()

    def _queue(self, client_id: str) -> "queue.Queue[Peer]":
        with self._lock:
            return self._waiting.setdefault(client_id, queue.Queue())

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            peer = Peer(line)
            self._peers.append(peer)
            with contextlib.suppress(AssertionError, OSError):
                peer.read_connect()
                self._queue(peer.client_id).put(peer)


@contextlib.contextmanager
def scripted_broker() -> Iterator[ScriptedBroker]:
    """A scripted broker until the block ends; the publisher is served plainly."""
    broker = ScriptedBroker()
    broker.serve("publisher-0")
    try:
        yield broker
    finally:
        broker.close()
