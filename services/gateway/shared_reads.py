"""Reads that many phones make at once: whoever asks at the same moment is answered by one statement."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from services.gateway.batches import Batches
from services.gateway.pool import Pool
from shared.db.types import Tx

Key = TypeVar("Key")
Value = TypeVar("Value")


class SharedRead(Generic[Key, Value]):
    """One kind of read. What a caller gets was read after he asked; a database that is away is told to each."""

    def __init__(self, pool: Pool, read: Callable[[Tx, Collection[Key]], Mapping[Key, Value]]) -> None:
        self._pool, self._read = pool, read
        self._batches: Batches[Key, Value | None] = Batches(self._read_now)

    async def find(self, key: Key) -> Value | None:
        """What there is under this key; raises what the database raised."""
        return await self._batches.ask(key)

    def _read_now(self, keys: Sequence[Key]) -> list[Value | None]:
        with self._pool.connection() as connection:
            found = self._read(connection, set(keys))
        return [found.get(key) for key in keys]
