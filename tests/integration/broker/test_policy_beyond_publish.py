"""The policy's matrix once more, identity by topic by hearer, for what nobody says himself: wills, and what is kept.

A will is said by the broker in the name of a client that is gone; a retained message is handed to whoever comes later.
Stock amqtt lets both past its policy (docs/reliability.md fact 5). Expected is the table of test_policy.
"""

from typing import get_args

import pytest

from shared.access import CartIdentity, Identity, ServiceIdentity, username
from tests.integration.broker.conftest import (
    ELSEWHERE,
    IDENTITIES,
    INGEST,
    NEIGHBOUR,
    PUBLISHER,
    HouseBroker,
)
from tests.integration.broker.test_policy import STATE, STATUS, TOPICS, everything_heard, hears, publishes
from tests.integration.broker.wire import PUBLISH, RawClient, Will, publish_bytes, subscribe_bytes

LAST_WORDS = b"everything before this has been said"


def listen(house: HouseBroker, hearers: list[Identity]) -> dict[Identity, RawClient]:
    """Clients that have asked for every topic, and were given what is theirs."""
    clients = {identity: house.join(identity) for identity in hearers}
    for client in clients.values():
        for topic in TOPICS:
            client.send(subscribe_bytes([(topic, 0)]))
        client.until_pong()
    return clients


def die(house: HouseBroker, identity: Identity, topic: str, words: bytes, *, retain: bool = False) -> bool:
    """Whether the broker let this client in with such a will; its connection breaks at once."""
    name = username(identity)
    with house.client() as dying:
        answer = dying.connect(name, name, house.accounts[name], will=Will(topic, words, retain=retain))
        dying.cut()
        return answer.body[1] == 0


@pytest.mark.parametrize("speaker", IDENTITIES, ids=username)
def test_a_will_reaches_exactly_those_whom_a_message_would(house: HouseBroker, speaker: Identity) -> None:
    """One will on each topic. After each, another cart dies, whose will a service hears: then the first was handled."""
    witness = PUBLISHER if speaker == INGEST else INGEST
    mourner: CartIdentity = ELSEWHERE if speaker != ELSEWHERE else NEIGHBOUR
    name = username(speaker).encode()
    clients = listen(house, [one for one in IDENTITIES if one not in (speaker, mourner)])
    heard: dict[Identity, set[tuple[str, bytes]]] = {one: set() for one in clients}
    refused = set()
    for topic in TOPICS:
        if not die(house, speaker, topic, name):
            refused.add(topic)
        die(house, mourner, STATUS[mourner], LAST_WORDS)
        while (STATUS[mourner], LAST_WORDS) not in heard[witness]:
            message = clients[witness].expect(PUBLISH)
            heard[witness].add((message.topic, message.payload))
        heard[witness].discard((STATUS[mourner], LAST_WORDS))
    for one, client in clients.items():
        heard[one] |= everything_heard(client)
        client.cut()
    for hearer, told in heard.items():
        expected = {(topic, name) for topic in publishes(speaker) & hears(hearer)}
        assert {one for one in told if one[1] == name} == expected, f"{username(speaker)} to {username(hearer)}"
    if house.kind == "embedded":
        assert refused == set(TOPICS) - publishes(speaker), "refused at the door, and nobody who may come in"


@pytest.mark.parametrize("speaker", IDENTITIES, ids=username)
@pytest.mark.parametrize("how", ["published", "as a will"])
def test_what_is_kept_reaches_exactly_those_whom_a_message_would(
    house: HouseBroker, speaker: Identity, how: str
) -> None:
    """Everybody comes later, the speaker as well, and asks for every topic."""
    name = username(speaker).encode()
    if how == "published":
        with house.join(speaker) as client:
            for topic in TOPICS:
                client.send(publish_bytes(topic, name, retain=True))
            client.until_pong()
    else:
        (witness,) = listen(house, [PUBLISHER if speaker == INGEST else INGEST]).values()
        mourner: CartIdentity = ELSEWHERE if speaker != ELSEWHERE else NEIGHBOUR
        for topic in TOPICS:
            die(house, speaker, topic, name, retain=True)
            die(house, mourner, STATUS[mourner], LAST_WORDS)
            while witness.expect(PUBLISH).payload != LAST_WORDS:
                pass
        witness.cut()
    kept = kept_by(house)
    for hearer in IDENTITIES:
        with house.join(hearer) as client:
            assert client.hears_nothing(), "nothing comes without a subscription"
            for topic in TOPICS:
                client.send(subscribe_bytes([(topic, 0)]))
            heard = everything_heard(client)
        expected = {(topic, name) for topic in publishes(speaker) & hears(hearer) & kept}
        assert {one for one in heard if one[1] == name} == expected, f"{username(speaker)} to {username(hearer)}"


def kept_by(house: HouseBroker) -> set[str]:
    """The embedded broker keeps only what the contract retains; Mosquitto's rights do not tell retained from live."""
    return {*STATE.values(), *STATUS.values()} if house.kind == "embedded" else set(TOPICS)


def test_the_matrix_has_everybody_who_exists() -> None:
    kinds = {type(identity) for identity in IDENTITIES}
    assert kinds == set(get_args(Identity))
    assert sum(isinstance(one, ServiceIdentity) for one in IDENTITIES) == 2
