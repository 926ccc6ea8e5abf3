"""What a failed transaction means: try again, look for the poisonous event, or stop.

Classes by SQLSTATE (PostgreSQL, appendix A). An OperationalError without a state on COMMIT looks the same whether the
commit took or not (measured): the answer is to run the batch again, and the log's key decides.
"""

import re
from enum import Enum, auto

import psycopg

_TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}
_TRANSIENT_STATES = {
    "55P03",  # lock_not_available
    "25006",  # read_only_sql_transaction, as during a failover
    "25P03",  # idle_in_transaction_session_timeout: we were stopped, or starved, in the middle
    "25P04",  # transaction_timeout
}
# Password, database, schema, table, a feature missing, a corrupt database: no event is to blame.
_WRONG_WORLD_CLASSES = {"28", "3D", "3F", "42", "0A", "XX"}
# libpq gives no state for a refused connection, only the server's words (in English unless its lc_messages say
# otherwise; then we keep trying).
_SHUT_DOORS = re.compile(
    r"FATAL: +(password authentication failed|no pg_hba\.conf entry|(role|database) \".*\" does not exist)"
    r"|fe_sendauth: no password supplied"
)


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
        if not isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError):
            return Fault.POISON
        return Fault.WRONG_WORLD if _SHUT_DOORS.search(str(problem)) else Fault.PASSING
    if state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES:
        return Fault.PASSING
    return Fault.WRONG_WORLD if state[:2] in _WRONG_WORLD_CLASSES else Fault.POISON
