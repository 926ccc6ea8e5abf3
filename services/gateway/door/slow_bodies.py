"""Bodies that are awaited: most have come with their headers, some are on their way, some are held back on purpose."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AWAITED_MAX = 1_000
AWAITED_PER_NETWORK_MAX = 100  # a store's phones may share an address, and a body is under way for milliseconds


class SlowBodies:
    """When there is no room the one that has waited longest goes, of the newcomer's own network first: a body that is
    merely on its way arrives long before that."""

    def __init__(self, awaited_max: int = AWAITED_MAX, per_network_max: int = AWAITED_PER_NETWORK_MAX) -> None:
        self._awaited_max, self._per_network_max = awaited_max, per_network_max
        self._all: OrderedDict[asyncio.Timeout, str] = OrderedDict()
        self._of_network: dict[str, OrderedDict[asyncio.Timeout, None]] = {}

    @asynccontextmanager
    async def wait(self, network: str, within_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError when the body takes longer, or when its place is needed."""
        own = self._of_network.get(network, OrderedDict())
        if len(own) >= self._per_network_max:
            self._end(next(iter(own)))
        elif len(self._all) >= self._awaited_max:
            self._end(next(iter(self._all)))
        async with asyncio.timeout(within_s) as waiting:
            self._all[waiting] = network
            self._of_network.setdefault(network, OrderedDict())[waiting] = None
            try:
                yield
            finally:
                self._forget(waiting)

    def _end(self, waiting: asyncio.Timeout) -> None:
        waiting.reschedule(asyncio.get_running_loop().time())
        self._forget(waiting)

    def _forget(self, waiting: asyncio.Timeout) -> None:
        network = self._all.pop(waiting, None)
        if network is None:
            return
        own = self._of_network[network]
        del own[waiting]
        if not own:
            del self._of_network[network]
