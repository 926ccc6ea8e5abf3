"""The load generator's packets are what a cart would send, although they are put together from prepared halves."""

import json

from firmware_sim.packets import Decoder, Message, Puback, puback, publish
from shared.contracts.channels import EVENTS, STATE
from shared.contracts.decode import decode_event
from shared.contracts.events import Scan
from tests.bench.carts_on_sockets import Heard, head, read_packets, tails
from tests.bench.rig import codes


def test_a_head_and_its_tails_are_scans_one_after_the_other() -> None:
    made = tails(codes(), 95, 10, 1_790_000_000_123)
    front = head(7, len(made[0]))
    messages = [one for one in Decoder().feed(front + front.join(made)) if isinstance(one, Message)]
    events = [decode_event(one.payload, 7) for one in messages]
    assert {one.topic for one in messages} == {EVENTS.topic(store="main", cart=7)}
    assert [one.seq for one in events if isinstance(one, Scan)] == list(range(95, 105))
    assert {one.qos for one in messages} == {1}
    assert len({event.code for event in events if isinstance(event, Scan)}) == len(codes())


def test_states_and_confirmations_are_read_however_the_bytes_are_cut() -> None:
    state = json.dumps({"v": 1, "ack": {"epoch": 1, "seq": 42}, "lines": ["x" * 300]}).encode()
    stream = puback(3) + publish(STATE.topic(store="main", cart=7).encode(), state, packet_id=513) + puback(4)
    for cut in range(len(stream) + 1):
        heard = Heard()
        rest = read_packets(stream[:cut], heard)
        assert read_packets(rest + stream[cut:], heard) == b""
        assert (heard.acked, heard.pubacks) == (42, 2)
        assert Decoder().feed(b"".join(heard.owed)) == [Puback(513)]
