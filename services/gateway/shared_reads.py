"""Reads that many phones make at once: whoever asks at the same moment is answered by one statement.

A thread and a round trip for each request cost more than the reading itself. Batches form by themselves, as in
cart-ingest: what has arrived while one round was under way is the next round; nobody waits when nothing runs.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

from services.gateway.pool import Pool
from shared.db.types import Tx

ROUND_MAX = 64  # keys in one statement; bounds how long one caller waits for the others' rows

Key = TypeVar("Key")
Value = TypeVar("Value")


class SharedRead(Generic[Key, Value]):
    """One kind of read. What a caller gets was read after he asked; a database that is away is told to each."""

    def __init__(self, pool: Pool, read: Callable[[Tx, Collection[Key]], Mapping[Key, Value]]) -> None:
        self._pool, self._read = pool, read
        self._waiting: list[tuple[Key, asyncio.Future[Value | None]]] = []
        self._rounds: asyncio.Task[None] | None = None
        self._thread: CapacityLimiter | None = None

    async def find(self, key: Key) -> Value | None:
        """What there is under this key; raises what the database raised."""
        answer: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting[:ROUND_MAX], self._waiting[ROUND_MAX:]
            # A thread of its own: reads go on while the others wait for locks.
            self._thread = self._thread or CapacityLimiter(1)
            try:
                found = await to_thread.run_sync(self._read_now, {key for key, _ in asked}, limiter=self._thread)
            except Exception as problem:
                for _, answer in asked:
                    if not answer.done():
                        answer.set_exception(problem)
            else:
                for key, answer in asked:
                    if not answer.done():
                        answer.set_result(found.get(key))

    def _read_now(self, keys: Collection[Key]) -> Mapping[Key, Value]:
        with self._pool.connection() as connection:
            return self._read(connection, keys)
