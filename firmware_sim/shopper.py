"""One simulated shopper on one trip: pushes the cart, uses the phone, pays, and checks the order against the ledger."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, assert_never

from firmware_sim.cart import SimCart
from firmware_sim.catalogue import SimProduct
from firmware_sim.journal import JournalFull
from firmware_sim.ledger import Difference, Ledger, OddOrder, Order, shown_pieces
from firmware_sim.phone import BackendAway, CallRefused, Phone
from firmware_sim.plan import CallHelp, PowerCut, PutIn, Step, TakeOut, Trip, Weigh
from shared.contracts.events import MAX_WEIGHT_G
from shared.contracts.state import CartState

GOING_HOME_S = 3.0  # a shopper who goes home does not wait long for a backend that is away
RETRY_S = 1.0  # a shopper who was refused looks at the cart and tries again after this time

Tell = Callable[[str], None]
Outcome = Literal["equal", "different", "unfinished"]


@dataclass(frozen=True)
class Result:
    """How a trip ended. `reason` says why it is unfinished."""

    trip: int
    outcome: Outcome
    lines: int = 0
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    ordered: bool = False


class TripStuck(Exception):
    """The trip cannot go on; the message is the reason."""


def keep_silent(sentence: str) -> None:
    """A listener for those who want no sentences."""


class Shopper:
    """Pushes one cart and holds one phone, trip after trip."""

    def __init__(self, cart: SimCart, phone: Phone, products: dict[int, SimProduct], run: str, speed: float) -> None:
        self._cart = cart
        self._phone = phone
        self._products = products
        self._run = run
        self._speed = speed
        self._patience_s = phone.patience_s
        self._tell: Tell = keep_silent
        self._ledger = Ledger()
        self._holds_cart = False
        self._newest_order_id: int | None = None

    async def shop(self, trip: Trip, tell: Tell = keep_silent) -> Result:
        """The whole trip; never raises for what the backend does. After `unfinished`, see `leave`."""
        self._tell = tell
        self._ledger = Ledger()
        self._holds_cart = False
        try:
            return await self._shop(trip)
        except (TripStuck, CallRefused, BackendAway, OddOrder) as problem:
            return Result(trip.number, "unfinished", reason=str(problem))

    async def leave(self) -> bool:
        """Give the cart back, goods and all; True when it is free for another trip."""
        try:
            answer = await self._phone.disconnect(abandon=True)
        except (BackendAway, CallRefused):
            return False
        self._holds_cart = False
        return answer.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND)

    async def go_home(self) -> None:
        """The store closes: leave at once if a cart is held, so that it is free for others."""
        if self._holds_cart:
            self._phone.patience_s = min(self._phone.patience_s, GOING_HOME_S)
            await self.leave()

    async def _shop(self, trip: Trip) -> Result:
        if not await self._cart.until(lambda: _is_free(self._cart.state), self._patience_s):
            raise TripStuck("the cart does not become free")
        await self._gather(trip)
        if not self._holds_cart:
            await self._take_cart()
        if trip.abandoned or not self._ledger.pieces.total():
            return await self._abandon(trip)
        return await self._pay(trip)

    async def _gather(self, trip: Trip) -> None:
        """Everything up to the checkout."""
        for number, planned in enumerate(trip.steps):
            await asyncio.sleep(planned.thinking_s / self._speed)
            if number == trip.connect_before:
                await self._take_cart()
            await self._act(planned.step)
            if self._cart.place is not None:
                self._cart.place.target = _shelf_of(planned.step) or self._cart.place.target
            if planned.power_cut is not None:
                await self._suffer(planned.power_cut)

    async def _take_cart(self) -> None:
        """Read the code on the cart's display and take the cart by phone."""
        cart, refusal = self._cart, "no state"
        if self._newest_order_id is None:
            self._newest_order_id = _newest(await self._phone.newest_orders(1))
        for _ in self._attempts():
            if not await cart.until(lambda: cart.state is not None, self._patience_s):
                break
            assert cart.state is not None
            answer = await self._phone.connect_cart(cart.cart_id, cart.state.pairing_code)
            if answer.status == HTTPStatus.OK:
                self._holds_cart = True
                self._tell(f"cart {cart.cart_id} was taken by a phone")
                return
            refusal = f"{answer.status} {answer.code}"
            cart.refresh()
            await asyncio.sleep(RETRY_S)
        raise TripStuck(f"the phone cannot take the cart: {refusal}")

    async def _act(self, step: Step) -> None:
        cart = self._cart
        match step:
            case PutIn(product=product, code=code, pieces=pieces):
                await self._when_room(lambda: cart.scan(code, step.quantity, step.weight_g))
                self._ledger.put_in(product.product_id, pieces)
                self._tell(f"cart {cart.cart_id} scanned {product.name} ({pieces} x {_money(product.price_minor)})")
            case TakeOut(product=product, code=code):
                await self._when_room(lambda: cart.remove(code))
                self._ledger.take_out(product.product_id)
                self._tell(f"cart {cart.cart_id} took out {product.name}")
            case Weigh():
                total_g = self._weight_g()
                await self._when_room(lambda: cart.weigh(total_g))
                self._tell(f"cart {cart.cart_id} weighs {total_g} g")
            case CallHelp():
                await self._when_room(cart.call_help)
                self._tell(f"cart {cart.cart_id} calls for help")
            case _ as never:
                assert_never(never)

    async def _when_room(self, record: Callable[[], None]) -> None:
        """A full journal stops the scanner until the backend has settled something."""
        for _ in self._attempts():
            try:
                return record()
            except JournalFull:
                await asyncio.sleep(RETRY_S)
        raise TripStuck("the journal stays full")

    async def _suffer(self, power_cut: PowerCut) -> None:
        cart = self._cart
        cart.power_cut(keep_journal=power_cut == "journal kept")
        self._tell(f"cart {cart.cart_id} lost its power, {power_cut}")
        if power_cut == "journal lost":
            await self._recount()

    async def _recount(self) -> None:
        """Bring the cart in line with what lies in it, after events were lost for good.

        The first event of the new epoch being settled means that no event of the old one can be applied any
        more: what the backend shows then is final, and the rest is scanned again.
        """
        await self._act(Weigh())
        state = await self._settled()
        shown = shown_pieces(state)
        if state.lines_omitted:
            if not self._holds_cart:
                await self._take_cart()
            shown = await self._phone.cart_pieces() or shown
        missing, surplus = self._ledger.recount(shown)
        for product_id, pieces in sorted(missing.items()):
            code = self._products[product_id].codes[0]
            await self._when_room(lambda code=code, pieces=pieces: self._cart.scan(code, pieces))  # type: ignore[misc]
        for product_id, pieces in sorted(surplus.items()):
            code = self._products[product_id].codes[0]
            await self._when_room(lambda code=code, pieces=pieces: self._cart.remove(code, pieces))  # type: ignore[misc]
        self._tell(f"cart {self._cart.cart_id} was recounted: {missing.total()} in, {surplus.total()} out")

    async def _settled(self) -> CartState:
        if not await self._cart.until_settled(self._patience_s) or self._cart.state is None:
            raise TripStuck(f"{self._cart.unsettled} events are not settled")
        return self._cart.state

    async def _pay(self, trip: Trip) -> Result:
        state, refusal = await self._settled(), ""
        for _ in self._attempts():
            answer = await self._phone.check_out(f"sim-{self._run}-{trip.number}")
            if answer.status == HTTPStatus.CREATED:
                break
            refusal = f"{answer.status} {answer.code}"
            if answer.status != HTTPStatus.CONFLICT:
                raise TripStuck(f"checkout: {refusal}")
            await asyncio.sleep(RETRY_S)
        else:
            raise TripStuck(f"checkout: {refusal}")
        order_id = int(answer.body["order_id"])
        order = next((each for each in await self._phone.newest_orders() if each.order_id == order_id), None)
        if order is None:
            raise TripStuck(f"order {order_id} is not in the history")
        self._newest_order_id, self._holds_cart = order_id, False
        lines, differences = self._ledger.compare(trip.number, order, state)
        self._tell(
            f"cart {self._cart.cart_id} checked out: {self._ledger.pieces.total()} pieces, "
            f"{_money(order.paid_minor)} {state.currency}"
        )
        outcome: Outcome = "different" if differences else "equal"
        return Result(trip.number, outcome, lines, tuple(differences), ordered=True)

    async def _abandon(self, trip: Trip) -> Result:
        await self._settled()
        answer = await self._phone.disconnect(abandon=True)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):  # 404: the answer to an earlier try was lost
            raise TripStuck(f"disconnect: {answer.status} {answer.code}")
        self._holds_cart = False
        self._tell(f"cart {self._cart.cart_id} was left with {self._ledger.pieces.total()} pieces in it")
        newest = _newest(await self._phone.newest_orders(1))
        if newest != self._newest_order_id:
            ordered = Difference(trip.number, "order of an abandoned cart", "none", str(newest))
            return Result(trip.number, "different", 0, (ordered,))
        if await self._phone.cart_pieces() is not None:
            return Result(trip.number, "different", 0, (Difference(trip.number, "abandoned cart", "free", "held"),))
        return Result(trip.number, "equal")

    def _attempts(self) -> range:
        return range(max(1, math.ceil(self._patience_s / RETRY_S)))

    def _weight_g(self) -> int:
        total_g = sum((self._products[one].weight_g or 0) * pieces for one, pieces in self._ledger.pieces.items())
        return min(total_g, MAX_WEIGHT_G)


def _is_free(state: CartState | None) -> bool:
    return state is not None and state.status in ("idle", "closed")


def _newest(orders: list[Order]) -> int:
    return orders[0].order_id if orders else 0


def _shelf_of(step: Step) -> tuple[float, float] | None:
    """A place in a store of 40 x 25 m that always is the same for a product."""
    if not isinstance(step, PutIn):
        return None
    return step.product.product_id * 7 % 400 / 10, step.product.product_id * 13 % 250 / 10


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
