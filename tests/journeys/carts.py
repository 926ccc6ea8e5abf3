"""Simulated carts for tests that are written from top to bottom: the devices live on an event loop in a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeVar

from firmware_sim.cart import CartCredential, SimCart
from firmware_sim.connection import Broker
from firmware_sim.journal import Entry
from firmware_sim.radio import Weather
from shared.contracts.state import CartState
from tests.eventually import eventually

T = TypeVar("T")


class Cart:
    """One cart that is switched on. Any thread may use it."""

    def __init__(self, sim: SimCart, loop: asyncio.AbstractEventLoop) -> None:
        self.sim = sim
        self.cart_id = sim.cart_id
        self._loop = loop

    def scan(self, code: str) -> Entry:
        """Scan one piece; the event as the cart's journal holds it."""

        def record() -> Entry:
            self.sim.scan(code)
            return self.sim.device.journal.entries[-1]

        return _on(self._loop, record)

    def call_help(self) -> None:
        """Press the button for staff."""
        _on(self._loop, self.sim.call_help)

    @property
    def shown(self) -> CartState | None:
        """What the display shows."""
        return self.sim.state

    def wait_for(self, seen: Callable[[CartState], bool], within_s: float = 10) -> CartState:
        """Wait until the display shows what the caller wants to see."""
        return eventually(lambda: [state for state in (self.shown,) if state and seen(state)], within_s=within_s)[0]

    def wait_until_settled(self) -> CartState:
        """Wait until the backend has settled every event, and the display says so."""
        eventually(lambda: self.sim.unsettled == 0)
        return self.wait_for(lambda state: True)

    def wait_until_free(self) -> CartState:
        """Wait until the display shows a pairing code."""
        return self.wait_for(lambda state: state.status == "idle" and state.pairing_code is not None)


@contextlib.contextmanager
def carts_on_thread(
    mqtt_url: str, credentials: list[CartCredential], weather: Weather | None = None
) -> Iterator[list[Cart]]:
    """Switch these carts on until the block ends; each shows a state when the block begins."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="carts")
    thread.start()
    broker = Broker.from_url(mqtt_url)
    carts = [
        Cart(SimCart(one, broker, seed=str(one.cart_id), weather=weather, device_patience_s=1.0), loop)
        for one in credentials
    ]
    try:
        for cart in carts:
            _on(loop, cart.sim.start)
        for cart in carts:
            cart.wait_for(lambda state: True)
        yield carts
    finally:
        for cart in carts:
            _finish(loop, cart.sim.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _on(loop: asyncio.AbstractEventLoop, act: Callable[[], T]) -> T:
    async def acting() -> T:
        return act()

    return _finish(loop, acting())


def _finish(loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(30)
