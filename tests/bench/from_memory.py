"""The database's ceiling for this schema: events from memory, without MQTT.

    python -m tests.bench.from_memory < order.json

First our own path: `apply_events` and the commit in batches of BATCH, each cart in turn, on one connection: rules,
parameters, statements; without MQTT, decoding and publishing. Then, on a second database that is the same as the first
one was, the very statements that this made, with their parameters as they were: what is left is PostgreSQL and psycopg.
"""

import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, assert_never

import psycopg

from services.cart_ingest.database import ImpatientConnection
from shared.contracts.decode import Undecodable
from shared.db.cart_log import apply_events
from shared.db.cart_memory import CartMemory
from shared.db.incoming import Incoming
from tests.bench.processor_time import spent_s, used_by_each_s
from tests.builders import incoming, scan

BATCH = 1_000
WORKER = "ingest-0"
BATCHES_AT_A_TIME = 10
WARM_UP_BATCHES = 10  # until both sides have prepared their statements


@dataclass(frozen=True)
class Execute:
    query: Any
    parameters: Any


@dataclass(frozen=True)
class Copy:
    query: Any
    pieces: list[Any]


@dataclass(frozen=True)
class Pipeline:
    """What follows is sent without waiting for answers, until the pipeline ends."""

    begins: bool


Transaction = list[Execute | Copy | Pipeline]


class RecordingConnection(ImpatientConnection):
    """Ingest's kind of connection, which notes what is sent through it; one list for each transaction."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RecordingCursor
        self.record: list[Transaction] = []

    @contextlib.contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        self.record[-1].append(Pipeline(begins=True))
        with super().pipeline() as pipeline:
            yield pipeline
        self.record[-1].append(Pipeline(begins=False))


class RecordingCursor(psycopg.Cursor[Any]):
    """Notes statements and COPY; any other way of sending is refused, since it would be missing from the replay."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "RecordingCursor":
        self._record().append(Execute(query, params))
        return super().execute(query, params, **options)

    @contextlib.contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        pieces: list[Any] = []
        with super().copy(statement, params, **options) as copy:
            yield _RecordedCopy(copy, pieces)
        self._record().append(Copy(statement, pieces))

    def executemany(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("executemany is not recorded")

    def _record(self) -> Transaction:
        connection: Any = self.connection
        transaction: Transaction = connection.record[-1]
        return transaction


@dataclass(frozen=True)
class _RecordedCopy:
    copy: psycopg.Copy
    pieces: list[Any]

    def write(self, piece: Any) -> None:
        self.pieces.append(piece)
        self.copy.write(piece)


def batches(carts: Sequence[int], codes: Sequence[str]) -> Iterator[list[Incoming]]:
    """Scans of every cart in turn, without end, already decoded."""
    events = (
        incoming(cart_id, scan(seq, codes[seq % len(codes)]), at=datetime.now(UTC))
        for seq in itertools.count(1)
        for cart_id in carts
    )
    while True:
        batch = list(itertools.islice(events, BATCH))
        assert not any(isinstance(one.event, Undecodable) for one in batch)
        yield batch


def apply_for(
    url: str, todo: Iterator[list[Incoming]], seconds: float, pids: dict[str, int]
) -> tuple[dict[str, Any], list[Transaction]]:
    """Our own path for about this long, the making of events excluded; gives what it sent, too."""
    events, busy_s = 0, 0.0
    used = dict.fromkeys(pids, 0.0)
    memory = CartMemory()
    with RecordingConnection.connect(url, autocommit=True) as connection:
        _apply(connection, memory, list(itertools.islice(todo, WARM_UP_BATCHES)))
        while busy_s < seconds:
            part = list(itertools.islice(todo, BATCHES_AT_A_TIME))
            before, began_s = used_by_each_s(pids), time.perf_counter()
            _apply(connection, memory, part)
            busy_s += time.perf_counter() - began_s
            events += BATCH * len(part)
            for name, value in spent_s(before, used_by_each_s(pids)).items():
                used[name] += value
        return {"events": events, "seconds": busy_s, "cpu_s": used}, connection.record


def _apply(connection: RecordingConnection, memory: CartMemory, part: Sequence[Sequence[Incoming]]) -> None:
    for batch in part:
        connection.record.append([])
        with connection.transaction():
            applied = apply_events(connection, batch, (), datetime.now(UTC), WORKER, memory)
        memory.keep(applied.carts)


def replay(url: str, record: Sequence[Transaction], pids: dict[str, int]) -> dict[str, Any]:
    """The recorded transactions again, as fast as one connection goes."""
    timed = record[WARM_UP_BATCHES:]
    with psycopg.connect(url, autocommit=True) as connection:
        _run(connection, record[:WARM_UP_BATCHES])
        before, began_s = used_by_each_s(pids), time.perf_counter()
        _run(connection, timed)
        took_s = time.perf_counter() - began_s
    return {"events": len(timed) * BATCH, "seconds": took_s, "cpu_s": spent_s(before, used_by_each_s(pids))}


def _run(connection: "psycopg.Connection[Any]", record: Sequence[Transaction]) -> None:
    for transaction in record:
        with connection.transaction(), contextlib.ExitStack() as pipeline:
            for step in transaction:
                match step:
                    case Execute(query, parameters):
                        connection.execute(query, parameters)
                    case Copy(query, pieces):
                        with connection.cursor() as cursor, cursor.copy(query) as copy:
                            for piece in pieces:
                                copy.write(piece)
                    case Pipeline(begins) if begins:
                        pipeline.enter_context(connection.pipeline())
                    case Pipeline():
                        pipeline.close()
                    case _ as never:
                        assert_never(never)


def main() -> None:
    """Print both measurements as one line of JSON."""
    order = json.loads(sys.stdin.readline())
    pids = {"worker": os.getpid(), "PostgreSQL": order["postgres_pid"]}
    applied, record = apply_for(order["url"], batches(order["carts"], order["codes"]), order["seconds"], pids)
    replayed = replay(order["second_url"], record, pids)
    print(json.dumps([applied, replayed]))


if __name__ == "__main__":
    main()
