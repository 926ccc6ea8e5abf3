"""What is asked at once is done together: nothing is lost, doubled or mixed up."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from services.gateway.batches import BATCH_MAX, Batches


class Doubling:
    """Doubles numbers, and remembers what it was given together. It waits for `go` when it has begun."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        assert self.go.wait(5)
        if 13 in numbers:
            raise ValueError("thirteen")
        return [2 * number for number in numbers]


def test_who_asks_while_a_batch_is_under_way_is_in_the_next_one() -> None:
    work = Doubling()

    async def ask_all() -> list[int]:
        batches = Batches(work)
        first = asyncio.create_task(batches.ask(1))
        while not work.batches:
            await asyncio.sleep(0)
        others = [asyncio.create_task(batches.ask(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        work.go.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(ask_all()) == [2, 4, 6, 8]
    assert work.batches == [[1], [2, 3, 4]]


def test_a_batch_is_bounded() -> None:
    work = Doubling()
    work.go.set()

    async def ask_all() -> list[int]:
        batches = Batches(work)
        return list(await asyncio.gather(*(batches.ask(number) for number in range(100, 100 + 3 * BATCH_MAX))))

    assert asyncio.run(ask_all()) == [2 * number for number in range(100, 100 + 3 * BATCH_MAX)]
    assert [len(batch) for batch in work.batches] == [BATCH_MAX] * 3


def test_what_is_to_be_kept_apart_is_done_one_after_the_other_in_the_order_of_asking() -> None:
    work = Doubling()
    work.go.set()

    async def ask_all() -> list[int]:
        batches = Batches(work, apart=lambda number: number // 10)
        return list(await asyncio.gather(*(batches.ask(number) for number in (31, 32, 40, 33, 50))))

    assert asyncio.run(ask_all()) == [62, 64, 80, 66, 100]
    assert work.batches == [[31, 40, 50], [32], [33]]


def test_a_failure_is_told_to_its_own_batch_only() -> None:
    work = Doubling()
    work.go.set()

    async def ask_all() -> list[int | BaseException]:
        batches = Batches(work, apart=lambda number: number % 10)
        return list(await asyncio.gather(*(batches.ask(number) for number in (13, 1, 3)), return_exceptions=True))

    thirteen, one, three = asyncio.run(ask_all())
    assert (str(thirteen), str(one), three) == ("thirteen", "thirteen", 6)


def test_who_does_not_wait_for_his_answer_disturbs_nobody() -> None:
    work = Doubling()

    async def ask_all() -> int:
        batches = Batches(work)
        gone, there = asyncio.create_task(batches.ask(1)), asyncio.create_task(batches.ask(2))
        while not work.batches:
            await asyncio.sleep(0)
        gone.cancel()
        work.go.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await there

    assert asyncio.run(ask_all()) == 4
