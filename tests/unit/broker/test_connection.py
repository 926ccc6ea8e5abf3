"""What a connection does at moments too short for a test over sockets."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from broker.embedded.broker import Broker
from broker.embedded.connection import Connection
from broker.embedded.limits import ClientLimits
from tests.integration.broker.wire import Will, connect_bytes, publish_bytes, subscribe_bytes


@dataclass
class Given:
    """Rights that a test takes away."""

    limits: ClientLimits
    hold: bool = True
    hidden: str = ""

    def may_publish(self, topic: str) -> bool:
        return True

    def may_retain(self, topic: str) -> bool:
        return True

    def may_subscribe(self, topic_filter: str) -> bool:
        return True

    def may_receive(self, topic: str) -> bool:
        return topic != self.hidden

    def still_hold(self, now: datetime) -> bool:
        return self.hold


class GivenDoor:
    """Gives everybody the same rights."""

    def __init__(self, rights: Given) -> None:
        self.rights = rights

    def admit(self, client_id: str, username: str | None, password: bytes | None, now: datetime) -> Given:
        return self.rights


class Link:
    """A client's end, in memory."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self, *, at_once: bool) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


def heard_by(link: Link) -> bytes:
    """What came after the CONNACK and the SUBACK."""
    return link.written[4 + 5 :]


def test_the_will_of_a_client_that_breaks_off_just_after_it_was_revoked_stays_silent() -> None:
    async def story() -> None:
        rights = Given(ClientLimits())
        broker = Broker(GivenDoor(rights))
        witness_link = Link()
        Connection(broker, witness_link, "127.0.0.1").receive(connect_bytes("witness") + subscribe_bytes([("#", 0)]))
        for revoked, heard in ((False, publish_bytes("status", b"gone")), (True, b"")):
            cart = Connection(broker, Link(), "127.0.0.1")
            cart.receive(connect_bytes("cart", will=Will("status", b"gone", qos=0)))
            await asyncio.sleep(0)
            before = len(witness_link.written)
            rights.hold = not revoked
            cart.lost()
            await asyncio.sleep(0)
            assert witness_link.written[before:] == heard

    asyncio.run(story())


def test_a_retained_message_passes_the_policy_once_more_on_its_way_out() -> None:
    """The filter was granted; should the grant ever be wider than the right, what is private stays private."""

    async def story() -> None:
        broker = Broker(GivenDoor(Given(ClientLimits(), hidden="private")))
        speaker = Connection(broker, Link(), "127.0.0.1")
        speaker.receive(connect_bytes("speaker"))
        for topic in ("private", "public"):
            speaker.receive(publish_bytes(topic, b"kept", retain=True))
        link = Link()
        hearer = Connection(broker, link, "127.0.0.1")
        hearer.receive(connect_bytes("hearer") + subscribe_bytes([("#", 0)]))
        await asyncio.sleep(0)
        assert heard_by(link) == publish_bytes("public", b"kept", retain=True)

    asyncio.run(story())
