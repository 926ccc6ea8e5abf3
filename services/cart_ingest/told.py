"""What the broker was told of each cart over one connection, what of it is confirmed, and what follows from it.

A cart that only went on from what was said of it (`cart_log.Step`) is said again without reading it. Whoever speaks,
the worker behind its commit or the publisher, speaks here: a version never follows a newer one. Nothing is kept from
one connection to the next, and nothing said here counts as published before the tables know.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from services.cart_ingest.gated_client import GatedClient, Said
from services.cart_ingest.metrics import Metrics
from services.cart_ingest.state_message import to_state_message
from shared.contracts.channels import SHOPPER_CART, STATE
from shared.db.cart_log import Step
from shared.db.cart_records import LockedCart
from shared.db.cart_states import CartSnapshot, snapshot_after
from shared.db.priced_products import ProductName

TOGETHER = 50  # states made and sent in one go: what waits for the lock, or for Python's, waits a few milliseconds
UNCONFIRMED_MAX = 1_000  # messages; the memory that a silent broker may cost, at most 4 kB each
REMEMBERED = 10_000  # carts, as in the worker's own memory, with which they share their lines
NAMES_REMEMBERED = 50_000  # products; about 10 MB


@dataclass(slots=True)
class Telling:
    """A version on its way: `unconfirmed` of its messages the broker has not confirmed yet."""

    cart_id: int
    version: int
    said_s: float
    unconfirmed: int = 0


class Told:
    """Silent until `begin`, and after `end`. For any thread."""

    def __init__(self, currency: str, metrics: Metrics) -> None:
        self._currency = currency
        self._metrics = metrics
        self._lock = threading.Lock()
        self._client: GatedClient | None = None
        self._line = 0
        self._said: dict[int, CartSnapshot] = {}
        self._ahead: dict[int, LockedCart] = {}  # steps from what was said to what was committed, not said yet
        self._names: dict[int, ProductName] = {}
        self._awaited: dict[int, Telling] = {}  # by packet id, the oldest first
        self._confirmed: dict[int, int] = {}
        self._unpublished: dict[int, int] = {}  # versions said, and not yet noted as published
        self._heard: deque[int] = deque()
        self._has_heard = threading.Event()

    def begin(self, client: GatedClient, line: int) -> None:
        """Speak through `client` as long as its connection is the one numbered `line`."""
        with self._lock:
            self._client, self._line = client, line

    def end(self) -> list[int]:
        """Say and believe nothing more; gives the carts of which something was said and is not noted as published."""
        with self._lock:
            self._client = None
            unpublished = list(self._unpublished)
            for one in (self._said, self._ahead, self._names, self._awaited, self._confirmed, self._unpublished):
                one.clear()
            self._heard.clear()
            return unpublished

    def confirm(self, mids: Iterable[int]) -> None:
        """The broker has these packets. Called by its network thread, which must not wait for anything."""
        self._heard.extend(mids)
        self._has_heard.set()

    def follow(self, steps: Sequence[Step], names: Mapping[int, ProductName]) -> bool:
        """Note steps that were committed, to be said; False when some cart has to be read instead."""
        with self._lock:
            if self._client is None:
                return False
            if len(self._names) > NAMES_REMEMBERED:
                self._names.clear()
                self._ahead.clear()
            self._names.update(names)
            followed = [self._follow(step) for step in steps]
            return all(followed)

    def _follow(self, step: Step) -> bool:
        cart_id = step.cart.record.cart_id
        said, ahead = self._said.get(cart_id), self._ahead.pop(cart_id, None)
        newest = ahead or said
        if newest is None or newest.version != step.after_version:
            return False
        self._ahead[cart_id] = step.cart
        return True

    def say_steps(self) -> bool:
        """Say what has been noted, while there is room; False when some of it is left."""
        while True:
            with self._lock:
                if not self._ahead:
                    return True
                if not self._may_speak():
                    return False
                self._say_some_steps()

    def _say_some_steps(self) -> None:
        carts = list(islice(self._ahead.values(), TOGETHER))
        snapshots = []
        for cart in carts:
            del self._ahead[cart.record.cart_id]
            before = self._said[cart.record.cart_id]
            snapshots.append(snapshot_after(before, cart, self._names))
        self._say(snapshots, ())

    def say(self, snapshots: Iterable[CartSnapshot], farewells: Iterable[CartSnapshot]) -> list[Telling] | None:
        """Say what was read, except of carts of which newer has been said. None: the connection is another one."""
        with self._lock:
            if not self._is_connected():
                return None
            fresh = {one.cart_id: one for one in snapshots if not self._knows_better(one)}
            return self._say(list(fresh.values()), [one for one in farewells if one.cart_id in fresh])

    def _knows_better(self, one: CartSnapshot) -> bool:
        said = self._said.get(one.cart_id)
        is_newer = said is not None and said.version > one.version
        return is_newer or self._unpublished.get(one.cart_id, -1) >= one.version

    def _say(self, snapshots: Sequence[CartSnapshot], farewells: Sequence[CartSnapshot]) -> list[Telling] | None:
        assert self._client is not None
        now, now_s = datetime.now(UTC), time.monotonic()
        tellings = {one.cart_id: Telling(one.cart_id, one.version, now_s) for one in snapshots}
        messages: list[tuple[Telling, Said]] = []
        for one in farewells:
            payload = to_state_message(one, self._currency, now, for_phone=True)
            messages.append((tellings[one.cart_id], _for_phone(one, payload)))
        for one in snapshots:
            payload = to_state_message(one, self._currency, now, for_phone=False)
            if one.shopper_id is not None:  # a cart that is held does not show its pairing code either
                messages.append((tellings[one.cart_id], _for_phone(one, payload)))
            topic = STATE.topic(store=one.store, cart=one.cart_id)
            messages.append((tellings[one.cart_id], Said(topic, payload, retain=True)))
        if not messages:
            return []
        mids = self._client.say([message for _, message in messages])
        if len(mids) < len(messages):
            return None
        for mid, (telling, _) in zip(mids, messages, strict=True):
            telling.unconfirmed += 1
            self._awaited[mid] = telling
        for one in snapshots:
            self._remember(one)
        return list(tellings.values())

    def _remember(self, one: CartSnapshot) -> None:
        ahead = self._ahead.get(one.cart_id)
        if ahead is not None and ahead.version <= one.version:
            del self._ahead[one.cart_id]
        self._unpublished[one.cart_id] = one.version
        self._said.pop(one.cart_id, None)
        self._said[one.cart_id] = one
        while len(self._said) > REMEMBERED:
            oldest = next(iter(self._said))
            del self._said[oldest]
            self._ahead.pop(oldest, None)

    def unsaid(self, listed: Iterable[tuple[int, int]]) -> list[int]:
        """Of these (cart, version) the carts that have to be read: neither said by now, nor about to be."""
        with self._lock:
            return [cart_id for cart_id, version in listed if self._newest_of(cart_id) < version]

    def _newest_of(self, cart_id: int) -> int:
        ahead = self._ahead.get(cart_id)
        return ahead.version if ahead is not None else self._unpublished.get(cart_id, -1)

    def wait_for_room(self, until_s: float) -> bool:
        """Wait until more may be said; False when that is not before `until_s`, or the connection ended."""
        return self._wait(self._has_room, until_s)

    def wait_for(self, tellings: Sequence[Telling], until_s: float) -> bool:
        """Wait until all of these are confirmed; False when they are not before `until_s`."""
        return self._wait(lambda: not any(one.unconfirmed for one in tellings), until_s)

    def forget_overdue(self, after_s: float) -> int:
        """Take messages for lost that are unconfirmed for so long: their carts are read and said again. How many."""
        with self._lock:
            self._note_confirmed()
            oldest = next(iter(self._awaited.values()), None)
            if oldest is None or time.monotonic() - oldest.said_s < after_s:
                return 0
            lost = len(self._awaited)
            for one in self._awaited.values():
                self._unpublished.pop(one.cart_id, None)
                self._said.pop(one.cart_id, None)
                self._ahead.pop(one.cart_id, None)
            self._awaited.clear()
            return lost

    def list_confirmed(self) -> list[tuple[int, int]]:
        """Each (cart, version) that the broker has, and the tables do not know to be published."""
        with self._lock:
            self._note_confirmed()
            return list(self._confirmed.items())

    def published(self, versions: Iterable[tuple[int, int]]) -> None:
        """The tables know now."""
        with self._lock:
            for cart_id, version in versions:
                if self._confirmed.get(cart_id) == version:
                    del self._confirmed[cart_id]
                if self._unpublished.get(cart_id) == version:
                    del self._unpublished[cart_id]

    def _wait(self, is_so: Callable[[], bool], until_s: float) -> bool:
        while True:
            with self._lock:
                self._has_heard.clear()
                self._note_confirmed()
                if is_so():
                    return True
                if not self._is_connected():
                    return False
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return False
            self._has_heard.wait(min(left_s, 0.25))

    def _note_confirmed(self) -> None:
        while self._heard:
            telling = self._awaited.pop(self._heard.popleft(), None)
            if telling is None:
                continue
            telling.unconfirmed -= 1
            if not telling.unconfirmed:
                self._metrics.published.inc()
                known = self._confirmed.get(telling.cart_id, -1)
                self._confirmed[telling.cart_id] = max(known, telling.version)

    def _has_room(self) -> bool:
        return len(self._awaited) < UNCONFIRMED_MAX

    def _may_speak(self) -> bool:
        self._note_confirmed()
        return self._is_connected() and self._has_room()

    def _is_connected(self) -> bool:
        client = self._client
        return client is not None and client.live and client.connection == self._line


def _for_phone(one: CartSnapshot, payload: bytes) -> Said:
    assert one.shopper_id is not None
    return Said(SHOPPER_CART.topic(shopper=one.shopper_id), payload, SHOPPER_CART.retain)
