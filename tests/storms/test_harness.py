"""The harness itself: what reads along on the wire, what cuts a connection, and the table of promises."""

import re
import socket
from pathlib import Path

from tests.fault_proxy import Cut, Way, fault_proxy
from tests.integration.broker.wire import PUBACK, acknowledgement_bytes, publish_bytes
from tests.storms.promises import PROMISES
from tests.storms.wire_watch import WireWatch

ROOT = Path(__file__).parents[2]
STATE = "smartcart/v1/stores/main/carts/1/state"


def state(version: int) -> bytes:
    return publish_bytes(STATE, b'{"version": %d}' % version, 1, 7)


def is_over(line: socket.socket) -> bool:
    """Whether the other side ended the connection, one way or another."""
    try:
        return line.recv(100) == b""
    except ConnectionResetError:
        return True


def test_an_acknowledgement_is_due_once_for_each_message_of_its_connection() -> None:
    watch = WireWatch()
    stream = publish_bytes("a", b"x" * 200, 1, 5) + publish_bytes("a", b"", 1, 6) + publish_bytes("a", b"", 0)
    for place in range(len(stream)):  # a byte at a time: packets do not end where chunks do
        watch(1, Way.DOWN, stream[place : place + 1])
    watch(1, Way.UP, acknowledgement_bytes(PUBACK, 6) + acknowledgement_bytes(PUBACK, 5))
    assert watch.findings == []
    assert watch.most_due == 2
    watch(1, Way.UP, acknowledgement_bytes(PUBACK, 5))
    watch(2, Way.UP, acknowledgement_bytes(PUBACK, 6))
    assert [finding.partition(":")[0] for finding in watch.findings] == ["stale acknowledgement"] * 2


def test_a_state_below_one_that_was_published_before_is_found_also_on_another_connection() -> None:
    watch = WireWatch()
    watch(1, Way.UP, state(3) + state(3) + state(4))
    assert watch.findings == []
    watch(2, Way.UP, state(3))
    assert watch.findings == [f"backwards: {STATE} was published with version 3 after 4"]


def test_a_trap_catches_only_the_connections_that_it_is_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, fault_proxy(server.getsockname()[:2]) as proxy:
        proxy.trap(b"COMMIT", Cut.BEFORE, of=b"worker")
        with socket.create_connection(("127.0.0.1", proxy.port)) as other:
            other.sendall(b"I am somebody else. COMMIT")
            heard, _ = server.accept()
            with heard:
                assert heard.recv(100) == b"I am somebody else. COMMIT"
        with socket.create_connection(("127.0.0.1", proxy.port)) as worker:
            worker.sendall(b"I am the worker.")
            heard, _ = server.accept()
            with heard:
                assert heard.recv(100) == b"I am the worker."
                worker.sendall(b"COMMIT")
                assert is_over(worker)
        assert proxy.sprung == 1


def test_the_table_leaves_out_no_promise_and_names_tests_that_exist() -> None:
    assert [promise.name for promise in PROMISES] == [
        f"R{n}" for n in range(1, 22) if n != 19
    ]  # R19 is a soak of hours
    for proof in (proof for promise in PROMISES for proof in promise.proofs):
        file, *_, name = proof.partition("[")[0].split("::")
        assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), proof
