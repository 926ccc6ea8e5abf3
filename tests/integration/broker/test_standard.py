"""Ten behaviours of MQTT 3.1.1, from the text of the standard, on every broker we run on."""

import pytest

from tests.integration.broker.conftest import TestedBroker
from tests.integration.broker.wire import (
    CONNACK,
    DISCONNECT_BYTES,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    UNSUBACK,
    Packet,
    Will,
    acknowledgement_bytes,
    connect_bytes,
    publish_bytes,
    subscribe_bytes,
    unsubscribe_bytes,
)


def told(messages: list[Packet]) -> list[tuple[str, bytes, int]]:
    return [(message.topic, message.payload, message.qos) for message in messages]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_reaches_its_subscriber_at_each_quality_of_service(open_broker: TestedBroker, qos: int) -> None:
    with open_broker.client() as hearer, open_broker.client() as speaker:
        assert hearer.connect("hearer").body == b"\0\0"
        assert hearer.subscribe(("a/topic", 2)) == [2]
        speaker.connect("speaker")
        speaker.publish("a/topic", b"payload", qos)
        (message,) = hearer.messages(1)
        assert told([message]) == [("a/topic", b"payload", qos)]
        assert not message.retain
        assert not message.duplicate
        hearer.send(unsubscribe_bytes(["a/topic"], 7))
        assert hearer.expect(UNSUBACK).packet_id == 7
        speaker.publish("a/topic", b"unheard", qos)
        assert hearer.hears_nothing()


def test_a_second_connect_on_one_connection_ends_it(open_broker: TestedBroker) -> None:
    with open_broker.client() as client:
        client.connect("twice")
        client.send(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05twice")
        assert client.is_closed_by_broker()


def test_retained_messages_reach_later_subscribers_until_an_empty_one_clears_them(open_broker: TestedBroker) -> None:
    with open_broker.client() as speaker, open_broker.client() as hearer:
        speaker.connect("speaker")
        for qos, topic in enumerate(("kept/0", "kept/1", "kept/2")):
            speaker.publish(topic, b"old", qos, retain=True)
            speaker.publish(topic, f"qos {qos}".encode(), qos, retain=True)
        hearer.connect("hearer")
        hearer.subscribe(("kept/+", 2))
        kept = hearer.messages(3)
        assert sorted(told(kept)) == [("kept/0", b"qos 0", 0), ("kept/1", b"qos 1", 1), ("kept/2", b"qos 2", 2)]
        assert all(message.retain for message in kept)
        speaker.publish("kept/1", b"", 1, retain=True)
        (cleared,) = hearer.messages(1)
        assert (cleared.payload, cleared.retain) == (b"", False)
        hearer.subscribe(("kept/1", 2), packet_id=2)
        assert hearer.hears_nothing()


def test_messages_for_an_offline_persistent_session_wait_for_it_in_order(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer:
        hearer.connect("hearer", clean=False)
        hearer.subscribe(("later/#", 2))
        hearer.leave()
    with open_broker.client() as speaker:
        speaker.connect("speaker")
        for number in range(200):
            speaker.publish("later/x", b"%d" % number, 1 + number % 2, packet_id=1 + number)
    with open_broker.client() as hearer:
        assert hearer.connect("hearer", clean=False).body[0] == 1, "session present"
        heard = hearer.messages(200)
        assert [message.payload for message in heard] == [b"%d" % number for number in range(200)]
    with open_broker.client() as hearer:
        assert hearer.connect("hearer", clean=True).body[0] == 0
        assert hearer.hears_nothing()
        hearer.leave()
    with open_broker.client() as hearer:
        assert hearer.connect("hearer", clean=False).body[0] == 0, "a clean session leaves nothing behind"


def test_the_will_is_heard_when_a_connection_breaks_and_not_after_a_disconnect(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer:
        hearer.connect("hearer")
        hearer.subscribe(("wills/#", 2))
        with open_broker.client() as polite:
            polite.connect("polite", will=Will("wills/polite"))
            polite.leave()
        with open_broker.client() as broken:
            broken.connect("broken", will=Will("wills/broken", b"bye", qos=2, retain=True))
            broken.cut()
        (will,) = hearer.messages(1)
        assert told([will]) == [("wills/broken", b"bye", 2)]
        assert hearer.hears_nothing()
    with open_broker.client() as later:
        later.connect("later")
        later.subscribe(("wills/#", 1))
        (kept,) = later.messages(1)
        assert (kept.topic, kept.retain, kept.qos) == ("wills/broken", True, 1)


def test_overlapping_filters_deliver_at_the_highest_quality_among_them(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as speaker:
        hearer.connect("hearer")
        assert hearer.subscribe(("over/#", 2), ("over/+", 1)) == [2, 1]
        speaker.connect("speaker")
        speaker.publish("over/lap", b"once", 2)
        heard = [packet for packet in hearer.until_pong() if packet.kind == PUBLISH]
        # Section 3.3.5: once at the highest QoS, or also once more for each other filter.
        assert max(message.qos for message in heard) == 2
        assert len(heard) <= 2


def test_a_client_silent_for_one_and_a_half_keep_alives_is_gone(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as sleeper, open_broker.client() as awake:
        hearer.connect("hearer")
        hearer.subscribe(("wills/#", 1))
        sleeper.connect("sleeper", keep_alive_s=1, will=Will("wills/sleeper"))
        awake.connect("awake", keep_alive_s=30, will=Will("wills/awake"))
        assert hearer.expect(PUBLISH, within_s=15).topic == "wills/sleeper"  # Mosquitto looks every 5 s
        assert sleeper.is_closed_by_broker()
        assert awake.hears_nothing()


def test_what_was_not_acknowledged_comes_again_marked_duplicate_in_order(open_broker: TestedBroker) -> None:
    with open_broker.client() as speaker:
        speaker.connect("speaker")
        with open_broker.client() as hearer:
            hearer.connect("hearer", clean=False)
            hearer.subscribe(("again/#", 2))
            for number in range(10):
                speaker.publish("again/x", b"%d" % number, 1 + number % 2, packet_id=1 + number)
            first = [hearer.expect(PUBLISH) for _ in range(10)]
            hearer.send(acknowledgement_bytes(PUBACK, first[0].packet_id))
            # The second is QoS 2: received, but not completed.
            hearer.send(acknowledgement_bytes(PUBREC, first[1].packet_id))
            assert hearer.expect(PUBREL).packet_id == first[1].packet_id
            hearer.cut()
        with open_broker.client() as hearer:
            assert hearer.connect("hearer", clean=False).body == b"\x01\0"
            released, again = [], []
            for _ in range(9):
                packet = hearer.receive()
                (released if packet.kind == PUBREL else again).append(packet)
            assert [packet.packet_id for packet in released] == [first[1].packet_id]
            assert [packet.payload for packet in again] == [packet.payload for packet in first[2:]]
            assert [packet.packet_id for packet in again] == [packet.packet_id for packet in first[2:]]
            assert all(packet.duplicate for packet in again)
            hearer.send(acknowledgement_bytes(PUBCOMP, released[0].packet_id))
            for packet in again:
                hearer.acknowledge(packet)
            unreleased = sorted(packet.packet_id for packet in again if packet.qos == 2)
            assert sorted(hearer.expect(PUBREL).packet_id for _ in unreleased) == unreleased
            for packet_id in unreleased:
                hearer.send(acknowledgement_bytes(PUBCOMP, packet_id))
            assert hearer.hears_nothing()


def test_a_zero_length_client_id_gets_one_with_a_clean_session_only(open_broker: TestedBroker) -> None:
    with open_broker.client() as client:
        assert client.connect("", clean=True).body == b"\0\0"
        client.subscribe(("own/topic", 0))
        client.publish("own/topic", b"heard", 0)
        assert client.expect(PUBLISH).payload == b"heard"
    with open_broker.client() as client:
        assert client.connect("", clean=False).body == b"\0\x02"
        assert client.is_closed_by_broker()


def test_wildcards_at_the_start_do_not_match_topics_that_start_with_a_dollar(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as speaker:
        hearer.connect("hearer")
        hearer.subscribe(("#", 1), ("+/x", 1))
        speaker.connect("speaker")
        speaker.publish("$mine/x", b"hidden", 1)
        assert hearer.hears_nothing()
        speaker.publish("mine/x", b"seen", 1)
        assert hearer.expect(PUBLISH).topic == "mine/x"


def test_a_refused_filter_is_answered_0x80_beside_the_granted_ones(open_broker: TestedBroker) -> None:
    if open_broker.kind == "mosquitto":
        pytest.skip("the open Mosquitto refuses no filter; test_policy shows it with the production configuration")
    with open_broker.client() as client:
        client.connect("client")
        codes = client.subscribe(("fine/one", 1), ("test/nosubscribe", 2), ("fine/two", 0), ("$share/g/x", 1))
        assert codes == [1, 0x80, 0, 0x80]


@pytest.mark.parametrize("bad", ["a/#/b", "a#", "+a", "a/b+", "#/"])
def test_a_malformed_filter_subscribes_to_nothing(open_broker: TestedBroker, bad: str) -> None:
    with open_broker.client() as client, open_broker.client() as speaker:
        client.connect("client")
        speaker.connect("speaker")
        client.send(subscribe_bytes([(bad, 1)]))
        try:
            answer = client.receive()
        except AssertionError:
            return  # closed
        assert (answer.kind, answer.body[2:]) == (SUBACK, b"\x80")


def test_an_incoming_qos_2_message_is_delivered_once_however_often_it_is_sent(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as speaker:
        hearer.connect("hearer")
        hearer.subscribe(("once", 1))
        speaker.connect("speaker", clean=False)
        speaker.send(publish_bytes("once", b"one", 2, 5))
        assert speaker.expect(PUBREC).packet_id == 5
        speaker.cut()
        with open_broker.client() as back:
            back.connect("speaker", clean=False)
            back.send(publish_bytes("once", b"one", 2, 5, duplicate=True))
            assert back.expect(PUBREC).packet_id == 5
            for _ in range(2):
                back.send(acknowledgement_bytes(PUBREL, 5))
                assert back.expect(PUBCOMP).packet_id == 5
            back.publish("once", b"two", 2, 5)
        assert [message.payload for message in hearer.messages(2)] == [b"one", b"two"]
        assert hearer.hears_nothing()


def test_an_older_protocol_level_is_answered_with_its_own_code(open_broker: TestedBroker) -> None:
    with open_broker.client() as client:
        client.send(connect_bytes("client", level=6))
        assert client.expect(CONNACK).body == b"\0\x01"
        assert client.is_closed_by_broker()


def test_nothing_after_a_disconnect_is_listened_to(open_broker: TestedBroker) -> None:
    with open_broker.client() as hearer, open_broker.client() as client:
        hearer.connect("hearer")
        hearer.subscribe(("after/#", 0))
        client.connect("client")
        client.send(DISCONNECT_BYTES + publish_bytes("after/x", b"too late"))
        assert client.is_closed_by_broker()
        assert hearer.hears_nothing()
