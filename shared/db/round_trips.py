"""Statements sent together, so that PostgreSQL is asked once and answers once."""

import contextlib
from contextlib import AbstractContextManager

from psycopg.pq import PipelineStatus

from shared.db.types import Tx


def is_in_pipeline(tx: Tx) -> bool:
    """Whether statements are sent without waiting for the answers to those before. COPY is not possible then."""
    return tx.pgconn.pipeline_status != PipelineStatus.OFF


def in_one_go(tx: Tx) -> AbstractContextManager[object]:
    """A block whose statements wait for no answer; a caller's pipeline goes on, whoever fetches an answer waits."""
    return contextlib.nullcontext() if is_in_pipeline(tx) else tx.pipeline()
