"""Whatever bytes a client sends, in whatever pieces: its connection goes on or ends, and no neighbour is hurt."""

import asyncio
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.embedded import packets
from broker.embedded.broker import Broker
from broker.embedded.connection import Connection
from broker.embedded.limits import ClientLimits, Limits
from tests.integration.broker.embedded import Everything
from tests.integration.broker.wire import (
    Will,
    acknowledgement_bytes,
    connect_bytes,
    publish_bytes,
    subscribe_bytes,
    unsubscribe_bytes,
)

TOPIC = st.sampled_from(["a", "a/b", "", "+", "#", "$SYS/x", "a/#", "\0", "/"])
NUMBER = st.integers(0, 3)
CLIENT = st.sampled_from(["one", "two", ""])
SAID = st.one_of(
    st.builds(
        connect_bytes, CLIENT, clean=st.booleans(), will=st.none() | st.builds(Will, TOPIC, qos=st.integers(0, 2))
    ),
    st.builds(
        publish_bytes, TOPIC, st.binary(max_size=9), NUMBER, NUMBER, retain=st.booleans(), duplicate=st.booleans()
    ),
    st.builds(subscribe_bytes, st.lists(st.tuples(TOPIC, NUMBER), max_size=3), NUMBER),
    st.builds(unsubscribe_bytes, st.lists(TOPIC, max_size=2), NUMBER),
    st.builds(acknowledgement_bytes, st.sampled_from([4, 5, 6, 7]), NUMBER),
    st.sampled_from([b"\xc0\x00", b"\xe0\x00"]),
    st.binary(min_size=1, max_size=12),
)
MOMENT = st.tuples(
    st.integers(0, 2), SAID, st.sampled_from(["say", "say", "say", "tear", "lose", "stall", "flow", "look"])
)


class Silence:
    """A link to a client that reads everything and says nothing of itself."""

    def __init__(self) -> None:
        self.closed = False
        self.written = b""

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def close(self, *, at_once: bool) -> None:
        assert not self.closed, "closed twice"
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class AnyDoor:
    def admit(self, client_id: str, username: str | None, password: bytes | None, now: datetime) -> Everything:
        return Everything(ClientLimits(inflight_max=2, queue_max=5, filters_max=3))


@settings(max_examples=300, deadline=None)
@given(st.lists(MOMENT, min_size=1, max_size=40))
def test_no_conversation_breaks_the_broker(moments: list[tuple[int, bytes, Any]]) -> None:
    asyncio.run(converse(moments))


async def converse(moments: list[tuple[int, bytes, Any]]) -> None:
    broker = Broker(AnyDoor(), Limits(connections_max=4))
    witness_link = Silence()
    witness = Connection(broker, witness_link, "127.0.0.1")
    witness.receive(connect_bytes("witness") + subscribe_bytes([("#", 0)]))
    links = [Silence() for _ in range(3)]
    clients = [Connection(broker, link, "127.0.0.1") for link in links]
    for slot, said, deed in moments:
        client = clients[slot]
        match deed:
            case "say":
                client.receive(said)
            case "tear":
                for byte in said:
                    client.receive(bytes((byte,)))
            case "lose":
                client.lost()
                links[slot] = Silence()
                clients[slot] = Connection(broker, links[slot], "127.0.0.1")
            case "stall" | "flow":
                if not links[slot].closed:
                    client.congest(deed == "stall")
            case _:
                broker.check_clients()
        if links[slot].closed:
            clients[slot].lost()
            links[slot] = Silence()
            clients[slot] = Connection(broker, links[slot], "127.0.0.1")
        await asyncio.sleep(0)
    assert not witness_link.closed
    before = len(witness_link.written)
    witness.receive(publish_bytes("still/here", b"yes"))
    await asyncio.sleep(0)
    assert witness_link.written[before:] == publish_bytes("still/here", b"yes")
    for client in (*clients, witness):
        client.lost()
    assert broker.sizes["open"] == broker.sizes["connected"] == 0
    for link in links:
        at = 0
        while at < len(link.written):
            at += 2 + _length_of(link.written, at)
        assert at == len(link.written), "whole packets only"


def _length_of(written: bytes, at: int) -> int:
    assert written[at] >> 4 in range(packets.CONNACK, packets.PINGRESP + 1)
    assert written[at + 1] < 0x80, "nothing long is said here"
    return written[at + 1]
