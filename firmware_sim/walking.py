"""A shopper who walks: writes the list on the phone, asks the gateway for the way, and pushes the cart along it.

Where nobody looks at a plan, `firmware_sim.shopper.Shopper` is enough: its cart drifts, and it asks for no way.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from firmware_sim.cart import WALKING_M_PER_S, Place, SimCart
from firmware_sim.catalogue import SimProduct
from firmware_sim.phone import Phone
from firmware_sim.plan import Planned, PutIn, TakeOut, Trip, Weigh
from firmware_sim.shopper import Shopper, TripStuck
from firmware_sim.way import Spot, paces

PACE_S = 0.2
PICKING = 0.15  # of the time between two scans; the rest of it is walking


class WalkingShopper(Shopper):
    """Scans each product where it stands, in the order of the way. A product that cannot be reached stays on the list.

    The way is asked for again at each stop, so that an aisle closed meanwhile is walked around.
    """

    def __init__(self, cart: SimCart, phone: Phone, products: dict[int, SimProduct], run: str, speed: float) -> None:
        super().__init__(cart, phone, products, run, speed)
        cart.place = None  # until the gateway says where the way begins
        self._session: str | None = None

    async def _gather(self, trip: Trip) -> None:
        await self._take_cart()
        if not await self._cart.until(lambda: self._cart.device.session is not None, self._patience_s):
            raise TripStuck("the cart does not show the trip")
        self._session = self._cart.device.session
        await self._phone.write_list(_wanted(trip))
        stops, last = _stops(trip)
        way_out: tuple[Spot, ...] = ()
        order, late = list(stops), list[Planned]()
        while stops:
            way = await self._phone.find_way(order, self._spot())
            if way is None or not way.legs:
                self._tell(f"cart {self._cart.cart_id} finds no way to {len(stops)} products")
                break
            leg, way_out = way.legs[0], way.way_out
            self._stand(way.start)
            await self._walk(leg.path)
            late = await self._do([*stops.pop(leg.product_id), *late])
            order = [other.product_id for other in way.legs[1:]]
            order += [product_id for product_id in stops if product_id not in order]
        await self._walk(way_out)
        await self._do(last)

    async def _do(self, planned: Iterable[Planned]) -> list[Planned]:
        """Take these steps; gives those that have to wait: what is not in the cart cannot be taken out."""
        late = []
        for one in planned:
            if isinstance(one.step, TakeOut) and not self._ledger.pieces[one.step.product.product_id]:
                late.append(one)
                continue
            await asyncio.sleep(one.thinking_s * PICKING / self._speed)
            self._look_at_the_display()
            await self._act(one.step)
            if one.power_cut is not None:
                await self._suffer(one.power_cut)
        return late

    async def _walk(self, path: tuple[Spot, ...]) -> None:
        for spot in paces(path, WALKING_M_PER_S * self._speed * PACE_S):
            await asyncio.sleep(PACE_S)
            self._look_at_the_display()
            self._stand(spot)

    def _look_at_the_display(self) -> None:
        """Somebody may have paid with the same account: then nothing more is scanned."""
        if self._cart.state is not None and self._cart.device.session != self._session:
            raise TripStuck("the trip was ended by phone")

    def _stand(self, spot: Spot) -> None:
        self._cart.place = Place(spot.x, spot.y, spot.floor, target=(spot.x, spot.y))

    def _spot(self) -> Spot | None:
        place = self._cart.place
        return None if place is None else Spot(place.x, place.y, place.floor)


def _wanted(trip: Trip) -> Counter[int]:
    """Pieces of each product that the shopper sets out for."""
    pieces: Counter[int] = Counter()
    for planned in trip.steps:
        if isinstance(planned.step, PutIn):
            pieces[planned.step.product.product_id] += planned.step.pieces
    return pieces


def _stops(trip: Trip) -> tuple[dict[int, list[Planned]], list[Planned]]:
    """What is done at which product, and what is done last of all, when everything is in the cart."""
    stops: dict[int, list[Planned]] = {}
    last: list[Planned] = []
    here = last  # nothing is left out, also not before the first product
    for planned in trip.steps:
        if isinstance(planned.step, PutIn):
            here = stops.setdefault(planned.step.product.product_id, [])
        (last if isinstance(planned.step, Weigh) else here).append(planned)
    return stops, last
