"""What a failed transaction means: try again, look for the poisonous event, or stop.

Classes by SQLSTATE (PostgreSQL, appendix A). An OperationalError without a state on COMMIT looks the same whether the
commit took or not (measured): the answer is to run the batch again, and the log's key decides.
"""

from enum import Enum, auto

import psycopg

_TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}
_TRANSIENT_STATES = {"55P03", "25006"}  # lock_not_available; read_only_sql_transaction, as during a failover
_WRONG_WORLD_CLASSES = {"28", "3D", "3F", "42", "0A"}  # password, database, schema, table: no event is to blame


class Fault(Enum):
    """PASSING: the same batch again, later. POISON: one of these events. WRONG_WORLD: stop, acknowledge nothing."""

    PASSING = auto()
    POISON = auto()
    WRONG_WORLD = auto()


def classify(problem: Exception) -> Fault:
    """What kind of fault ended a transaction; anything unknown is looked for in the events, one by one."""
    if not isinstance(problem, psycopg.Error):
        return Fault.POISON
    state = problem.sqlstate
    if state is None:
        is_world = isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError)
        return Fault.PASSING if is_world else Fault.POISON
    if state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES:
        return Fault.PASSING
    return Fault.WRONG_WORLD if state[:2] in _WRONG_WORLD_CLASSES else Fault.POISON
