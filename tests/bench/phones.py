"""The time from a scan to the shopper's phone: carts that publish on a schedule, phones that hear their live carts.

    python -m tests.bench.phones < order.json

An open loop: when each event is due is drawn beforehand (independent carts together make a Poisson process, seeded),
whatever happens to the others, and its time counts from then, not from when the generator got round to sending it. A
generator that waits for the last answer would leave out exactly the events that a slow moment delays. Carts hear their
states too, as real ones do. One process and one clock.
"""

import contextlib
import heapq
import json
import random
import select
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.channels import SHOPPER_CART
from tests.bench.carts_on_sockets import READ_BYTES, Heard, head, open_cart, open_line, read_packets, tails
from tests.bench.figures import percentile

SEED = 20_260_101
LAST_ANSWER_WITHIN_S = 15.0


@dataclass
class Pair:
    """A cart and the phone that follows it. `due_s` are its events without an answer, oldest first."""

    cart_head: bytes
    cart: Any
    phone: Any
    sent: int = 0
    answered: int = 0
    due_s: deque[float] = field(default_factory=deque)


@dataclass
class Line:
    """One of the two sockets of a pair, with what is left of its last read."""

    socket: Any
    pair: Pair
    is_phone: bool
    rest: bytes = b""


class Shoppers:
    """All carts and phones of one order."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._tails = tails(order["codes"], order["first_seq"], order["events_each"], int(time.time() * 1000))
        self._first = order["first_seq"]
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self.pairs: list[Pair] = []
        for cart_id, cart_password, shopper_id, phone_password in order["pairs"]:
            cart = open_cart(order["port"], cart_id, cart_password, hear_states=True)
            topic = SHOPPER_CART.topic(shopper=shopper_id)
            phone = open_line(order["port"], f"shopper-{shopper_id}", phone_password, (topic,))
            pair = Pair(head(cart_id, len(self._tails[0])), cart, phone)
            self.pairs.append(pair)
            for line in (Line(cart, pair, False), Line(phone, pair, True)):
                self._lines[line.socket.fileno()] = line
                self._epoll.register(line.socket, select.EPOLLIN)

    def shop(self, per_s: float, for_s: float) -> tuple[list[float], list[float]]:
        """Seconds from due to the phone, and seconds from due to sent, of all events; those without an answer are
        missing from the first. Raises ConnectionError when the broker hangs up."""
        draw = random.Random(SEED)
        late: list[float] = []
        took: list[float] = []
        waiting: list[tuple[float, int]] = []

        def wait_for_next(after_s: float, number: int) -> None:
            due_s = after_s + draw.expovariate(per_s / len(self.pairs))
            if due_s <= for_s:
                heapq.heappush(waiting, (due_s, number))

        for number in range(len(self.pairs)):
            wait_for_next(0.0, number)
        began_s = time.monotonic() + 0.1
        while waiting or (any(pair.due_s for pair in self.pairs) and self._may_wait(began_s + for_s)):
            now_s = time.monotonic() - began_s
            while waiting and waiting[0][0] <= now_s:
                due_s, number = heapq.heappop(waiting)
                pair = self.pairs[number]
                pair.due_s.append(began_s + due_s)
                pair.cart.sendall(pair.cart_head + self._tails[pair.sent])
                pair.sent += 1
                late.append(time.monotonic() - began_s - due_s)
                wait_for_next(due_s, number)
            pause_s = max(0.0, began_s + waiting[0][0] - time.monotonic()) if waiting else 0.05
            # epoll itself rounds up to whole milliseconds, select does not.
            select.select([self._epoll], [], [], min(pause_s, 0.05))
            took += self._hear()
        return took, late

    def hear_for(self, seconds: float) -> None:
        """Take what comes, for example the states that open sessions begin with."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            select.select([self._epoll], [], [], 0.05)
            self._hear()

    def _hear(self) -> list[float]:
        took: list[float] = []
        for number, _ in self._epoll.poll(0):
            line = self._lines[number]
            data = line.socket.recv(READ_BYTES)
            now_s = time.monotonic()
            if not data:
                raise ConnectionError("the broker hung up on a cart or a phone")
            heard = Heard()
            line.rest = read_packets(line.rest + data, heard)
            if heard.owed:
                with contextlib.suppress(BlockingIOError):
                    line.socket.send(b"".join(heard.owed))
            if line.is_phone:
                pair = line.pair
                while pair.due_s and pair.answered < heard.acked - self._first + 1:
                    pair.answered += 1
                    took.append(now_s - pair.due_s.popleft())
        return took

    def _may_wait(self, last_due_s: float) -> bool:
        return time.monotonic() < last_due_s + LAST_ANSWER_WITHIN_S


def main() -> None:
    """Warm up, say `connected`, run the schedule and print what it came to as JSON."""
    order = json.loads(sys.stdin.readline())
    shoppers = Shoppers(order)
    shoppers.hear_for(2.0)
    shoppers.shop(order["per_s"], order["warm_up_s"])
    took, late = shoppers.shop(order["per_s"], order["seconds"])
    missing = len(late) - len(took)
    if missing:
        raise SystemExit(f"{missing} of {len(late)} events never reached their phone")
    found = {
        "per_s": order["per_s"],
        "events": len(took),
        "p50_ms": 1000 * percentile(took, 0.5),
        "p99_ms": 1000 * percentile(took, 0.99),
        "worst_ms": 1000 * max(took),
        "load_late_p99_ms": 1000 * percentile(late, 0.99),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
