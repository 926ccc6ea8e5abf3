"""Carts that publish at a steady rate, whatever is acknowledged: what a store of them adds up to. No shoppers here."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from firmware_sim.cart import CartCredential
from firmware_sim.connection import Broker, Connection, Hooks, Login
from shared.contracts.channels import EVENTS, STATE, STATUS
from shared.contracts.events import CART_EVENT

MALFORMED_EVERY, POISON_EVERY = 100, 1_000  # docs/reliability.md R7: 1 % malformed, 0.1 % that the database rejects


@dataclass
class Talker:
    """One cart: `sent_at_s` by the numbers that no state has acknowledged yet, and in which kind of weather."""

    credential: CartCredential
    connection: Connection
    seq: int = 0
    sent_at_s: dict[int, tuple[float, bool]] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return EVENTS.topic(store=self.credential.store, cart=self.credential.cart_id)


class Talkers:
    """`waits_s`: from a scan to the state that acknowledges it, without and with hostile messages in between.
    `hostile`: what was published and may not be applied, as topic and payload."""

    def __init__(
        self, mqtt_url: str, credentials: Sequence[CartCredential], codes: Sequence[str], events_per_s: int
    ) -> None:
        self.sent = 0
        self.waits_s: dict[bool, list[float]] = {False: [], True: []}
        self.hostile: list[tuple[str, bytes]] = []
        self._codes = codes
        self._events_per_s = events_per_s
        self.carts: list[Talker] = []
        broker = Broker.from_url(mqtt_url)
        for one in credentials:
            state = STATE.topic(store=one.store, cart=one.cart_id)
            status = STATUS.topic(store=one.store, cart=one.cart_id)
            hear = partial(self._hear, len(self.carts))
            hooks = Hooks(lambda: None, lambda: None, hear, lambda: b"{}")
            login = Login(one.username, one.password, status)
            self.carts.append(Talker(one, Connection(broker, login, (state,), hooks, Random(one.cart_id))))

    async def arrive(self) -> None:
        """All connect."""
        for cart in self.carts:
            cart.connection.start()
        while not all(cart.connection.up for cart in self.carts):
            await asyncio.sleep(0.05)

    async def talk(self, for_s: float, poison: str | None = None) -> None:
        """Everybody scans in turn; with the code of a `poison`, some of what is said is hostile."""
        began_s, before = time.monotonic(), self.sent
        while (now_s := time.monotonic() - began_s) < for_s:
            while self.sent - before < now_s * self._events_per_s:
                self._scan(poison)
            await asyncio.sleep(0.01 if poison is None and not self.waits_s[True] else 0.002)

    async def until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.02)

    @property
    def unacknowledged(self) -> int:
        """Scans that no state has acknowledged."""
        return sum(len(cart.sent_at_s) for cart in self.carts)

    async def leave(self) -> None:
        await asyncio.sleep(1.0)  # what was written is sent
        for cart in self.carts:
            await cart.connection.close()

    def _scan(self, poison: str | None) -> None:
        cart = self.carts[self.sent % len(self.carts)]
        cart.seq += 1
        code = self._codes[cart.seq % len(self._codes)]
        if poison is not None and self.sent % MALFORMED_EVERY == 0:
            self._say(cart, b'{"type":"scan","code":%d' % self.sent)
        if poison is not None and self.sent % POISON_EVERY == POISON_EVERY // 2:
            code = poison
        event = CART_EVENT.validate_python({"type": "scan", "epoch": 1, "seq": cart.seq, "at": 0, "code": code})
        payload = event.model_dump_json(exclude_none=True).encode()
        if code == poison:
            self._say(cart, payload)
        else:
            cart.sent_at_s[cart.seq] = time.monotonic(), poison is not None
            assert cart.connection.send(cart.topic.encode(), payload, qos=1)
        self.sent += 1

    def _say(self, cart: Talker, payload: bytes) -> None:
        self.hostile.append((cart.topic, payload))
        assert cart.connection.send(cart.topic.encode(), payload, qos=1)

    def _hear(self, number: int, _topic: str, payload: bytes) -> None:
        now_s, settled = time.monotonic(), json.loads(payload)["ack"]["seq"]
        waiting = self.carts[number].sent_at_s
        for seq in [seq for seq in waiting if seq <= settled]:
            sent_s, is_hostile = waiting.pop(seq)
            self.waits_s[is_hostile].append(now_s - sent_s)
