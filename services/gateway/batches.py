"""What many phones ask at once is done together, by one thread in one go, instead of by a thread for each.

A thread and a round trip for each request cost more than the work itself. Batches form by themselves, as in
cart-ingest: what has arrived while one batch was under way is the next one; nobody waits when nothing runs.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

BATCH_MAX = 64  # bounds how long one caller waits for the work of the others

Asked = TypeVar("Asked")
Got = TypeVar("Got")


class Batches(Generic[Asked, Got]):
    """One kind of work, done in a thread for a batch at a time. What a caller gets was done after he asked; what the
    work raises, everybody in its batch is told."""

    def __init__(
        self, work: Callable[[Sequence[Asked]], Sequence[Got]], apart: Callable[[Asked], Hashable] | None = None
    ) -> None:
        """`work` gives as much as it is given, in its order. What `apart` gives the same for is never in one batch."""
        self._work, self._apart = work, apart
        self._waiting: list[tuple[Asked, asyncio.Future[Got]]] = []
        self._running: asyncio.Task[None] | None = None
        self._thread: CapacityLimiter | None = None

    async def ask(self, asked: Asked) -> Got:
        """What comes of it; raises what the work raised."""
        answer: asyncio.Future[Got] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        # A thread of its own: batches go on while the other requests wait for locks.
        self._thread = self._thread or CapacityLimiter(1)
        while self._waiting:
            batch = self._take()
            try:
                found = await to_thread.run_sync(self._work, [asked for asked, _ in batch], limiter=self._thread)
            except Exception as problem:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(problem)
            else:
                for (_, answer), got in zip(batch, found, strict=True):
                    if not answer.done():
                        answer.set_result(got)

    def _take(self) -> list[tuple[Asked, "asyncio.Future[Got]"]]:
        """The next batch, in the order of asking."""
        if self._apart is None:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            return batch
        first: dict[Hashable, tuple[Asked, asyncio.Future[Got]]] = {}
        later = []
        for one in self._waiting:
            if len(first) == BATCH_MAX or first.setdefault(self._apart(one[0]), one) is not one:
                later.append(one)
        self._waiting = later
        return list(first.values())
