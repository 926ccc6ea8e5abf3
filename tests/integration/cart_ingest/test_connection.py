"""One connection to PostgreSQL as a worker uses it: what it notices, and what it says about it."""

import threading

import psycopg
import pytest

from services.cart_ingest import database as database_module
from services.cart_ingest.database import Database, Stopping, open_connection
from services.cart_ingest.faults import Fault, classify
from services.cart_ingest.metrics import Metrics
from shared.db.types import Tx
from tests.fault_proxy import Cut, Way
from tests.integration.cart_ingest.program import proxied_database, query


def test_a_server_that_is_there_and_says_nothing_breaks_the_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ANSWER_WITHIN_S", 0.5)
    with proxied_database(database_url) as (proxy, url), open_connection(url, "test") as connection:
        proxy.silence(*Way)

        with pytest.raises(psycopg.OperationalError, match="no answer") as problem, connection.transaction():
            connection.execute("SELECT 1")

        assert connection.broken
        assert classify(problem.value) is Fault.PASSING


def test_a_silent_commit_is_an_unknown_commit_and_is_run_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ANSWER_WITHIN_S", 0.5)
    query(database_url, "CREATE TABLE said (what text)")
    with proxied_database(database_url) as (proxy, url):
        database = Database(url, "test", threading.Event(), Metrics())
        runs = []

        def work(tx: Tx) -> None:
            runs.append(1)
            tx.execute("INSERT INTO said VALUES ('x')")
            if len(runs) == 1:
                proxy.silence(Way.UP)
                threading.Timer(1.0, proxy.heal).start()

        database.run(work)
        database.close()

    assert len(runs) == 2


@pytest.mark.parametrize(("cut", "rows"), [(Cut.BEFORE, 1), (Cut.AFTER_THE_ANSWER, 2)])
def test_both_unknown_commits_look_the_same_to_us(database_url: str, cut: Cut, rows: int) -> None:
    """Measured in docs/reliability.md d.4: no state, a broken connection; the rows tell which one it was."""
    query(database_url, "CREATE TABLE said (what text)")
    with proxied_database(database_url) as (proxy, url):
        connection = open_connection(url, "test")
        proxy.trap(b"COMMIT", cut)

        with pytest.raises(psycopg.OperationalError) as problem, connection.transaction():
            connection.execute("INSERT INTO said VALUES ('x')")

        assert problem.value.sqlstate is None
        assert connection.broken
        assert classify(problem.value) is Fault.PASSING
        connection.close()
        database = Database(url, "test", threading.Event(), Metrics())
        database.run(lambda tx: tx.execute("INSERT INTO said VALUES ('x')"))
        database.close()
    assert query(database_url, "SELECT count(*) FROM said") == [(rows,)]


def test_a_transaction_is_given_up_when_the_program_is_to_end_while_postgresql_is_away(database_url: str) -> None:
    with proxied_database(database_url) as (proxy, url):
        proxy.refusing = True
        stopping = threading.Event()
        threading.Timer(0.3, stopping.set).start()

        with pytest.raises(Stopping):
            Database(url, "test", stopping, Metrics()).run(lambda tx: None)


def test_our_session_has_the_limits_that_keep_a_hung_worker_from_holding_carts(database_url: str) -> None:
    with open_connection(database_url, "ingest-0 worker") as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',"
            " 'idle_in_transaction_session_timeout', 'client_connection_check_interval', 'application_name')"
        ).fetchall()

    assert dict(rows) == {
        "statement_timeout": "5000",
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "10000",
        "client_connection_check_interval": "2000",
        "application_name": "ingest-0 worker",
    }
