"""What a failed transaction means (docs/reliability.md d.5)."""

import psycopg
import pytest

from services.cart_ingest.faults import Fault, classify


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("08006", Fault.PASSING),
        ("40001", Fault.PASSING),
        ("40P01", Fault.PASSING),
        ("53100", Fault.PASSING),  # the disk is full: an outage, not a loss (R13)
        ("53300", Fault.PASSING),
        ("55P03", Fault.PASSING),
        ("57014", Fault.PASSING),
        ("57P01", Fault.PASSING),
        ("57P03", Fault.PASSING),
        ("58030", Fault.PASSING),
        ("25006", Fault.PASSING),
        ("25P03", Fault.PASSING),  # we were stopped in the middle: no event is to blame
        ("22003", Fault.POISON),
        ("22P05", Fault.POISON),
        ("23514", Fault.POISON),
        ("21000", Fault.POISON),
        ("54000", Fault.POISON),
        ("P0001", Fault.POISON),
        ("28P01", Fault.WRONG_WORLD),
        ("3D000", Fault.WRONG_WORLD),
        ("3F000", Fault.WRONG_WORLD),
        ("42P01", Fault.WRONG_WORLD),
        ("42501", Fault.WRONG_WORLD),
        ("0A000", Fault.WRONG_WORLD),
        ("XX001", Fault.WRONG_WORLD),
    ],
)
def test_the_state_tells_what_to_do(state: str, fault: Fault) -> None:
    problem = psycopg.Error()
    problem.sqlstate = state

    assert classify(problem) is fault


@pytest.mark.parametrize(
    ("problem", "fault"),
    [
        (psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly"), Fault.PASSING),
        (psycopg.OperationalError("connection failed: FATAL:  the database system is starting up"), Fault.PASSING),
        (psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already"), Fault.PASSING),
        (psycopg.InterfaceError("the connection is closed"), Fault.PASSING),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "x"'), Fault.WRONG_WORLD),
        (psycopg.OperationalError('FATAL:  role "x" does not exist'), Fault.WRONG_WORLD),
        (psycopg.OperationalError('FATAL:  database "x" does not exist'), Fault.WRONG_WORLD),
        (psycopg.OperationalError("fe_sendauth: no password supplied"), Fault.WRONG_WORLD),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Fault.POISON),
        (psycopg.ProgrammingError("cannot adapt type 'object'"), Fault.POISON),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), Fault.POISON),
        (OverflowError(), Fault.POISON),
        (KeyError("our bug"), Fault.POISON),
    ],
)
def test_what_has_no_state_is_told_by_its_kind_and_words(problem: Exception, fault: Fault) -> None:
    assert classify(problem) is fault
